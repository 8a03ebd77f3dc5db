package optoutstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A rebuild that is interrupted begins anew, and meanwhile nothing is answered.
func TestRebuildInterrupted(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, 3000)
	mustClose(t, d)
	if err := os.Remove(o.path(checkpointName)); err != nil {
		t.Fatal(err)
	}
	o.inlineRebuild = -1
	for range 3 {
		d, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			// Not ready, or ready and right.
			_, found, err := d.Lookup(context.Background(), query(pairN(n)))
			if !found && !errors.Is(err, ErrNotReady) {
				t.Fatalf("pair %d is not opted out: %v", n, err)
			}
			if _, err := d.OptOut(context.Background(), changeN(0)); err != nil {
				wantErr(t, err, ErrNotReady)
			}
		}
		mustClose(t, d)
	}
	d = mustOpen(t, o)
	waitReady(t, d)
	wantFilled(t, d, 3000)
}

// An older segment that is damaged is not read at open. A rebuild does read it,
// and then the store stays unready and says why; Verify finds it at any time.
func TestOlderSegmentDamaged(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.segmentSize = 4000
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 100)
	mustClose(t, d)
	flip(t, filepath.Join(o.path(journalName), segmentName(1)), 1000)

	d = mustOpen(t, o)
	wantFilled(t, d, 100)
	wantErr(t, d.Verify(context.Background(), nil), ErrDamaged)
	wantErr(t, d.History(context.Background(), pairN(0).Phone, func(Event) error { return nil }), nil)
	mustClose(t, d)

	if err := os.Remove(o.path(checkpointName)); err != nil {
		t.Fatal(err)
	}
	o.inlineRebuild = -1
	d = mustOpen(t, o)
	wait(t, "it says why", func() bool { return d.blocked.get() != nil })
	_, _, err := d.Lookup(context.Background(), query(pairN(0)))
	wantErr(t, err, ErrDamaged)
	if h := d.Health(); h.Readable || h.Writable || h.Reason == "" || h.Events != 100 {
		t.Fatalf("health %+v", h)
	}
}
