package storetest

import (
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
	relay  map[string]uint64 // from where on a realm's opt-outs are relayed
	closed bool
	moved  chan struct{} // closed, and replaced, by each event and by Close
	wrote  time.Time     // when the last event was recorded by a call
}

var _ optoutstore.Store = (*Model)(nil)

// NewModel returns an empty Model.
func NewModel() *Model {
	return &Model{
		states: make(map[optoutstore.Pair]optoutstore.State),
		relay:  make(map[string]uint64),
		moved:  make(chan struct{}),
	}
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
		before := m.states[e.Pair]
		switch {
		case e.Kind == optoutstore.OptedOut && !before.InForce,
			e.Kind == optoutstore.OptedOutAgain && before.InForce,
			e.Kind == optoutstore.Lifted && before.InForce,
			e.Kind == optoutstore.Told && before.InForce && !before.Told,
			e.Kind == optoutstore.Untold && before.InForce && before.Told,
			e.Kind == optoutstore.RelayFrom && e.From < e.Number && e.Sender == "" && e.Phone.IsZero():
			m.apply(e)
		default:
			return nil, fmt.Errorf("event %d is of kind %s where in force is %t and told %t", e.Number, e.Kind, before.InForce, before.Told)
		}
	}
	return m, nil
}

// All returns all events, oldest first. It works on a closed Model too.
func (m *Model) All() []optoutstore.Event {
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
	return m.count(ctx, realm, sender, func(s optoutstore.State) bool { return s.InForce })
}

// Untold implements [optoutstore.Store].
func (m *Model) Untold(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	return m.count(ctx, realm, sender, func(s optoutstore.State) bool { return s.InForce && !s.Told })
}

func (m *Model) count(ctx context.Context, realm string, sender phone.Sender, counts func(optoutstore.State) bool) (uint64, error) {
	if err := m.lock(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if realm == "" {
		return 0, fmt.Errorf("%w: the count has no realm", optoutstore.ErrInvalid)
	}
	var n uint64
	for _, s := range m.states {
		if counts(s) && inRealm(s, realm) && (sender == "" || bySender(s, sender)) {
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

// Health implements [optoutstore.Store].
func (m *Model) Health() optoutstore.Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := uint64(len(m.events))
	if m.closed {
		return optoutstore.Health{Reason: optoutstore.ErrClosed.Error(), Events: n, Applied: n}
	}
	return optoutstore.Health{Readable: true, Writable: true, InMemory: true, Events: n, Applied: n, LastWrite: m.wrote}
}

// Close implements [optoutstore.Store].
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.wake()
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

// wake ends the waiting of all who wait.
func (m *Model) wake() {
	close(m.moved)
	m.moved = make(chan struct{})
}

func (m *Model) record(kind optoutstore.Kind, c optoutstore.Change) optoutstore.Event {
	return m.recordFrom(kind, c, 0)
}

func (m *Model) recordFrom(kind optoutstore.Kind, c optoutstore.Change, from uint64) optoutstore.Event {
	e := optoutstore.Event{
		Change:     c,
		Number:     uint64(len(m.events) + 1),
		Kind:       kind,
		RecordedAt: stored(time.Now()),
		From:       from,
	}
	if e.EffectiveAt.IsZero() {
		e.EffectiveAt = e.RecordedAt
	}
	e.EffectiveAt = stored(e.EffectiveAt)
	m.apply(e)
	m.wrote = e.RecordedAt
	return e
}

func (m *Model) apply(e optoutstore.Event) {
	m.events = append(m.events, e)
	m.wake()
	if e.Kind == optoutstore.RelayFrom {
		m.relay[e.Realm] = e.From
		return
	}
	m.states[e.Pair] = after(m.states[e.Pair], e)
}

// after is where a pair stands after e, given where it stood.
func after(s optoutstore.State, e optoutstore.Event) optoutstore.State {
	switch e.Kind {
	case optoutstore.Told, optoutstore.Untold:
		s.Told = e.Kind == optoutstore.Told
	default:
		s = optoutstore.State{
			Pair:        e.Pair,
			InForce:     e.Kind != optoutstore.Lifted,
			Number:      e.Number,
			EffectiveAt: e.EffectiveAt,
			RecordedAt:  e.RecordedAt,
		}
	}
	s.Last = e.Number
	return s
}

// sorted returns the states that match f in the order of [optoutstore.Pair.Compare].
func (m *Model) sorted(f optoutstore.Filter) []optoutstore.State {
	var states []optoutstore.State
	for _, s := range m.states {
		if matches(f, s) {
			states = append(states, s)
		}
	}
	slices.SortFunc(states, func(a, b optoutstore.State) int { return a.Compare(b.Pair) })
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
		(f.Lifted || s.InForce) &&
		(f.After == optoutstore.Pair{} || s.Compare(f.After) > 0) &&
		!s.RecordedAt.Before(f.Since)
}
