package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Model is a Store that keeps everything in memory. Its reads look at every
// state or event there is, so that nothing about them needs to be believed.
type Model struct {
	mu     sync.Mutex
	events []optoutstore.Event
	states map[optoutstore.Pair]optoutstore.State
	closed bool
}

var _ optoutstore.Store = (*Model)(nil)

// NewModel returns an empty Model.
func NewModel() *Model {
	return &Model{states: make(map[optoutstore.Pair]optoutstore.State)}
}

// Replay returns a Model that holds events, which are all that ever happened to
// a store, oldest first. It returns an error where no store could have recorded
// them: a number is missing, or a kind does not follow from the events before.
func Replay(events []optoutstore.Event) (*Model, error) {
	m := NewModel()
	for i, e := range events {
		if e.Number != uint64(i+1) {
			return nil, fmt.Errorf("event %d is numbered %d", i+1, e.Number)
		}
		before := m.states[e.Pair].InForce
		switch {
		case e.Kind == optoutstore.OptedOut && !before,
			e.Kind == optoutstore.OptedOutAgain && before,
			e.Kind == optoutstore.Lifted && before:
			m.apply(e)
		default:
			return nil, fmt.Errorf("event %d is of kind %s where in force is %t", e.Number, e.Kind, before)
		}
	}
	return m, nil
}

// Events returns all events, oldest first. It works on a closed Model too.
func (m *Model) Events() []optoutstore.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events)
}

// Lookup implements [optoutstore.Store]. Of several states it returns the one
// with the lowest number.
func (m *Model) Lookup(ctx context.Context, q optoutstore.Query) (optoutstore.State, bool, error) {
	if err := m.lock(ctx); err != nil {
		return optoutstore.State{}, false, err
	}
	defer m.mu.Unlock()
	if err := checkQuery(q); err != nil {
		return optoutstore.State{}, false, err
	}
	var first optoutstore.State
	for _, s := range m.states {
		if covers(q, s) && (first.Number == 0 || s.Number < first.Number) {
			first = s
		}
	}
	return first, first.Number != 0, nil
}

// InForce implements [optoutstore.Store].
func (m *Model) InForce(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	if err := m.lock(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if realm == "" {
		return 0, fmt.Errorf("%w: the count has no realm", optoutstore.ErrInvalid)
	}
	var n uint64
	for _, s := range m.states {
		if s.InForce && inRealm(s, realm) && (sender == "" || bySender(s, sender)) {
			n++
		}
	}
	return n, nil
}

// OptOut implements [optoutstore.Store].
func (m *Model) OptOut(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	if err := m.lock(ctx); err != nil {
		return optoutstore.Event{}, err
	}
	defer m.mu.Unlock()
	if err := checkChange(c); err != nil {
		return optoutstore.Event{}, err
	}
	kind := optoutstore.OptedOut
	if m.states[c.Pair].InForce {
		kind = optoutstore.OptedOutAgain
	}
	return m.record(kind, c), nil
}

// Lift implements [optoutstore.Store].
func (m *Model) Lift(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	if err := m.lock(ctx); err != nil {
		return optoutstore.Event{}, err
	}
	defer m.mu.Unlock()
	if err := checkChange(c); err != nil {
		return optoutstore.Event{}, err
	}
	if !m.states[c.Pair].InForce {
		return optoutstore.Event{}, optoutstore.ErrNotOptedOut
	}
	if seen != 0 && seen != m.states[c.Pair].Number {
		return optoutstore.Event{}, optoutstore.ErrChanged
	}
	return m.record(optoutstore.Lifted, c), nil
}

// States implements [optoutstore.Store]. The states are those at the time of the
// call; fn may call the store.
func (m *Model) States(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.State) error) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	states := m.sorted()
	m.mu.Unlock()
	for _, s := range states {
		if !matches(f, s) {
			continue
		}
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
	events := slices.Clone(m.events)
	m.mu.Unlock()
	for _, e := range events {
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

// Health implements [optoutstore.Store].
func (m *Model) Health() optoutstore.Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := uint64(len(m.events))
	if m.closed {
		return optoutstore.Health{Reason: optoutstore.ErrClosed.Error(), Events: n, Applied: n}
	}
	return optoutstore.Health{Readable: true, Writable: true, Events: n, Applied: n}
}

// Close implements [optoutstore.Store].
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// lock locks m, unless m is closed or ctx has ended.
func (m *Model) lock(ctx context.Context) error {
	m.mu.Lock()
	err := ctx.Err()
	if m.closed {
		err = optoutstore.ErrClosed
	}
	if err != nil {
		m.mu.Unlock()
	}
	return err
}

func (m *Model) record(kind optoutstore.Kind, c optoutstore.Change) optoutstore.Event {
	e := optoutstore.Event{
		Change:     c,
		Number:     uint64(len(m.events) + 1),
		Kind:       kind,
		RecordedAt: stored(time.Now()),
	}
	if e.EffectiveAt.IsZero() {
		e.EffectiveAt = e.RecordedAt
	}
	e.EffectiveAt = stored(e.EffectiveAt)
	m.apply(e)
	return e
}

func (m *Model) apply(e optoutstore.Event) {
	m.events = append(m.events, e)
	m.states[e.Pair] = optoutstore.State{
		Pair:        e.Pair,
		InForce:     e.Kind != optoutstore.Lifted,
		Number:      e.Number,
		EffectiveAt: e.EffectiveAt,
		RecordedAt:  e.RecordedAt,
	}
}

// sorted returns all states, those made so first first.
func (m *Model) sorted() []optoutstore.State {
	states := make([]optoutstore.State, 0, len(m.states))
	for _, s := range m.states {
		states = append(states, s)
	}
	slices.SortFunc(states, func(a, b optoutstore.State) int { return cmp.Compare(a.Number, b.Number) })
	return states
}

// stored is t as a Store keeps it: in microseconds, cut rather than rounded, and
// in UTC.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// inRealm reports whether s is about realm or about every realm.
func inRealm(s optoutstore.State, realm string) bool {
	return s.Realm == realm || s.Realm == optoutstore.AnyRealm
}

// bySender reports whether s is about sender or about every sender.
func bySender(s optoutstore.State, sender phone.Sender) bool {
	return s.Sender == sender || s.Sender == phone.AnySender
}

// covers reports whether s answers q with yes.
func covers(q optoutstore.Query, s optoutstore.State) bool {
	return s.InForce && inRealm(s, q.Realm) && slices.Contains(q.Phones, s.Phone) &&
		(len(q.Senders) == 0 || slices.ContainsFunc(q.Senders, func(sender phone.Sender) bool { return bySender(s, sender) }))
}

// matches reports whether f selects s.
func matches(f optoutstore.Filter, s optoutstore.State) bool {
	return (f.Realm == "" || f.Realm == s.Realm) &&
		(f.Sender == "" || f.Sender == s.Sender) &&
		(f.Phone.IsZero() || f.Phone == s.Phone) &&
		(f.Lifted || s.InForce)
}
