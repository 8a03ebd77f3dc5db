package optoutstore

import (
	"context"
	"io"
	"testing"
)

// A long journal has many segments. Those that are only read are open while they
// are, and no longer.
func TestOldSegmentsAreNotHeldOpen(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.segmentSize = 5 << 10
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 100)
	mustClose(t, d)
	d = mustOpen(t, o)
	ctx := context.Background()
	nothing := func(Event, Place) error { return nil }
	for name, do := range map[string]func() error{
		"history": func() error { return d.History(ctx, pairN(1).Phone, func(Event) error { return nil }) },
		"detail":  func() error { _, err := d.Detail(ctx, State{Pair: pairN(2), Number: 3}); return err },
		"events":  func() error { _, err := d.Events(ctx, Place{}, nothing); return err },
		"verify":  func() error { return d.Verify(ctx, nil) },
		"backup":  func() error { _, err := d.Backup(ctx, io.Discard); return err },
		"stats":   func() error { _, err := d.Stats(ctx); return err },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		segs, _ := d.journal.segments()
		if len(segs) < 4 {
			t.Fatalf("only %d segments", len(segs))
		}
		for _, s := range segs[:len(segs)-1] {
			if s.f != nil {
				t.Errorf("%s left %s open", name, s.name)
			}
		}
	}
}
