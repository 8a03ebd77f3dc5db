package optoutstore

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tell marks the pairs from..to-1 as told, each as it stands.
func tell(t *testing.T, d *Durable, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		s, _, err := d.Lookup(context.Background(), query(pairN(n)))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := d.Told(context.Background(), changeN(n), s.Last); err != nil || e.Kind != Told {
			t.Fatalf("Told: %+v, %v", e, err)
		}
	}
}

// wantUntold checks the count of what was not told, and the store against itself.
func wantUntold(t *testing.T, d *Durable, n uint64) {
	t.Helper()
	if got, err := d.Untold(context.Background(), "realm", "12345"); err != nil || got != n {
		t.Errorf("Untold: %d, %v; want %d", got, err, n)
	}
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Errorf("Verify: %v", err)
	}
}

// allStates are the states of a store.
func allStates(t *testing.T, d *Durable) []State {
	t.Helper()
	var all []State
	err := d.States(context.Background(), Filter{Lifted: true}, func(s State) error {
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// toldStore is an open store with a hundred pairs in every state that there is,
// 57 of them in force and not told.
func toldStore(t *testing.T, o Options) *Durable {
	t.Helper()
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 100)
	tell(t, d, 0, 50)
	optOutEach(t, d, 0, 10) // again: to be told again
	tell(t, d, 0, 5)
	for n := 40; n < 50; n++ {
		if _, err := d.Untell(context.Background(), changeN(n)); err != nil {
			t.Fatal(err)
		}
	}
	tell(t, d, 40, 41)
	for _, n := range []int{3, 20, 47, 80, 81, 82, 83, 84, 85, 86} {
		if _, err := d.Lift(context.Background(), changeN(n), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SetRelayFrom(context.Background(), Change{Pair: Pair{Realm: "realm"}}, 7); err != nil {
		t.Fatal(err)
	}
	optOutEach(t, d, 20, 21)
	return d
}

// What was told survives a close, a crash, a loss of the memtables, and a building
// of the index: all that makes it is in the journal.
func TestToldLasts(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(o Options){
		"a crash":              func(Options) {},
		"a crash without logs": func(o Options) { removeLogs(o.path(indexName), func(int64) bool { return true }) },
		"a rebuild":            func(o Options) { os.Remove(o.path(checkpointName)) },
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.checkpointEvery = time.Hour
			// The checkpoint stands behind some of the events of most pairs.
			d := mustOpen(t, o)
			optOutEach(t, d, 200, 220)
			tell(t, d, 200, 210)
			mustClose(t, d)
			d = mustOpen(t, o)
			for n := 200; n < 220; n++ {
				if _, err := d.Untell(context.Background(), changeN(n)); err != nil {
					t.Fatal(err)
				}
			}
			tell(t, d, 205, 220)
			mustClose(t, d)
			d = toldStore(t, o)
			want := allStates(t, d)
			o = crash(t, d, filepath.Join(t.TempDir(), "store"))
			spoil(o)
			d = mustOpen(t, o)
			if got := allStates(t, d); !slices.Equal(got, want) {
				t.Errorf("states\n%v\nwant\n%v", got, want)
			}
			if err := d.Verify(context.Background(), nil); err != nil {
				t.Error(err)
			}
			if from, set, err := d.RelayFrom(context.Background(), "realm"); from != 7 || !set || err != nil {
				t.Errorf("RelayFrom: %d, %t, %v", from, set, err)
			}
		})
	}
}

// A part of the memtables is lost that holds a told, and a newer part is not.
func TestToldMemtableLogLostInTheMiddle(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.memTableSize = 1 << 20
	o.checkpointEvery = time.Hour
	d := mustOpen(t, o)
	root := t.TempDir()
	optOutEach(t, d, 0, 100)
	tell(t, d, 0, 40)
	copyStore(t, o.Dir, filepath.Join(root, "early"))
	// Lost: told, untold, told again, and asserted again.
	tell(t, d, 40, 80)
	optOutEach(t, d, 30, 50)
	tell(t, d, 35, 45)
	fill(t, d, 1000, 16000)
	// Kept: the newest of some of them.
	for n := 60; n < 70; n++ {
		if _, err := d.Untell(context.Background(), changeN(n)); err != nil {
			t.Fatal(err)
		}
	}
	tell(t, d, 62, 66)
	tell(t, d, 90, 95)
	want := allStates(t, d)
	late := crash(t, d, filepath.Join(root, "late"))

	loseMiddle(t, filepath.Join(root, "early"), late)

	var log logLines
	late.Logger = log.logger()
	d = mustOpen(t, late)
	if got := allStates(t, d); !slices.Equal(got, want) {
		t.Error("the states are others")
	}
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "built again") {
		t.Errorf("it was built again:\n%s", log.String())
	}
}

// Whatever part of the events an index has applied beyond the checkpoint, row by
// row, a replay makes it whole.
func TestReplayOntoAnything(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.replayRows = 10 // so that what is looked up is in the index again, or not yet
	d := toldStore(t, o)
	wantUntold(t, d, 57)
	want := allStates(t, d)
	mustClose(t, d)
	d = mustOpen(t, o)
	waitSummary(t, d) // which counts the rows, and would find fewer than are counted
	ix := d.index.Load()
	end := d.journal.end
	for _, part := range []uint64{0, 1, 2, 3, 5, 7} {
		// For the pairs that part selects, rows of the past: as after the newest event
		// of the first half, or none.
		rows := map[Pair]row{}
		_, err := d.journal.scan(context.Background(), d.journal.first(), func(position uint64, r *record, _ Hash) error {
			if r.Kind.aboutPair() && r.Number <= end.number/2 {
				rows[r.Pair] = stepOf(r, position).fold(rows[r.Pair])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wb := ix.db.NewWriteBatch()
		for p, r := range rows {
			if part == 0 || r.number%part == 0 {
				key := appendPairKey(nil, p.Phone, p.Realm, p.Sender)
				if err := wb.Set(key, appendPairRow(nil, key, r)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := wb.Flush(); err != nil {
			t.Fatal(err)
		}
		ix.refresh()
		var half chain
		err = d.journal.walk(d.journal.first(), end, func(r *record, behind chain) error {
			if r.Number <= end.number/2 {
				half = behind // one event is one frame here
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.replay(context.Background(), ix, half, end); err != nil {
			t.Fatal(err)
		}
		if got := allStates(t, d); !slices.Equal(got, want) {
			t.Fatalf("part %d: the states are others", part)
		}
		if err := d.Verify(context.Background(), nil); err != nil {
			t.Fatalf("part %d: %v", part, err)
		}
	}
}

// An index and its checkpoint that came with a copy which went another way are
// built again, whether or not they are in front of the journal's end.
func TestIndexOfAnotherBranch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		here, there int
		segment     int64
	}{
		"behind the end":         {300, 200, 0},
		"at the end":             {200, 200, 0},
		"in an older segment":    {300, 200, 4000},
		"its first event behind": {300, 101, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.Witness = nil
			o.segmentSize = tc.segment
			d := mustOpen(t, o)
			optOutEach(t, d, 0, 100)
			mustClose(t, d)
			p := o
			p.Dir = filepath.Join(t.TempDir(), "store")
			copyStore(t, o.Dir, p.Dir)
			d = mustOpen(t, o)
			optOutEach(t, d, 100, tc.here)
			mustClose(t, d)
			d = mustOpen(t, p)
			optOutEach(t, d, 1000, 900+tc.there)
			mustClose(t, d)
			for _, name := range []string{indexName, checkpointName} {
				os.RemoveAll(o.path(name))
			}
			copyStore(t, p.path(indexName), o.path(indexName))
			text, err := os.ReadFile(p.path(checkpointName))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(o.path(checkpointName), text, filePerm)

			var log logLines
			o.Logger = log.logger()
			d = mustOpen(t, o)
			waitReady(t, d)
			wantFilled(t, d, tc.here)
			if !strings.Contains(log.String(), "from another journal") {
				t.Errorf("not in the log:\n%s", log.String())
			}
			if err := d.Verify(context.Background(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// After a loss the backend is told again of what was taken over, and of what it may
// have been told of in the part that is lost.
func TestAcceptLossTellsAgain(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 40)
	tell(t, d, 0, 20)
	mustClose(t, d)
	old := filepath.Join(t.TempDir(), "journal")
	copyStore(t, o.path(journalName), old)
	d = mustOpen(t, o)
	tell(t, d, 20, 30)       // lost: told
	optOutEach(t, d, 10, 15) // lost: asserted again, to be told again
	optOutEach(t, d, 40, 50) // lost: opted out,
	tell(t, d, 40, 45)       // and told
	optOutEach(t, d, 15, 17) // lost: again,
	tell(t, d, 15, 17)       // and told of that
	mustClose(t, d)
	os.RemoveAll(o.path(journalName))
	copyStore(t, old, o.path(journalName))
	if err := AcceptLoss(o, "me", "test"); err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, o)
	wantFilled(t, d, 50)
	wantUntold(t, d, 20+5+10)
	for _, s := range allStates(t, d) {
		n := 0
		for ; pairN(n) != s.Pair; n++ {
		}
		if told := n < 10 || n >= 15 && n < 20; s.Told != told {
			t.Errorf("pair %d: told %t", n, s.Told)
		}
	}
}
