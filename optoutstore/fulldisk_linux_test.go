package optoutstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mountTmpfs mounts a file system of a size in MiB, which only root can, and
// returns its directory.
func mountTmpfs(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system; TestFreeSpace does it with injected figures")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk leaves that many bytes free, and returns what frees the rest again.
func fillDisk(t *testing.T, dir string, leave uint64) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	have, err := freeSpace(dir)
	if err != nil {
		t.Fatal(err)
	}
	if have > leave {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(have-leave)); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// fullDiskOptions are a store on a small disk.
func fullDiskOptions(t *testing.T, log *logLines) Options {
	t.Helper()
	o := testOptions(t)
	o.Dir = filepath.Join(mountTmpfs(t, "128m"), "store")
	o.FreeSpace, o.Logger, o.MinFree = nil, log.logger(), 40<<20
	o.memTableSize, o.segmentSize = 1<<20, 4<<20
	return o
}

// A store that fills its own disk stops to record in time, and goes on when there
// is space again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	var log logLines
	o := fullDiskOptions(t, &log)
	release := fillDisk(t, filepath.Dir(o.Dir), 60<<20)
	d := mustOpen(t, o)

	// 64 clients go on until each has been refused.
	var acked sync.Map
	var n atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				i := int(n.Add(1))
				_, err := d.OptOut(context.Background(), changeN(i))
				if errors.Is(err, ErrNoSpace) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				acked.Store(i, true)
			}
		})
	}
	wg.Wait()
	all := int(n.Load())
	t.Logf("%d opt-outs before the disk was short of space", all)
	if h := d.Health(); h.Writable || !h.Readable || !strings.Contains(h.Reason, "short of space") {
		t.Fatalf("health %+v", h)
	}
	check := func(d *Durable) {
		t.Helper()
		acked.Range(func(i, _ any) bool {
			if !optedOut(t, d, pairN(i.(int))) {
				t.Fatalf("%d was acknowledged and is lost", i)
			}
			return true
		})
		if optedOut(t, d, pairN(9_999_999)) {
			t.Fatal("somebody else has opted out")
		}
	}
	check(d)
	if lines := strings.Count(log.String(), "level=ERROR"); lines != 1 {
		t.Fatalf("%d error lines:\n%s", lines, log.String())
	}

	release()
	began := time.Now()
	wait(t, "writing resumes", func() bool { return d.Health().Writable })
	t.Logf("resumed after %s", time.Since(began))
	if _, err := d.OptOut(context.Background(), changeN(all+1)); err != nil {
		t.Fatal(err)
	}
	check(d)
	mustClose(t, d)
	check(mustOpen(t, o))
}

// Somebody else takes all of the space, down to the last byte.
func TestDiskFilledByOthers(t *testing.T) {
	t.Parallel()
	var log logLines
	o := fullDiskOptions(t, &log)
	d := mustOpen(t, o)
	fill(t, d, 0, 2000)
	release := fillDisk(t, filepath.Dir(o.Dir), 0)
	wait(t, "it notices", func() bool { return !d.Health().Writable })
	for range 20 {
		_, err := d.OptOut(context.Background(), changeN(2000))
		wantErr(t, err, ErrNoSpace)
	}
	wantFilled(t, d, 2000)

	// What Badger has in memory stays there: writing it out would end the process.
	err := d.Close()
	wantErr(t, err, ErrNoSpace)
	_, err = Open(o)
	wantErr(t, err, ErrNoSpace)
	release()
	_, err = Open(o)
	wantErr(t, err, ErrLocked)
	left := filepath.Join(t.TempDir(), "store") // as the end of the process would leave it
	copyStore(t, o.Dir, left)
	if err := d.index.Load().close(); err != nil {
		t.Fatal(err)
	}
	for _, l := range d.locks {
		l.Close()
	}
	o.Dir, o.Witness = left, nil
	d = mustOpen(t, o)
	wantFilled(t, d, 2000)
	fill(t, d, 2000, 2100)
	wantFilled(t, d, 2100)
}
