package optoutstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// A frame that was written but whose sync failed, or did not come, may be in the
// page cache alone. The next open makes it durable before it builds upon it.
func TestUnsyncedTailIsSettledAtOpen(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	var failing atomic.Bool
	var writes, syncs atomic.Int32
	o.fs = &faultFS{fail: func(op, name string) error {
		switch {
		case !strings.HasSuffix(name, ".seg"):
		case failing.Load() && (op == "sync" || op == "truncate"):
			return syscall.EIO
		case op == "write":
			writes.Add(1)
		case op == "sync":
			syncs.Add(1)
		}
		return nil
	}}
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 3)
	failing.Store(true)
	if _, err := d.OptOut(context.Background(), changeN(3)); err == nil {
		t.Fatal("acknowledged without a sync")
	}
	d.Close()

	// While it cannot be made durable, nothing is built upon it.
	if d, err := Open(o); !errors.Is(err, ErrUnavailable) {
		if err == nil {
			d.Close()
		}
		t.Errorf("opened upon a tail that cannot be synced: %v", err)
	}
	failing.Store(false)
	writes.Store(0)
	syncs.Store(0)
	d = mustOpen(t, o)
	if writes.Load() == 0 || syncs.Load() == 0 {
		t.Errorf("the tail was written again %d times and synced %d times", writes.Load(), syncs.Load())
	}
	mustClose(t, d)
}

// lostTail is a store whose journal lost the events behind kept, and whose index
// did not.
func lostTail(t *testing.T, kept, all int) Options {
	t.Helper()
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, kept)
	mustClose(t, d)
	old := filepath.Join(t.TempDir(), "journal")
	journal := filepath.Join(o.Dir, journalName)
	if err := os.CopyFS(old, os.DirFS(journal)); err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, o)
	// From the end, so that what an interrupted attempt appends stands for others.
	for to := all; to > kept; to -= 64 {
		fill(t, d, max(kept, to-64), to)
	}
	mustClose(t, d)
	if err := os.RemoveAll(journal); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(journal, os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, ErrLoss) {
		t.Fatalf("the loss was not noticed: %v", err)
	}
	return o
}

// wantAll accepts the loss and wants all of the opt-outs back.
func wantAll(t *testing.T, o Options, all int) {
	t.Helper()
	if err := AcceptLoss(o, "me", "test"); err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, o)
	waitReady(t, d)
	lost := 0
	for i := range all {
		if !optedOut(t, d, pairN(i)) {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d opt-outs that the index knew are lost", lost)
	}
	mustClose(t, d)
}

// What the index knows of lost events survives an acceptance that is interrupted,
// wherever it is, and tried again.
func TestAcceptLossInterrupted(t *testing.T) {
	t.Parallel()
	// The last frame again, the first zeros, the first frame, and the second.
	for _, at := range []int32{1, 2, 2 + roomAhead/zeroChunk, 3 + roomAhead/zeroChunk} {
		o := lostTail(t, 600, 3600)
		var n atomic.Int32
		p := o
		p.fs = &faultFS{fail: func(op, name string) error {
			if op == "write" && strings.HasSuffix(name, ".seg") && n.Add(1) >= at {
				return syscall.ENOSPC
			}
			return nil
		}}
		if err := AcceptLoss(p, "me", "disk full"); err == nil {
			t.Errorf("write %d failed, and nobody noticed", at)
		}
		wantAll(t, o, 3600)
	}
}

// An index whose newest log a power cut left empty still tells what it knows.
func TestAcceptLossWithEmptyLog(t *testing.T) {
	t.Parallel()
	o := lostTail(t, 100, 200)
	if err := os.WriteFile(filepath.Join(o.Dir, indexName, "00009.mem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantAll(t, o, 200)
}

// An index that cannot be read is not thrown away with what it may know.
func TestAcceptLossWithUnreadableIndex(t *testing.T) {
	t.Parallel()
	o := lostTail(t, 100, 200)
	manifest := filepath.Join(o.Dir, indexName, "MANIFEST")
	kept, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(manifest); err != nil {
		t.Fatal(err)
	}
	if err := AcceptLoss(o, "me", "test"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("accepted without what the index knows: %v", err)
	}
	if err := os.WriteFile(manifest, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	wantAll(t, o, 200)
}

// A directory with an index but no identity is a damaged store, not a new one.
func TestIndexWithoutIdentity(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, 100)
	mustClose(t, d)
	for _, name := range []string{identityName, journalName} {
		if err := os.RemoveAll(filepath.Join(o.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	o.Witness = FileWitness(t.TempDir())
	if _, err := Open(o); !errors.Is(err, ErrDamaged) {
		t.Errorf("a new store was made over an old index: %v", err)
	}
}

// Who removes LOCK by hand does not open a second store beside the first.
func TestLockRemovedByHand(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, 10)
	if err := os.Remove(filepath.Join(o.Dir, lockName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := d.OptOut(context.Background(), changeN(11)); err != nil {
		t.Error(err)
	}
	mustClose(t, d)
}
