package optoutstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func anyRoom(uint64) error { return nil }

type sortedEntry struct {
	key     string
	number  uint64
	payload string
}

func collect(t rapid.TB, s *sorter) []sortedEntry {
	var got []sortedEntry
	err := s.each(context.Background(), func(e sortEntry) error {
		got = append(got, sortedEntry{string(e.key), e.number, string(e.payload)})
		return nil
	})
	if err != nil {
		t.Fatalf("each: %v", err)
	}
	return got
}

func wantNoRuns(t rapid.TB, dir string) {
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
}

// Whatever goes in comes out in the order that sort.Slice would give, with a few
// bytes of memory or with plenty.
func TestSorter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		memory := rapid.SampledFrom([]int{1, 100, 1000, 10_000, 1 << 20}).Draw(t, "memory")
		// Few letters make keys that are equal, or begin alike; a zero must not end one.
		key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 0xff}), 0, 20)
		n := rapid.IntRange(0, 300).Draw(t, "n")
		s := newSorter(dir, memory, anyRoom)
		defer s.close()
		var want []sortedEntry
		for i := range n {
			e := sortedEntry{
				key:     string(key.Draw(t, "key")),
				number:  uint64(i),
				payload: string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")),
			}
			want = append(want, e)
			if err := s.add([]byte(e.key), e.number, []byte(e.payload)); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, func(x, y sortedEntry) int { return bytes.Compare([]byte(x.key), []byte(y.key)) })
		if got := collect(t, s); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		wantNoRuns(t, dir)
	})
}

// More runs than are merged at once become one first.
func TestSorterManyRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newSorter(dir, 1, anyRoom) // each entry is a run
	order := rand.Perm(3*sortRuns + 5)
	for i, n := range order {
		if err := s.add(binary.BigEndian.AppendUint32(nil, uint32(n)), uint64(i), nil); err != nil {
			t.Fatal(err)
		}
		if err := s.settle(); err != nil { // or it is being written
			t.Fatal(err)
		}
		if len(s.runs) > sortRuns {
			t.Fatalf("%d runs", len(s.runs))
		}
	}
	got := collect(t, s)
	if len(got) != len(order) {
		t.Fatalf("%d of %d", len(got), len(order))
	}
	for i, e := range got {
		if n := binary.BigEndian.Uint32([]byte(e.key)); int(n) != i || order[e.number] != i {
			t.Fatalf("entry %d is %d", i, n)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	wantNoRuns(t, dir)
}

func TestSorterEntryTooLong(t *testing.T) {
	t.Parallel()
	s := newSorter(t.TempDir(), 1000, anyRoom)
	defer s.close()
	if err := s.add(make([]byte, sortBlock), 1, nil); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("taken: %v", err)
	}
	// The longest that fits fills a block, with nothing beside it.
	for i := range 3 {
		if err := s.add(make([]byte, sortBlock-sortEntryHeader), uint64(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := collect(t, s); len(got) != 3 || got[2].number != 2 {
		t.Fatalf("%d entries", len(got))
	}
}

// A disk that is short, a run that comes back changed, and a caller that has
// enough of it end the sorting with an error, and leave no file.
func TestSorterFailures(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	for name, tc := range map[string]struct {
		room func(uint64) error
		harm func(t *testing.T, dir string)
		fn   func(sortEntry) error
		ctx  func() context.Context
		want error
	}{
		"no room": {room: func(uint64) error { return ErrNoSpace }, want: ErrNoSpace},
		"a flipped byte": {want: ErrUnavailable, harm: func(t *testing.T, dir string) {
			flip(t, firstRun(t, dir), 5000)
		}},
		"a flipped length": {want: ErrUnavailable, harm: func(t *testing.T, dir string) {
			flip(t, firstRun(t, dir), 0)
		}},
		"a cut run": {want: ErrUnavailable, harm: func(t *testing.T, dir string) {
			cutTo(t, firstRun(t, dir), 5000)
		}},
		"an empty run": {want: ErrUnavailable, harm: func(t *testing.T, dir string) {
			cutTo(t, firstRun(t, dir), 0)
		}},
		"the caller stops": {fn: func(sortEntry) error { return stop }, want: stop},
		"cancelled": {want: context.Canceled, ctx: func() context.Context {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return ctx
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tc.room == nil {
				tc.room = anyRoom
			}
			s := newSorter(dir, 1<<20, tc.room)
			var err error
			for i := 0; i < 40_000 && err == nil; i++ {
				err = s.add([]byte(strconv.Itoa(i*7919%40_000)), uint64(i), []byte("payload"))
			}
			if err == nil && tc.harm != nil {
				if err := s.settle(); err != nil {
					t.Fatal(err)
				}
				tc.harm(t, dir)
			}
			ctx := context.Background()
			if tc.ctx != nil {
				ctx = tc.ctx()
			}
			if tc.fn == nil {
				tc.fn = func(sortEntry) error { return nil }
			}
			if err == nil {
				err = s.each(ctx, tc.fn)
			}
			wantErr(t, err, tc.want)
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
			wantNoRuns(t, dir)
		})
	}
}

func cutTo(t *testing.T, name string, size int64) {
	t.Helper()
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
}

// firstRun is the name of the run that was written first.
func firstRun(t *testing.T, dir string) string {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, sortPattern))
	if len(names) == 0 {
		t.Fatal("nothing was written")
	}
	return names[0]
}

func TestRemoveRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := createRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.f.Close()
	if err := removeRuns(dir); err != nil {
		t.Fatal(err)
	}
	wantNoRuns(t, dir)
}

// BenchmarkSorter sorts OPTOUTSTORE_BENCH_ROWS entries (default 100,000) of the
// size that an import has.
func BenchmarkSorter(b *testing.B) {
	rows := benchRowsFromEnv()
	key, payload := make([]byte, 0, 64), make([]byte, 30)
	for b.Loop() {
		s := newSorter(b.TempDir(), sortMemory, anyRoom)
		r := rand.New(rand.NewPCG(1, 2))
		for i := range rows {
			key = strconv.AppendUint(append(key[:0], 'p'), 10_000_000_000+r.Uint64N(10_000_000_000), 10)
			key = append(key, "\x00\x05realm12345"...)
			if err := s.add(key, uint64(i), payload); err != nil {
				b.Fatal(err)
			}
		}
		n := 0
		if err := s.each(context.Background(), func(sortEntry) error { n++; return nil }); err != nil || n != rows {
			b.Fatal(n, err)
		}
		if err := s.close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// benchRowsFromEnv is how many rows the large benchmarks use: the variable
// OPTOUTSTORE_BENCH_ROWS, or few enough for go test.
func benchRowsFromEnv() int {
	if n, err := strconv.Atoi(os.Getenv("OPTOUTSTORE_BENCH_ROWS")); err == nil {
		return n
	}
	return benchRows
}
