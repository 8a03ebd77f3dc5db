package optoutstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// askDoubted asks a store whose index is doubted for every pair that opted out, and
// returns how many it knows of. No answer is "not opted out", not even for a pair
// that never did, and nothing is changed.
func askDoubted(t *testing.T, d *Durable) (known int) {
	t.Helper()
	for n := range damagedPairs + 10 {
		_, found, err := d.Lookup(context.Background(), query(pairN(n)))
		switch {
		case err == nil && !found:
			t.Fatalf("pair %d is said not to have opted out; %+v", n, d.Health())
		case found && n >= damagedPairs:
			t.Fatalf("pair %d never opted out", n)
		case found:
			known++
		}
	}
	if _, err := d.OptOut(context.Background(), changeN(damagedPairs)); err == nil {
		t.Fatal("a change upon a doubted index")
	}
	return known
}

// Where the journal cannot be read, an index that is damaged as well is not thrown
// away: what it still shows is enforced until somebody comes.
func TestIndexAndJournalDamagedWhileOpen(t *testing.T) {
	t.Parallel()
	whole := damagedStore(t)
	for _, tc := range damages {
		if tc.open != rebuilt {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log logLines
			o := copyOf(t, whole, &log)
			d := mustOpen(t, o)
			oneFile(journalName, "*.seg", flipAt(1000))(t, o)
			wait(t, "the journal's damage is noticed", func() bool { return d.Health().Damaged })
			tc.do(t, o)
			wait(t, "it cannot be built again", func() bool { return strings.Contains(d.Health().Reason, ErrDamaged.Error()) && !d.Health().Readable })
			// What Badger has mapped survives the file's name, and a flipped byte costs
			// one block. Where the file is shorter Badger ends at it.
			want := damagedPairs
			switch {
			case strings.HasSuffix(tc.name, "table cut"), strings.HasSuffix(tc.name, "table emptied"):
				want = 0
			case strings.HasPrefix(tc.name, "index: table"):
				want = damagedPairs - 50
			}
			if known := askDoubted(t, d); known < want {
				t.Errorf("of %d opt-outs %d are known, want %d", damagedPairs, known, want)
			}
			mustClose(t, d)

			// With the segment as it was the store is whole again.
			oneFile(journalName, "*.seg", flipAt(1000))(t, o)
			d = mustOpen(t, o)
			waitReady(t, d)
			neverForgets(t, d, false)
		})
	}
}

// While an index is built in the place of a damaged one, what that shows is
// enforced; then the new one takes over, and keeps its place at the next start.
func TestDoubtedWhileBuilding(t *testing.T) {
	t.Parallel()
	var log logLines
	o := copyOf(t, damagedStore(t), &log)
	var full atomic.Bool
	o.FreeSpace = func(string) (uint64, error) {
		if full.Load() {
			return DefaultMinFree / 4, nil
		}
		return 1 << 40, nil
	}
	d := mustOpen(t, o)
	full.Store(true) // so that building waits
	oneFile(indexName, "*.sst", flipAt(5000))(t, o)
	wait(t, "building waits", func() bool { return strings.Contains(log.String(), "waits for space") })
	// Where the flipped bit lies decides whether a row has it.
	if known := askDoubted(t, d); known < damagedPairs/4 {
		t.Errorf("%d opt-outs are known", known)
	}
	full.Store(false)
	wait(t, "it is built", func() bool { return strings.Contains(log.String(), "the index is built") })
	neverForgets(t, d, false)
	if _, err := d.OptOut(context.Background(), changeN(damagedPairs)); err != nil {
		t.Fatal(err)
	}
	wait(t, "the damaged one is removed", func() bool { return len(indexes(t, o)) == 1 && d.doubted.Load() == nil })
	between := copyOf(t, o, &log) // as a crash leaves it
	mustClose(t, d)

	for name, do := range map[string]func(o Options){
		"closed":                  func(Options) {},
		"the damaged one is left": func(o Options) { os.MkdirAll(o.path(indexName), dirPerm) },
		"brought home, but for the checkpoint": func(o Options) {
			if err := os.Rename(indexes(t, o)[0], o.path(indexName)); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log logLines
			o := copyOf(t, o, &log)
			do(o)
			d := mustOpen(t, o)
			neverForgets(t, d, false)
			wantFilled(t, d, damagedPairs+1)
			if all := indexes(t, o); len(all) != 1 || all[0] != o.path(indexName) {
				t.Errorf("the indexes are %q", all)
			}
			if text := log.String(); strings.Contains(text, "built") {
				t.Errorf("built again:\n%s", text)
			}
			mustClose(t, d)
			if c := readTestCheckpoint(t, o); c.Index != "" {
				t.Errorf("the checkpoint names %s", c.Index)
			}
		})
	}
	d = mustOpen(t, between)
	waitReady(t, d)
	wantFilled(t, d, damagedPairs+1)
}

// indexes are the directories of a store's indexes.
func indexes(t *testing.T, o Options) []string {
	t.Helper()
	names, err := filepath.Glob(o.path(indexName + "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no index: %v", err)
	}
	return names
}

// An index is built up to an event although more is written meanwhile.
func TestBuildWhileWriting(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.segmentSize = 20 << 10
	d := mustOpen(t, o)
	for upTo := 100; upTo <= 300; upTo += 100 {
		fill(t, d, upTo-100, upTo)
		end := *d.tail.Load()
		fill(t, d, 1000+upTo, 1100+upTo)
		dir := o.path(spareIndex + "7")
		if err := d.bulkBuild(context.Background(), dir, end, d.room(false)); err != nil {
			t.Fatal(err)
		}
		ix, err := openIndex(&d.o, dir)
		if err != nil {
			t.Fatal(err)
		}
		at, _, err := ix.applied()
		_, before, berr := ix.pair(pairN(upTo - 1))
		_, behind, aerr := ix.pair(pairN(1000 + upTo))
		if err := errors.Join(err, berr, aerr); err != nil || at.chain != end || !before || behind {
			t.Errorf("%v; built up to %d, not %d; before: %v, behind: %v", err, at.number, end.number, before, behind)
		}
		if err := errors.Join(ix.close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	}
}
