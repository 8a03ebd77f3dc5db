package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// States implements [optoutstore.Store]. The states are those at the time of the
// call; fn may call the store.
func (m *Model) States(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.State) error) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	states := m.sorted(f)
	m.mu.Unlock()
	if len(f.After.Realm) > MaxRealm || len(f.After.Sender) > MaxSender {
		return fmt.Errorf("%w: no pair has names as long", optoutstore.ErrInvalid)
	}
	for _, s := range states {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}

// History implements [optoutstore.Store]. The events are those at the time of
// the call; fn may call the store.
func (m *Model) History(ctx context.Context, p phone.Number, fn func(optoutstore.Event) error) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	m.mu.Unlock()
	if p.IsZero() {
		return fmt.Errorf("%w: the question has an empty phone", optoutstore.ErrInvalid)
	}
	for _, e := range m.All() {
		if e.Phone != p {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// Detail implements [optoutstore.Store].
func (m *Model) Detail(ctx context.Context, s optoutstore.State) (optoutstore.Event, error) {
	if err := m.lock(ctx); err != nil {
		return optoutstore.Event{}, err
	}
	defer m.mu.Unlock()
	if err := checkChange(optoutstore.Change{Pair: s.Pair}); err != nil {
		return optoutstore.Event{}, err
	}
	for _, e := range m.events {
		if e.Pair == s.Pair && e.Number == s.Number && after(optoutstore.State{}, e).Number == s.Number {
			return e, nil
		}
	}
	return optoutstore.Event{}, fmt.Errorf("%w: event %d made no state of the pair", optoutstore.ErrInvalid, s.Number)
}

// Events implements [optoutstore.Store]. The events are those at the time of the
// call; fn may call the store.
func (m *Model) Events(ctx context.Context, after optoutstore.Place, fn func(optoutstore.Event, optoutstore.Place) error) (optoutstore.Place, error) {
	if err := m.lock(ctx); err != nil {
		return after, err
	}
	m.mu.Unlock()
	for _, e := range m.All() {
		if e.Number <= after.Number() {
			continue
		}
		if err := ctx.Err(); err != nil {
			return after, err
		}
		behind := optoutstore.PlaceAfter(e.Number)
		if err := fn(e, behind); err != nil {
			return after, err
		}
		after = behind
	}
	return after, nil
}

// Wait implements [optoutstore.Store].
func (m *Model) Wait(ctx context.Context, after uint64) error {
	for {
		if err := m.lock(ctx); err != nil {
			return err
		}
		n, moved := uint64(len(m.events)), m.moved
		m.mu.Unlock()
		if n > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

// Stats implements [optoutstore.Store]. A Model has no size.
func (m *Model) Stats(ctx context.Context) (optoutstore.Stats, error) {
	if err := m.lock(ctx); err != nil {
		return optoutstore.Stats{}, err
	}
	defer m.mu.Unlock()
	stats := optoutstore.Stats{Events: uint64(len(m.events)), Format: 1, ID: "model"}
	if n := len(m.events); n > 0 {
		stats.Oldest, stats.Newest = m.events[0].RecordedAt, m.events[n-1].RecordedAt
	}
	for _, s := range m.states {
		if !s.InForce {
			continue
		}
		i := slices.IndexFunc(stats.Senders, func(c optoutstore.SenderCount) bool {
			return c.Realm == s.Realm && c.Sender == s.Sender
		})
		if i < 0 {
			i = len(stats.Senders)
			stats.Senders = append(stats.Senders, optoutstore.SenderCount{Realm: s.Realm, Sender: s.Sender})
		}
		stats.InForce++
		stats.Senders[i].InForce++
		if !s.Told {
			stats.Untold++
			stats.Senders[i].Untold++
		}
	}
	slices.SortFunc(stats.Senders, func(a, b optoutstore.SenderCount) int {
		return cmp.Or(cmp.Compare(len(a.Realm), len(b.Realm)), cmp.Compare(a.Realm, b.Realm), cmp.Compare(a.Sender, b.Sender))
	})
	return stats, nil
}

// Verify implements [optoutstore.Store]. It makes the states from the events again,
// and compares.
func (m *Model) Verify(ctx context.Context, progress func(done, total uint64)) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	again, err := Replay(m.events)
	if err != nil {
		return fmt.Errorf("%w: %v", optoutstore.ErrDamaged, err)
	}
	all := optoutstore.Filter{Lifted: true}
	if !slices.Equal(again.sorted(all), m.sorted(all)) {
		return fmt.Errorf("%w: the states are not those of the events", optoutstore.ErrUnavailable)
	}
	if progress != nil {
		progress(uint64(len(m.events)), uint64(len(m.events)))
	}
	return nil
}
