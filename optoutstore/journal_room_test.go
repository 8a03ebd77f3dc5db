package optoutstore

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// sizeOf is the size of a file.
func sizeOf(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// appendEvent writes one event to the journal.
func appendEvent(t *testing.T, j *journal, n int) {
	t.Helper()
	if err := j.ready(); err != nil {
		t.Fatal(err)
	}
	j.stage(&record{Event: Event{Change: changeN(n), Kind: OptedOut}})
	if err := j.commit(); err != nil {
		t.Fatal(err)
	}
}

// The zeros of a journal that was not closed are written to again, and a journal
// that is only looked at keeps them.
func TestJournalRoom(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	name := filepath.Join(dir, segmentName(1))
	j := testJournal(t, dir, defaultSegmentSize, 3, 2)
	long := sizeOf(t, name)
	if long != j.active().room || long < roomAhead {
		t.Fatalf("the file has %d bytes, with zeros up to %d", long, j.active().room)
	}

	// As after a crash: nobody closes j.
	again := reopenJournal(t, dir, defaultSegmentSize)
	if again.end != j.end || again.torn != 0 || again.active().room != long {
		t.Fatalf("it ends at %+v, torn %d, zeros up to %d", again.end, again.torn, again.active().room)
	}
	again.close()
	if sizeOf(t, name) != long {
		t.Fatal("looking at it changed it")
	}
	again = reopenJournal(t, dir, defaultSegmentSize)
	appendEvent(t, again, 6)
	if sizeOf(t, name) != long {
		t.Fatal("it did not write into the zeros")
	}
	if end, err := again.scan(context.Background(), again.first(), nil); err != nil || end != again.end || end.number != 7 {
		t.Fatalf("scan: %+v, %v", end, err)
	}
	size := again.active().size
	again.close()
	if sizeOf(t, name) != size {
		t.Fatalf("closed it has %d bytes, %d of them frames", sizeOf(t, name), size)
	}
}

// An older segment has no zeros, though its last frame left some.
func TestJournalRoomEnds(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	j := testJournal(t, dir, 2000, 0, 0)
	for n := range 40 {
		appendEvent(t, j, n)
		// At any time, as after a crash:
		again := reopenJournal(t, dir, 2000)
		if again.end != j.end || again.torn != 0 {
			t.Fatalf("after %d events it ends at %+v, %d bytes torn", n+1, again.end, again.torn)
		}
		again.close()
	}
	if len(j.segs) < 3 {
		t.Fatalf("%d segments", len(j.segs))
	}
	for _, s := range j.segs[:len(j.segs)-1] {
		if sizeOf(t, s.name) != s.size {
			t.Fatalf("%s has %d bytes, %d of them frames", s.name, sizeOf(t, s.name), s.size)
		}
	}
}

// Where there is space for a frame but not for zeros, opt-outs are recorded.
func TestJournalRoomNoSpace(t *testing.T) {
	t.Parallel()
	for _, at := range []int32{1, 2, 5} {
		dir := filepath.Join(t.TempDir(), "journal")
		testJournal(t, dir, defaultSegmentSize, 0, 0).close()
		var n atomic.Int32
		fsys := &faultFS{fail: func(op, name string) error {
			if op == "write" && strings.HasSuffix(name, segmentSuffix) && n.Add(1) == at {
				return syscall.ENOSPC
			}
			return nil
		}}
		j, err := openJournal(fsys, dir, testID, defaultSegmentSize, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			appendEvent(t, j, i)
		}
		if got := sizeOf(t, j.active().name); got != j.active().size {
			t.Fatalf("write %d: %d bytes, %d of them frames", at, got, j.active().size)
		}
		j.close()
		if end := reopenJournal(t, dir, defaultSegmentSize).end; end != j.end {
			t.Fatalf("write %d: it ends at %+v, not %+v", at, end, j.end)
		}
	}
}
