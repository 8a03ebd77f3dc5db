package storetest

import (
	"context"
	"fmt"

	"github.com/stopgate/stopgate/optoutstore"
)

// Import implements [optoutstore.Store].
func (m *Model) Import(ctx context.Context, changes []optoutstore.Change) ([]optoutstore.Imported, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	if len(changes) > optoutstore.MaxImport {
		return nil, fmt.Errorf("%w: it is an import of %d", optoutstore.ErrInvalid, len(changes))
	}
	for i, c := range changes {
		if err := checkChange(c); err != nil {
			return nil, fmt.Errorf("change %d: %w", i+1, err)
		}
	}
	results := make([]optoutstore.Imported, len(changes))
	for i, c := range changes {
		was, known := m.states[c.Pair]
		lateLift := known && !was.InForce && !c.EffectiveAt.IsZero() && !was.EffectiveAt.Before(stored(c.EffectiveAt))
		if was.InForce || lateLift {
			results[i].Known = true
		} else {
			results[i].Event = m.record(optoutstore.OptedOut, c)
		}
	}
	return results, nil
}

// Told implements [optoutstore.Store].
func (m *Model) Told(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	if err := m.lock(ctx); err != nil {
		return optoutstore.Event{}, err
	}
	defer m.mu.Unlock()
	if err := checkChange(c); err != nil {
		return optoutstore.Event{}, err
	}
	switch s := m.states[c.Pair]; {
	case !s.InForce:
		return optoutstore.Event{}, optoutstore.ErrNotOptedOut
	case s.Last != seen:
		return optoutstore.Event{}, optoutstore.ErrChanged
	case s.Told:
		return optoutstore.Event{}, nil
	}
	return m.record(optoutstore.Told, c), nil
}

// Untell implements [optoutstore.Store].
func (m *Model) Untell(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	if err := m.lock(ctx); err != nil {
		return optoutstore.Event{}, err
	}
	defer m.mu.Unlock()
	if err := checkChange(c); err != nil {
		return optoutstore.Event{}, err
	}
	switch s := m.states[c.Pair]; {
	case !s.InForce:
		return optoutstore.Event{}, optoutstore.ErrNotOptedOut
	case !s.Told:
		return optoutstore.Event{}, nil
	}
	return m.record(optoutstore.Untold, c), nil
}

// SetRelayFrom implements [optoutstore.Store].
func (m *Model) SetRelayFrom(ctx context.Context, c optoutstore.Change, from uint64) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if err := checkRealmChange(c); err != nil {
		return err
	}
	if from > uint64(len(m.events)) {
		return fmt.Errorf("%w: event %d is not there yet", optoutstore.ErrInvalid, from)
	}
	m.recordFrom(optoutstore.RelayFrom, c, from)
	return nil
}

// RelayFrom implements [optoutstore.Store].
func (m *Model) RelayFrom(ctx context.Context, realm string) (from uint64, set bool, err error) {
	if err := m.lock(ctx); err != nil {
		return 0, false, err
	}
	defer m.mu.Unlock()
	if realm == "" || len(realm) > MaxRealm {
		return 0, false, fmt.Errorf("%w: the question has no realm that could be stored", optoutstore.ErrInvalid)
	}
	from, set = m.relay[realm]
	return from, set, nil
}
