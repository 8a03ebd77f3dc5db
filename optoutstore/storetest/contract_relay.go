package storetest

import (
	"errors"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// relayTests: what the backend was told of.
var relayTests = []subtest{
	{"told and untold", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		var want []optoutstore.Event
		state := optoutstore.State{}
		step := func(e optoutstore.Event, kind optoutstore.Kind, untold uint64) {
			t.Helper()
			if e.Kind != kind || e.Pair != c.Pair || e.Number != uint64(len(want)+1) {
				t.Fatalf("event %+v, want number %d and kind %s of %v", e, len(want)+1, kind, c.Pair)
			}
			want = append(want, e)
			state = after(state, e)
			if got := s.states(optoutstore.Filter{Lifted: true})[c.Pair]; !sameState(got, state) {
				t.Errorf("state after %s = %+v, want %+v", kind, got, state)
			}
			if got, found := s.lookup(query(realm, news, ann)); found && !sameState(got, state) || found != state.InForce {
				t.Errorf("Lookup after %s = %+v, %t, want %+v", kind, got, found, state)
			}
			s.untold(untold, realm, news)
			s.untold(untold, realm, "")
			if state.InForce {
				s.count(1, realm, news)
			}
		}
		step(s.optOut(c), optoutstore.OptedOut, 1)
		step(s.tell(c), optoutstore.Told, 0)
		step(s.optOut(c), optoutstore.OptedOutAgain, 1)
		step(s.optOut(c), optoutstore.OptedOutAgain, 1)
		step(s.tell(c), optoutstore.Told, 0)
		step(s.untell(c), optoutstore.Untold, 1)
		step(s.optOut(c), optoutstore.OptedOutAgain, 1)
		step(s.tell(c), optoutstore.Told, 0)
		step(s.lift(c), optoutstore.Lifted, 0)
		step(s.optOut(c), optoutstore.OptedOut, 1)
		step(s.lift(c), optoutstore.Lifted, 0)
		step(s.optOut(c), optoutstore.OptedOut, 1)
		s.sameHistory(ann, want...)
		s.sameEvents(want...)
		s.sound()
	}},
	{"telling of what has changed", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		refused := func(seen uint64, why error) {
			t.Helper()
			before := s.Health().Events
			if e, err := s.Told(t.Context(), c, seen); !errors.Is(err, why) || e != (optoutstore.Event{}) {
				t.Fatalf("Told after %d = %+v, %v; want %v", seen, e, err, why)
			}
			if n := s.Health().Events; n != before {
				t.Errorf("%d events were recorded", n-before)
			}
		}
		refused(0, optoutstore.ErrNotOptedOut)
		refused(1, optoutstore.ErrNotOptedOut)
		first := s.optOut(c)
		refused(0, optoutstore.ErrChanged)
		second := s.optOut(c)
		refused(first.Number, optoutstore.ErrChanged)
		s.untold(1, realm, news)
		told := s.tell(c)
		refused(second.Number, optoutstore.ErrChanged)
		// Again is nothing new.
		if e, err := s.Told(t.Context(), c, told.Number); err != nil || e != (optoutstore.Event{}) {
			t.Errorf("Told again = %+v, %v", e, err)
		}
		again := s.untell(c)
		refused(told.Number, optoutstore.ErrChanged)
		if e, err := s.Untell(t.Context(), c); err != nil || e != (optoutstore.Event{}) {
			t.Errorf("Untell again = %+v, %v", e, err)
		}
		lifted := s.lift(c)
		refused(lifted.Number, optoutstore.ErrNotOptedOut)
		refused(again.Number, optoutstore.ErrNotOptedOut)
		if e, err := s.Untell(t.Context(), c); !errors.Is(err, optoutstore.ErrNotOptedOut) || e != (optoutstore.Event{}) {
			t.Errorf("Untell of what was lifted = %+v, %v", e, err)
		}
		s.sameHistory(ann, first, second, told, again, lifted)
		c.Phone = bob
		if _, err := s.Untell(t.Context(), c); !errors.Is(err, optoutstore.ErrNotOptedOut) {
			t.Errorf("Untell of what never was: %v", err)
		}
	}},
	{"a lift does not mind that the backend was told", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		out := s.optOut(c)
		s.tell(c)
		s.untell(c)
		told := s.tell(c)
		if _, err := s.Lift(t.Context(), c, told.Number); !errors.Is(err, optoutstore.ErrChanged) {
			t.Errorf("Lift of a told: %v", err)
		}
		if e, err := s.Lift(t.Context(), c, out.Number); err != nil || e.Kind != optoutstore.Lifted {
			t.Errorf("Lift = %+v, %v", e, err)
		}
	}},
	{"what is untold, counted", func(t *testing.T, s fixture) {
		for _, c := range scatter() {
			s.optOut(c)
		}
		s.untold(12, realm, news) // 3 phones, of it and *, in realm and *
		s.untold(18, realm, "")
		s.untold(9, optoutstore.AnyRealm, "")
		for _, c := range scatter() {
			if c.Sender == news {
				s.tell(c)
			}
		}
		s.untold(6, realm, news)
		s.untold(12, realm, "")
		s.untold(12, realm, shop)
		s.untold(3, "elsewhere", "alerts") // of realm * and sender *
		s.count(12, realm, news)
		s.untell(change(realm, news, ann))
		s.untold(7, realm, news)
		s.lift(change(realm, news, ann))
		s.lift(change(realm, news, bob))
		s.untold(6, realm, news)
		s.count(10, realm, news)
		s.sound()
	}},
	{"from where on a realm is relayed", func(t *testing.T, s fixture) {
		from := func(realm string, want uint64, wantSet bool) {
			t.Helper()
			if n, set, err := s.RelayFrom(t.Context(), realm); err != nil || n != want || set != wantSet {
				t.Errorf("RelayFrom of %q = %d, %t, %v; want %d, %t", realm, n, set, err, want, wantSet)
			}
		}
		set := func(realm string, n uint64) error {
			return s.SetRelayFrom(t.Context(), optoutstore.Change{Pair: optoutstore.Pair{Realm: realm}, Actor: "me"}, n)
		}
		from(realm, 0, false)
		if err := set(realm, 1); !isInvalid(err) {
			t.Errorf("from an event that is not there yet: %v", err)
		}
		if err := set(realm, 0); err != nil {
			t.Fatal(err)
		}
		from(realm, 0, true)
		from(otherRealm, 0, false)
		out := s.optOut(change(realm, news, ann))
		for _, err := range []error{set(realm, out.Number), set(otherRealm, 1), set(otherRealm, 1)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		from(realm, 2, true)
		from(otherRealm, 1, true)
		from(optoutstore.AnyRealm, 0, false)
		events := s.events()
		if len(events) != 5 || events[2].Kind != optoutstore.RelayFrom || events[2].From != 2 || events[2].Realm != realm ||
			events[2].Actor != "me" || events[2].Sender != "" || !events[2].Phone.IsZero() {
			t.Errorf("events %+v", events)
		}
		s.sameHistory(ann, out)
		for name, c := range map[string]optoutstore.Change{
			"no realm":       {},
			"a sender":       {Pair: optoutstore.Pair{Realm: realm, Sender: news}},
			"a phone":        {Pair: optoutstore.Pair{Realm: realm, Phone: ann}},
			"too long actor": {Pair: optoutstore.Pair{Realm: realm}, Actor: string(make([]byte, MaxActor+1))},
		} {
			if err := s.SetRelayFrom(t.Context(), c, 0); !isInvalid(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := s.RelayFrom(t.Context(), ""); !isInvalid(err) {
			t.Errorf("RelayFrom of no realm: %v", err)
		}
		s.sound()
	}},
}

// untold checks how many opt-outs the backend was not told of.
func (s fixture) untold(want uint64, realm string, sender phone.Sender) {
	s.t.Helper()
	n, err := s.Untold(s.t.Context(), realm, sender)
	if err != nil || n != want {
		s.t.Errorf("Untold(%q, %q) = %d, %v; want %d", realm, sender, n, err, want)
	}
}

// tell records that the backend was told of c's pair as it stands.
func (s fixture) tell(c optoutstore.Change) optoutstore.Event {
	s.t.Helper()
	state := s.states(optoutstore.Filter{Realm: c.Realm, Sender: c.Sender, Phone: c.Phone})[c.Pair]
	e, err := s.Told(s.t.Context(), c, state.Last)
	if err != nil || e.Kind != optoutstore.Told {
		s.t.Fatalf("Told of %v = %+v, %v", c.Pair, e, err)
	}
	return e
}

func (s fixture) untell(c optoutstore.Change) optoutstore.Event {
	s.t.Helper()
	e, err := s.Untell(s.t.Context(), c)
	if err != nil || e.Kind != optoutstore.Untold {
		s.t.Fatalf("Untell of %v = %+v, %v", c.Pair, e, err)
	}
	return e
}

// sound checks the store against itself.
func (s fixture) sound() {
	s.t.Helper()
	if err := s.Verify(s.t.Context(), nil); err != nil {
		s.t.Errorf("Verify: %v", err)
	}
}
