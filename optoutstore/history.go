package optoutstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/stopgate/stopgate/phone"
)

// History implements [Store]. The rows of the phone's pairs say where their newest
// events stand, and each event where the one before of its pair does.
func (d *Durable) History(ctx context.Context, n phone.Number, fn func(Event) error) error {
	if !d.gate.enter() {
		return fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if n.IsZero() {
		return fmt.Errorf("%w: the question has an empty phone", ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ix := d.index.Load()
	if ix == nil {
		return d.notReady()
	}
	newest := map[Pair]row{}
	err := ix.each(appendPhonePrefix(nil, n), func(p Pair, r row) error {
		newest[p] = r
		return nil
	})
	if err != nil {
		return err
	}
	var places []uint64
	for p, r := range newest {
		err := d.trail(ctx, p, r, func(at uint64, _ *record) (bool, error) {
			places = append(places, at)
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	slices.Sort(places) // by position is by number
	for _, at := range places {
		if err := d.interrupted(ctx); err != nil {
			return err
		}
		r, err := d.journal.record(at)
		if err != nil {
			return err
		}
		if err := fn(r.Event); err != nil {
			return err
		}
	}
	return nil
}

// Detail implements [Store].
func (d *Durable) Detail(ctx context.Context, s State) (Event, error) {
	if !d.gate.enter() {
		return Event{}, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	c := Change{Pair: s.Pair}
	if err := c.validate(); err != nil {
		return Event{}, err
	}
	if err := ctx.Err(); err != nil {
		return Event{}, err
	}
	ix := d.index.Load()
	if ix == nil {
		return Event{}, d.notReady()
	}
	newest, known, err := ix.pair(s.Pair)
	if err != nil {
		return Event{}, err
	}
	var found Event
	if known {
		err = d.trail(ctx, s.Pair, newest, func(_ uint64, r *record) (bool, error) {
			if r.Number == s.Number {
				found = r.Event
			}
			return r.Number > s.Number, nil
		})
	}
	if err == nil && !found.Kind.standsAlone() {
		err = fmt.Errorf("%w: event %d did not make a state of the pair", ErrInvalid, s.Number)
	}
	if err != nil {
		return Event{}, err
	}
	return found, nil
}

// trail calls fn for the events of a pair with the positions of their records, from
// its newest to its first, while fn returns true.
func (d *Durable) trail(ctx context.Context, p Pair, newest row, fn func(position uint64, r *record) (bool, error)) error {
	for at, last := newest.position, uint64(0); at != 0; {
		if err := d.interrupted(ctx); err != nil {
			return err
		}
		r, err := d.journal.record(at)
		if err != nil {
			return err
		}
		if r.Pair != p || !r.Kind.aboutPair() || last == 0 && r.Number != newest.last || last != 0 && r.Number >= last {
			return fmt.Errorf("%w: the trail of a pair leads to another's event %d", ErrDamaged, r.Number)
		}
		if more, err := fn(at, &r); err != nil || !more {
			return err
		}
		last, at = r.Number, r.prev
	}
	return nil
}
