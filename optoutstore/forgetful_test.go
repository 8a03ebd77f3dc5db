package optoutstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// forgetfulLife is what a store goes through before its power is cut: it is made,
// takes opt-outs and a lift, begins new segments, saves its checkpoint and its
// witness, is closed, opened again, and takes more. It tells what was acknowledged:
// for each pair, whether it has opted out.
func forgetfulLife(fsys *forgetFS, o Options) map[int]bool {
	acked := map[int]bool{}
	n := 0
	for range 2 {
		d, err := Open(o)
		if err != nil {
			return acked
		}
		for range 8 {
			n++
			if _, err := d.OptOut(context.Background(), changeN(n)); err == nil {
				acked[n] = true
			}
		}
		delete(acked, n-1) // its lift may be recorded or not
		if _, err := d.Lift(context.Background(), changeN(n-1), 0); err == nil {
			acked[n-1] = false
		}
		_ = d.Close()
		if fsys.isCut() {
			return acked
		}
	}
	return acked
}

// TestForgetful cuts the power at every call that changes a file, and wants all
// that was acknowledged by then back: with an index of which nothing unsynced is
// left, and without one.
func TestForgetful(t *testing.T) {
	t.Parallel()
	all := 0
	memory := MemoryDir(t)
	for cut := 1; ; cut++ {
		if testing.Short() && cut%5 != 0 {
			continue
		}
		root := filepath.Join(memory, fmt.Sprint(cut))
		mkdir(t, root)
		fsys := newForgetFS(cut)
		o := Options{
			Dir:             filepath.Join(root, "store"),
			Witness:         fileWitness{fsys, filepath.Join(root, "witness")},
			FreeSpace:       plenty,
			fs:              fsys,
			segmentSize:     1000,
			checkpointEvery: time.Millisecond,
		}
		acked := forgetfulLife(fsys, o)
		all += len(acked)
		for _, name := range []string{"with", "without"} {
			to := filepath.Join(memory, fmt.Sprint(cut, name))
			mkdir(t, to)
			fsys.restore(t, root, to)
			if name == "with" {
				keepTables(t, o.path(indexName), filepath.Join(to, "store", indexName))
			}
			checkForgetful(t, cut, to, acked)
			if err := os.RemoveAll(to); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.RemoveAll(root); err != nil {
			t.Fatal(err)
		}
		if !fsys.isCut() {
			t.Logf("%d calls, %d acknowledgements", cut-1, all)
			return
		}
		if cut > 2000 {
			t.Fatal("it never ends")
		}
	}
}

// checkForgetful opens what was left of a store.
func checkForgetful(t *testing.T, cut int, root string, acked map[int]bool) {
	t.Helper()
	d, err := Open(Options{Dir: filepath.Join(root, "store"), Witness: FileWitness(filepath.Join(root, "witness")), FreeSpace: plenty})
	if err != nil {
		t.Fatalf("cut at call %d: %v", cut, err)
	}
	defer d.Close()
	for n, want := range acked {
		if got := optedOut(t, d, pairN(n)); got != want {
			t.Fatalf("cut at call %d: pair %d is opted out: %v, acknowledged was %v", cut, n, got, want)
		}
	}
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatalf("cut at call %d: %v", cut, err)
	}
}

// keepTables copies what of an index is on the disk: all but the logs of its
// memtables, which are never synced.
func keepTables(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); err != nil {
		return
	}
	if _, err := os.Stat(filepath.Dir(to)); err != nil {
		return // not even the store's directory is
	}
	copyStore(t, from, to)
	logs, err := filepath.Glob(filepath.Join(to, "*"+memtableSuffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range logs {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, dirPerm); err != nil {
		t.Fatal(err)
	}
}
