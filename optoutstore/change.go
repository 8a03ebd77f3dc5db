package optoutstore

import (
	"context"
	"fmt"
	"slices"
)

// OptOut implements [Store].
func (d *Durable) OptOut(ctx context.Context, c Change) (Event, error) {
	return d.change(&request{ctx: ctx, do: doOptOut, change: c})
}

// Lift implements [Store].
func (d *Durable) Lift(ctx context.Context, c Change, seen uint64) (Event, error) {
	return d.change(&request{ctx: ctx, do: doLift, change: c, seen: seen})
}

// Told implements [Store].
func (d *Durable) Told(ctx context.Context, c Change, seen uint64) (Event, error) {
	return d.change(&request{ctx: ctx, do: doTold, change: c, seen: seen})
}

// Untell implements [Store].
func (d *Durable) Untell(ctx context.Context, c Change) (Event, error) {
	return d.change(&request{ctx: ctx, do: doUntell, change: c})
}

// SetRelayFrom implements [Store].
func (d *Durable) SetRelayFrom(ctx context.Context, c Change, from uint64) error {
	_, err := d.change(&request{ctx: ctx, do: doRelayFrom, change: c, seen: from})
	return err
}

// Import implements [Store]. It is one request to the writer and one frame of the
// journal, or part of one.
func (d *Durable) Import(ctx context.Context, changes []Change) ([]Imported, error) {
	// A caller that gives up may use its slice again while it is being written.
	r := &request{ctx: ctx, do: doImport, changes: slices.Clone(changes)}
	if _, err := d.change(r); err != nil {
		return nil, err
	}
	return r.imported, nil
}

// validate reports whether what r asks for can be stored.
func (r *request) validate() error {
	switch r.do {
	case doRelayFrom:
		return r.change.validateRealm()
	case doImport:
		if len(r.changes) > MaxImport {
			return fmt.Errorf("%w: it is an import of %d, and at most %d go at once", ErrInvalid, len(r.changes), MaxImport)
		}
		for i := range r.changes {
			if err := r.changes[i].validate(); err != nil {
				return fmt.Errorf("change %d of %d: %w", i+1, len(r.changes), err)
			}
		}
		return nil
	default:
		return r.change.validate()
	}
}

// change has a request written, and waits for the answer.
func (d *Durable) change(r *request) (Event, error) {
	if !d.gate.enter() {
		return Event{}, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if err := r.validate(); err != nil {
		return Event{}, err
	}
	if err := r.ctx.Err(); err != nil {
		return Event{}, err
	}
	if d.index.Load() == nil {
		return Event{}, d.notReady()
	}
	var ok bool
	if r.done, ok = d.answers.Get().(chan result); !ok {
		r.done = make(chan result, 1)
	}
	select {
	case d.queue <- r:
	default:
		return Event{}, fmt.Errorf("%w: %d", ErrBusy, cap(d.queue))
	}
	select {
	case res := <-r.done:
		d.answers.Put(r.done) // it had its one answer
		return res.event, res.err
	case <-r.ctx.Done():
		return Event{}, r.ctx.Err()
	}
}
