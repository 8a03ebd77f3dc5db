package optoutstore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var testID = ID{1, 2, 3}

// testJournal makes a journal of frames with per events each.
func testJournal(t testing.TB, dir string, segmentSize int64, frames, per int) *journal {
	t.Helper()
	if err := createJournal(osFS{}, dir, testID, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	j := reopenJournal(t, dir, segmentSize)
	for f := range frames {
		if err := j.ready(); err != nil {
			t.Fatal(err)
		}
		for i := range per {
			r := record{Event: Event{Change: changeN(f*per + i), Kind: OptedOut}}
			r.EffectiveAt = time.UnixMicro(12345)
			r.RecordedAt = time.UnixMicro(67890)
			j.stage(&r)
		}
		if err := j.commit(); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func reopenJournal(t testing.TB, dir string, segmentSize int64) *journal {
	t.Helper()
	j, err := openJournal(osFS{}, dir, testID, segmentSize, time.Now)
	if err != nil {
		t.Fatalf("openJournal: %v", err)
	}
	t.Cleanup(func() { j.close() })
	return j
}

// segmentBytes are the bytes of the journal's only segment, and where its frames
// begin; the last entry is the end.
func segmentBytes(t testing.TB, dir string) (string, []byte, []int) {
	t.Helper()
	name := filepath.Join(dir, segmentName(1))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	starts := []int{segmentHeader}
	for at := segmentHeader; at < len(b); {
		if len(bytes.Trim(b[at:], "\x00")) == 0 {
			return name, b[:at], starts // the journal is open: these were written ahead
		}
		h, ok := parseFrameHead(b[at:])
		if !ok {
			t.Fatal("no frame at", at)
		}
		at += h.length
		starts = append(starts, at)
	}
	return name, b, starts
}

func TestJournalTornAtEveryByte(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	testJournal(t, dir, defaultSegmentSize, 3, 2).close()
	name, whole, starts := segmentBytes(t, dir)
	last := starts[len(starts)-2]
	for size := last; size <= len(whole); size++ {
		// The rest missing, as of a write that was cut short; or there, but zero, as
		// of a power cut after the size was written and before the data, or before the
		// data that was to replace zeros written ahead.
		for _, long := range []int{0, len(whole), len(whole) + 1, len(whole) + 2*zeroChunk} {
			b := append([]byte(nil), whole[:size]...)
			if long > 0 {
				b = append(b, make([]byte, long-size)...)
			}
			if err := os.WriteFile(name, b, filePerm); err != nil {
				t.Fatal(err)
			}
			j, err := openJournal(osFS{}, dir, testID, defaultSegmentSize, time.Now)
			if err != nil {
				t.Fatalf("%d bytes of %d: %v", size, len(whole), err)
			}
			want := uint64(4)
			if bytes.HasPrefix(b, whole) { // it ends with zeros
				want = 6
			}
			if j.end.number != want {
				t.Fatalf("%d bytes of %d: %d events, want %d", size, len(whole), j.end.number, want)
			}
			if err := j.trim(); err != nil {
				t.Fatal(err)
			}
			// What is torn is cut off with all that is behind; zeros alone may stay.
			good := map[uint64]int{4: last, 6: len(whole)}[want]
			stays := good
			if want == 6 || size == last {
				stays = max(good, len(b))
			}
			if info, _ := os.Stat(name); info.Size() != int64(stays) {
				t.Fatalf("%d bytes of %d, %d long: %d are left", size, len(whole), len(b), info.Size())
			}
			if err := j.settle(); err != nil {
				t.Fatal(err)
			}
			j.close()
			if info, _ := os.Stat(name); info.Size() != int64(good) {
				t.Fatalf("%d bytes of %d, %d long: %d are left after a close", size, len(whole), len(b), info.Size())
			}
		}
	}
}

func TestJournalFlippedByte(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	testJournal(t, dir, defaultSegmentSize, 3, 2).close()
	name, whole, starts := segmentBytes(t, dir)
	last := starts[len(starts)-2]
	whole = append(whole, make([]byte, 200)...) // written ahead
	for at := range whole {
		b := append([]byte(nil), whole...)
		b[at] ^= 1 << (at % 8)
		if err := os.WriteFile(name, b, filePerm); err != nil {
			t.Fatal(err)
		}
		j, err := openJournal(osFS{}, dir, testID, defaultSegmentSize, time.Now)
		switch {
		case at < last:
			// In the header, or with a good frame behind.
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d: %v, want ErrDamaged", at, err)
			}
		case err != nil:
			t.Fatalf("byte %d of the last frame: %v", at, err)
		case at >= starts[len(starts)-1]:
			if j.end.number != 6 || j.torn == 0 {
				t.Fatalf("byte %d of the zeros: %d events, %d bytes are torn", at, j.end.number, j.torn)
			}
		case j.end.number != 4:
			// It looks like the end that a crash tore. That it was acknowledged is
			// for the witness to know: TestLoss.
			t.Fatalf("byte %d of the last frame: %d events", at, j.end.number)
		}
		if j != nil {
			j.close()
		}
	}
}

func TestJournalSegments(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	spoil := map[string]struct {
		do   func(t *testing.T, dir string)
		want error
	}{
		"nothing": {func(*testing.T, string) {}, nil},
		"the first missing": {func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, segmentName(1)))
		}, ErrDamaged},
		"one in the middle missing": {func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, segmentName(5)))
		}, ErrDamaged},
		"one in the middle cut": {func(t *testing.T, dir string) {
			os.Truncate(filepath.Join(dir, segmentName(5)), 200)
		}, ErrDamaged},
		"one in the middle longer": {func(t *testing.T, dir string) {
			f, _ := os.OpenFile(filepath.Join(dir, segmentName(5)), os.O_APPEND|os.O_WRONLY, 0)
			f.Write(make([]byte, 10))
			f.Close()
		}, ErrDamaged},
		"two swapped": {func(t *testing.T, dir string) {
			a, b, c := filepath.Join(dir, segmentName(1)), filepath.Join(dir, segmentName(5)), filepath.Join(dir, "x")
			os.Rename(a, c)
			os.Rename(b, a)
			os.Rename(c, b)
		}, ErrDamaged},
		"the creation of the next cut short": {func(t *testing.T, dir string) {
			os.WriteFile(filepath.Join(dir, segmentName(17)), []byte("SGjr"), filePerm)
		}, nil},
		"the next created and empty of a header": {func(t *testing.T, dir string) {
			os.WriteFile(filepath.Join(dir, segmentName(17)), make([]byte, segmentHeader), filePerm)
		}, nil},
		"another store's": {func(t *testing.T, dir string) {
			b := appendSegmentHead(nil, segmentHead{id: ID{9}, first: 1})
			f, _ := os.OpenFile(filepath.Join(dir, segmentName(1)), os.O_WRONLY, 0)
			f.WriteAt(b, 0)
			f.Close()
		}, ErrDamaged},
		"all missing": {func(t *testing.T, dir string) {
			os.RemoveAll(dir)
			os.Mkdir(dir, 0o700)
		}, ErrDamaged},
	}
	for name, tc := range spoil {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(root, t.Name())
			testJournal(t, dir, 500, 8, 2).close() // a segment holds two frames
			tc.do(t, dir)
			j, err := openJournal(osFS{}, dir, testID, 500, time.Now)
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			if err != nil {
				return
			}
			defer j.close()
			if err := j.trim(); err != nil {
				t.Fatal(err)
			}
			if end, err := j.scan(context.Background(), j.first(), nil); err != nil || end != j.end || end.number != 16 {
				t.Fatalf("scan: %+v, %v", end, err)
			}
			for n := uint64(1); n <= 16; n++ {
				if _, err := j.hashOf(n); err != nil {
					t.Fatalf("hashOf(%d): %v", n, err)
				}
			}
		})
	}
}

// A record copied from another place is whole by its own checksum, but does not
// follow.
func TestJournalFrameRepeated(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	testJournal(t, dir, defaultSegmentSize, 3, 2).close()
	name, whole, starts := segmentBytes(t, dir)
	again := append(append([]byte(nil), whole...), whole[starts[1]:starts[2]]...)
	if err := os.WriteFile(name, again, filePerm); err != nil {
		t.Fatal(err)
	}
	_, err := openJournal(osFS{}, dir, testID, defaultSegmentSize, time.Now)
	wantErr(t, err, ErrDamaged)
}

// What somebody puts into a field cannot pass for a frame behind a torn one.
func TestJournalForgedFrame(t *testing.T) {
	t.Parallel()
	forged := appendRecord(openFrame(nil), &record{Event: Event{Change: changeN(1), Number: 9, Kind: OptedOut}})
	closeFrame(forged, ID{}, 9, 1)
	dir := filepath.Join(t.TempDir(), "journal")
	j := testJournal(t, dir, defaultSegmentSize, 1, 1)
	if err := j.ready(); err != nil {
		t.Fatal(err)
	}
	r := record{Event: Event{Change: changeN(2), Kind: OptedOut}}
	r.Reason = string(forged)
	j.stage(&r)
	if err := j.commit(); err != nil {
		t.Fatal(err)
	}
	j.close()
	name, whole, _ := segmentBytes(t, dir)
	if err := os.Truncate(name, int64(len(whole)-1)); err != nil {
		t.Fatal(err)
	}
	if j := reopenJournal(t, dir, defaultSegmentSize); j.end.number != 1 {
		t.Fatalf("%d events", j.end.number)
	}
}

func TestJournalNewerFormat(t *testing.T) {
	t.Parallel()
	t.Run("segment", func(t *testing.T) {
		h := appendSegmentHead(nil, segmentHead{id: testID, first: 1})
		h[9] = segmentVersion + 1
		h = appendCRC(h[:segmentCRCOffset])
		_, err := parseSegmentHead(h)
		wantErr(t, err, ErrNewerFormat)
	})
	t.Run("record", func(t *testing.T) {
		b := appendRecord(nil, &record{Event: Event{Change: changeN(1), Number: 1, Kind: OptedOut}})
		b[8] = recordVersion + 1
		sealRecord(b)
		_, err := parseRecord(b)
		wantErr(t, err, ErrNewerFormat)
	})
}
