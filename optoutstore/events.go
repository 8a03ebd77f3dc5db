package optoutstore

import (
	"context"
	"fmt"
)

// Place is a place between two events, as Events returns it. It is comparable, and
// a place that was returned stays valid while the store is open, and for the
// store that returned it alone.
type Place struct{ at chain }

// PlaceAfter is the place behind the event of that number, in any store. Going on
// from it takes longer than from a place that Events returned, and it differs
// from that by ==.
func PlaceAfter(number uint64) Place { return Place{chain{number: number}} }

// Number is that of the event in front of the place, zero at the beginning.
func (p Place) Number() uint64 { return p.at.number }

// Events implements [Store]. It reads the journal and holds nothing up.
func (d *Durable) Events(ctx context.Context, after Place, fn func(Event, Place) error) (Place, error) {
	if !d.gate.enter() {
		return after, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if err := ctx.Err(); err != nil {
		return after, err
	}
	if d.index.Load() == nil {
		return after, d.notReady()
	}
	end := *d.applied.Load()
	if after.at.number >= end.number {
		return after, nil
	}
	from := after.at
	if from.position == 0 {
		from = d.journal.before(from.number)
	}
	err := d.journal.walk(from, end, func(r *record, behind chain) error {
		if err := d.interrupted(ctx); err != nil {
			return err
		}
		if r.Number <= after.at.number {
			return nil
		}
		if err := fn(r.Event, Place{behind}); err != nil {
			return err
		}
		after = Place{behind}
		return nil
	})
	return after, err
}

// Wait implements [Store].
func (d *Durable) Wait(ctx context.Context, after uint64) error {
	if !d.gate.enter() {
		return fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	for {
		if err := d.interrupted(ctx); err != nil {
			return err
		}
		moved := d.moved.next() // before looking, so that no move is missed
		if d.index.Load() != nil && d.applied.Load().number > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
		case <-d.gate.closing:
		}
	}
}
