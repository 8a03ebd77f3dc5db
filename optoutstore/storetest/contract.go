package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Contract tests that the stores that open returns keep every promise of
// [optoutstore.Store]. Each call of open is for a new, empty store that is
// ready; subtests run in parallel, each on its own, and Contract closes it.
//
// Beyond what the interface says, it holds stores to this:
//
//   - Times are kept in microseconds, cut rather than rounded, and come back in
//     UTC. An EffectiveAt of zero becomes the RecordedAt of the event.
//   - The fields of a change have the limits of this package, MaxRealm and so
//     on, and come back byte for byte up to there. A longer one, a change
//     without a realm, a sender or a phone is ErrInvalid, and records nothing.
//   - Names are compared byte by byte, and none is mistaken for the beginning of
//     another, nor for another divided elsewhere.
//   - A query that asks about nothing is never answered "no opt-out".
//   - Asserting again moves the state to the newer event and its times.
//   - InForce counts the states in force whose realm is the realm or "*", and
//     whose sender is the sender or "*", or anything where sender is empty.
//   - A ctx that had ended before the call is an error that wraps the ctx's, and
//     a change under it records nothing.
//   - fn of States and of History may call the store.
//   - No error holds the phone it is about.
func Contract(t *testing.T, open func(t *testing.T) optoutstore.Store) {
	for _, test := range slices.Concat(
		scopeTests, writeTests, readTests, refusalTests, raceTests, relayTests, importTests, eventTests,
	) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil && !isClosed(err) {
					t.Errorf("Close: %v", err)
				}
			})
			test.run(t, fixture{t, s})
		})
	}
}

// subtest is one promise of the contract.
type subtest struct {
	name string
	run  func(t *testing.T, s fixture)
}

// fixture is a store whose errors fail the test. Its optOut and lift end it too,
// and are for the test's own goroutine.
type fixture struct {
	t *testing.T
	optoutstore.Store
}

// The people and senders of the tests. The second phone is the beginning of the
// first, as the second realm is.
var (
	ann = number("12065551212")
	bob = number("1206555121")
	eve = number("447700900123")
)

const (
	realm      = "myrealm"
	otherRealm = "my"
	news       = phone.Sender("12345")
	shop       = phone.Sender("1234")
)

func number(digits string) phone.Number {
	n, err := phone.ParseNumber(digits)
	if err != nil {
		panic(err)
	}
	return n
}

func pair(realm string, sender phone.Sender, p phone.Number) optoutstore.Pair {
	return optoutstore.Pair{Realm: realm, Sender: sender, Phone: p}
}

// change is a change of a pair with nothing optional.
func change(realm string, sender phone.Sender, p phone.Number) optoutstore.Change {
	return optoutstore.Change{Pair: pair(realm, sender, p), Source: optoutstore.SourceAPIWeb}
}

func (s fixture) optOut(c optoutstore.Change) optoutstore.Event {
	s.t.Helper()
	e, err := s.OptOut(s.t.Context(), c)
	if err != nil {
		s.t.Fatalf("OptOut of %v: %v", c.Pair, err)
	}
	return e
}

// liftAny lifts a pair whatever came before.
func (s fixture) liftAny(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	return s.Lift(ctx, c, 0)
}

func (s fixture) lift(c optoutstore.Change) optoutstore.Event {
	s.t.Helper()
	e, err := s.Lift(s.t.Context(), c, 0)
	if err != nil {
		s.t.Fatalf("Lift of %v: %v", c.Pair, err)
	}
	return e
}

// lookup returns what covers the query, after checking that it does.
func (s fixture) lookup(q optoutstore.Query) (optoutstore.State, bool) {
	s.t.Helper()
	state, found, err := s.Lookup(s.t.Context(), q)
	if err != nil {
		s.t.Errorf("Lookup of %v: %v", q, err)
	}
	if found && !covers(q, state) {
		s.t.Errorf("Lookup of %v found %v, which does not cover it", q, state)
	}
	return state, found
}

// blocked checks that a message of sender in realm to p meets an opt-out.
func (s fixture) blocked(realm string, sender phone.Sender, p phone.Number) {
	s.t.Helper()
	if _, found := s.lookup(query(realm, sender, p)); !found {
		s.t.Errorf("no opt-out covers %v", pair(realm, sender, p))
	}
}

// free checks that a message of sender in realm to p meets no opt-out.
func (s fixture) free(realm string, sender phone.Sender, p phone.Number) {
	s.t.Helper()
	if state, found := s.lookup(query(realm, sender, p)); found {
		s.t.Errorf("%v covers %v", state, pair(realm, sender, p))
	}
}

// query is about one phone, and one sender or any.
func query(realm string, sender phone.Sender, p phone.Number) optoutstore.Query {
	q := optoutstore.Query{Realm: realm, Phones: []phone.Number{p}}
	if sender != "" {
		q.Senders = []phone.Sender{sender}
	}
	return q
}

func (s fixture) count(want uint64, realm string, sender phone.Sender) {
	s.t.Helper()
	n, err := s.InForce(s.t.Context(), realm, sender)
	if err != nil || n != want {
		s.t.Errorf("InForce(%q, %q) = %d, %v; want %d", realm, sender, n, err, want)
	}
}

// history returns the events about p.
func (s fixture) history(p phone.Number) []optoutstore.Event {
	s.t.Helper()
	events, err := historyOf(s.t.Context(), s, p)
	if err != nil {
		s.t.Errorf("History of %v: %v", p, err)
	}
	return events
}

// states returns the states that f selects, by pair.
func (s fixture) states(f optoutstore.Filter) map[optoutstore.Pair]optoutstore.State {
	s.t.Helper()
	states, err := statesOf(s.t.Context(), s, f)
	if err != nil {
		s.t.Errorf("States of %v: %v", f, err)
	}
	return states
}

// sameHistory checks that the history of p is want, to the last field.
func (s fixture) sameHistory(p phone.Number, want ...optoutstore.Event) {
	s.t.Helper()
	got := s.history(p)
	if len(got) != len(want) {
		s.t.Errorf("history of %v has %d events, want %d", p, len(got), len(want))
		return
	}
	for i := range got {
		if !sameEvent(got[i], want[i]) {
			s.t.Errorf("history of %v, event %d:\n%+v\nwant\n%+v", p, i+1, got[i], want[i])
			return
		}
	}
}

func historyOf(ctx context.Context, s optoutstore.Store, p phone.Number) ([]optoutstore.Event, error) {
	var events []optoutstore.Event
	err := s.History(ctx, p, func(e optoutstore.Event) error {
		events = append(events, e)
		return nil
	})
	return events, err
}

func statesOf(ctx context.Context, s optoutstore.Store, f optoutstore.Filter) (map[optoutstore.Pair]optoutstore.State, error) {
	states := make(map[optoutstore.Pair]optoutstore.State)
	err := s.States(ctx, f, func(state optoutstore.State) error {
		if _, twice := states[state.Pair]; twice {
			return errTwice
		}
		states[state.Pair] = state
		return nil
	})
	return states, err
}

// sameEvent reports whether two events agree in every field.
func sameEvent(a, b optoutstore.Event) bool {
	if !sameTime(a.EffectiveAt, b.EffectiveAt) || !sameTime(a.RecordedAt, b.RecordedAt) {
		return false
	}
	a.EffectiveAt, a.RecordedAt = b.EffectiveAt, b.RecordedAt
	return a == b
}

// sameState reports whether two states agree in every field.
func sameState(a, b optoutstore.State) bool {
	if !sameTime(a.EffectiveAt, b.EffectiveAt) || !sameTime(a.RecordedAt, b.RecordedAt) {
		return false
	}
	a.EffectiveAt, a.RecordedAt = b.EffectiveAt, b.RecordedAt
	return a == b
}

// sameTime reports whether both are the same time, as a Store returns it.
func sameTime(a, b time.Time) bool {
	return a.Equal(b) && a.Location() == time.UTC && b.Location() == time.UTC
}

// stateOf is the state that e made.
func stateOf(e optoutstore.Event) optoutstore.State {
	return after(optoutstore.State{}, e)
}

// leaks reports whether an error's text holds so much of a phone that the rest
// could be guessed.
func leaks(err error, p phone.Number) bool {
	digits := p.Digits()
	return strings.Contains(err.Error(), digits[max(0, len(digits)-6):])
}
