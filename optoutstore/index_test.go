package optoutstore

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// logLines is a logger whose lines a test can read.
type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logLines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// flip changes a bit of a file where it stands, counted from the end if negative.
func flip(t *testing.T, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if at < 0 {
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		at += info.Size()
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// crash abandons a store as a kill would: what it leaves on the disk is copied
// while it is open.
func crash(t *testing.T, d *Durable, to string) Options {
	t.Helper()
	o := d.o
	copyStore(t, o.Dir, to)
	mustClose(t, d)
	o.Dir, o.Witness = to, nil
	return o
}

// What a memtable's log holds is not believed: whatever happens to it, nothing
// acknowledged is missing.
func TestMemtableLogDamage(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(t *testing.T, name string){
		"untouched": func(*testing.T, string) {},
		"flipped":   func(t *testing.T, name string) { flip(t, name, 3000) },
		"removed":   func(t *testing.T, name string) { os.Remove(name) },
		"emptied":   func(t *testing.T, name string) { os.Truncate(name, 0) },
		"cut":       func(t *testing.T, name string) { os.Truncate(name, 20000) },
	} {
		t.Run(name, func(t *testing.T) {
			d := mustOpen(t, testOptions(t))
			fill(t, d, 0, 1000)
			if _, err := d.Lift(context.Background(), changeN(999), 0); err != nil {
				t.Fatal(err)
			}
			o := crash(t, d, filepath.Join(t.TempDir(), "store"))
			logs, _ := filepath.Glob(filepath.Join(o.path(indexName), "*.mem"))
			if len(logs) == 0 {
				t.Fatal("no log")
			}
			for _, l := range logs {
				do(t, l)
			}
			d = mustOpen(t, o)
			wantFilled(t, d, 999)
			if err := d.Verify(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// loseMiddle leaves a store the index of an earlier copy of itself, and the newest log
// of its own.
func loseMiddle(t *testing.T, early string, late Options) {
	t.Helper()
	logs, err := memtableLogs(late.path(indexName))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	newest := fmt.Sprintf("%05d%s", slices.Max(logs), memtableSuffix)
	text, err := os.ReadFile(filepath.Join(late.path(indexName), newest))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(late.path(indexName)); err != nil {
		t.Fatal(err)
	}
	copyStore(t, filepath.Join(early, indexName), late.path(indexName))
	if old, _ := memtableLogs(late.path(indexName)); slices.Max(old) >= slices.Max(logs) {
		t.Fatal("there was only one memtable")
	}
	if err := os.WriteFile(filepath.Join(late.path(indexName), newest), text, filePerm); err != nil {
		t.Fatal(err)
	}
}

// The end of an older memtable's log is lost in a power cut where a newer's
// survives: Badger's own mark of how far it is stands, with rows missing below.
func TestMemtableLogLostInTheMiddle(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.memTableSize = 1 << 20
	o.checkpointEvery = time.Hour
	d := mustOpen(t, o)
	const early, rows = 500, 16000
	root := t.TempDir()
	fill(t, d, 0, early)
	copyStore(t, o.Dir, filepath.Join(root, "early"))
	fill(t, d, early, rows)
	late := crash(t, d, filepath.Join(root, "late"))

	loseMiddle(t, filepath.Join(root, "early"), late)

	ix, err := openIndex(&late, late.path(indexName))
	if err != nil {
		t.Fatal(err)
	}
	at, _, err := ix.applied()
	_, found, _ := ix.pair(pairN(early + 10))
	if err != nil || at.number != rows || found {
		t.Fatalf("not the case to be tested: applied %d, %v", at.number, err)
	}
	if err := ix.close(); err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, late)
	wantFilled(t, d, rows)
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}

func readTestCheckpoint(t *testing.T, o Options) checkpoint {
	t.Helper()
	c, ok, why, err := readCheckpoint(osFS{}, o.path(checkpointName))
	if !ok || err != nil {
		t.Fatal(why, err)
	}
	return c
}

// An index that is older than the journal, with its own older checkpoint, is
// brought up to date from the journal.
func TestIndexOlder(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, 300)
	mustClose(t, d)
	older := filepath.Join(t.TempDir(), "older")
	copyStore(t, o.Dir, older)
	d = mustOpen(t, o)
	fill(t, d, 300, 600)
	if _, err := d.Lift(context.Background(), changeN(599), 0); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	for _, name := range []string{indexName, checkpointName} {
		os.RemoveAll(o.path(name))
	}
	copyStore(t, filepath.Join(older, indexName), o.path(indexName))
	text, _ := os.ReadFile(filepath.Join(older, checkpointName))
	os.WriteFile(o.path(checkpointName), text, filePerm)
	d = mustOpen(t, o)
	wantFilled(t, d, 599)
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatal(err)
	}

	// With the newer checkpoint it shows.
	mustClose(t, d)
	newer, _ := os.ReadFile(o.path(checkpointName))
	os.RemoveAll(o.path(indexName))
	copyStore(t, filepath.Join(older, indexName), o.path(indexName))
	os.WriteFile(o.path(checkpointName), newer, filePerm)
	var log logLines
	o.Logger = log.logger()
	wantFilled(t, mustOpen(t, o), 599)
	if !strings.Contains(log.String(), "older than the checkpoint") {
		t.Fatal(log.String())
	}
}

// The checkpoint follows the tables while the store is open, so that an unclean
// stop costs little.
func TestCheckpointAdvances(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.memTableSize = 1 << 20
	d := mustOpen(t, o)
	fill(t, d, 0, 10000)
	wait(t, "the checkpoint moves", func() bool { return readTestCheckpoint(t, o).Number > 0 })
}

func TestFlushTracker(t *testing.T) {
	t.Parallel()
	at := func(n uint64) chain { return chain{number: n, position: n * 100} }
	tr := newFlushTracker(at(5))
	for i, step := range []struct {
		applied uint64
		logs    []int
		want    uint64
	}{
		{7, []int{1, 2}, 5},  // both were there at open
		{9, []int{1, 2}, 5},  // 2 is the newest, and may hold all since
		{20, []int{2, 3}, 5}, // 1 is in tables; it held nothing of ours for certain
		{30, []int{2, 3}, 5},
		{40, []int{3}, 9}, // 2 is in tables, and 3 was not there at 9
		{50, []int{3, 4, 5}, 9},
		{60, []int{5}, 40}, // 5 was not there at 40
		{70, []int{5, 6}, 40},
		{70, []int{6}, 60},
	} {
		if got := tr.observe(at(step.applied), step.logs); got.number != step.want {
			t.Fatalf("step %d: %d, want %d", i, got.number, step.want)
		}
	}
}
