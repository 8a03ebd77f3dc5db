package storetest

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

var (
	errStop  = errors.New("enough")
	errTwice = errors.New("a pair has two states")
)

// readTests: States, History and InForce.
var readTests = []subtest{
	{"states", func(t *testing.T, s fixture) {
		all := map[optoutstore.Pair]optoutstore.State{}
		for _, c := range scatter() {
			all[c.Pair] = stateOf(s.optOut(c))
		}
		for _, c := range scatter()[:4] {
			all[c.Pair] = stateOf(s.lift(c))
		}
		again := scatter()[9]
		all[again.Pair] = stateOf(s.optOut(again))

		check := func(f optoutstore.Filter) {
			t.Helper()
			want := maps.Clone(all)
			maps.DeleteFunc(want, func(_ optoutstore.Pair, state optoutstore.State) bool { return !matches(f, state) })
			if got := s.states(f); !maps.EqualFunc(got, want, sameState) {
				t.Errorf("States of %+v:\n%v\nwant\n%v", f, got, want)
			}
		}
		for _, lifted := range []bool{false, true} {
			for _, r := range []string{"", realm, otherRealm, optoutstore.AnyRealm, "myrealms"} {
				for _, sender := range []phone.Sender{"", news, shop, phone.AnySender, "123456"} {
					for _, p := range []phone.Number{{}, ann, bob, eve} {
						check(optoutstore.Filter{Realm: r, Sender: sender, Phone: p, Lifted: lifted})
					}
				}
			}
		}
	}},
	{"states of an empty store", func(t *testing.T, s fixture) {
		if got := s.states(optoutstore.Filter{Lifted: true}); len(got) != 0 {
			t.Errorf("States = %v", got)
		}
	}},
	{"history is across realms, oldest first", func(t *testing.T, s fixture) {
		want := map[phone.Number][]optoutstore.Event{}
		for range 3 {
			for _, c := range scatter() {
				want[c.Phone] = append(want[c.Phone], s.optOut(c))
			}
			for _, c := range scatter()[5:] {
				want[c.Phone] = append(want[c.Phone], s.lift(c))
			}
		}
		for p, events := range want {
			s.sameHistory(p, events...)
		}
		s.sameHistory(number("1206555"))
	}},
	{"a long history", func(t *testing.T, s fixture) {
		// More than 256 numbers, so that their order in bytes is put to the test.
		c := change(realm, news, ann)
		var want []optoutstore.Event
		for i := range 300 {
			c.Reason = fmt.Sprintf("reason %d", i)
			want = append(want, s.optOut(c))
		}
		s.sameHistory(ann, want...)
		s.count(1, realm, news)
	}},
	{"an error of fn comes back", func(t *testing.T, s fixture) {
		for _, c := range scatter() {
			s.optOut(c)
		}
		calls := 0
		err := s.States(t.Context(), optoutstore.Filter{}, func(optoutstore.State) error { calls++; return errStop })
		if !errors.Is(err, errStop) || calls != 1 {
			t.Errorf("States = %v after %d calls", err, calls)
		}
		calls = 0
		err = s.History(t.Context(), ann, func(optoutstore.Event) error { calls++; return errStop })
		if !errors.Is(err, errStop) || calls != 1 {
			t.Errorf("History = %v after %d calls", err, calls)
		}
	}},
	{"fn may call the store", func(t *testing.T, s fixture) {
		// Lifting whatever a phone has opted out of is done like this.
		for _, c := range scatter() {
			s.optOut(c)
		}
		lifted := 0
		err := s.States(t.Context(), optoutstore.Filter{Phone: ann}, func(state optoutstore.State) error {
			s.blocked(state.Realm, state.Sender, ann)
			s.lift(optoutstore.Change{Pair: state.Pair, Source: optoutstore.SourceCLI})
			lifted++
			return nil
		})
		if err != nil || lifted != 9 {
			t.Errorf("States = %v, lifted %d", err, lifted)
		}
		s.free(realm, "", ann)
		s.blocked(realm, "", bob)
		events := 0
		err = s.History(t.Context(), ann, func(e optoutstore.Event) error {
			events++
			if events > 18 {
				return nil // Events recorded meanwhile may be shown.
			}
			_ = s.history(ann)
			s.optOut(change(realm, news, ann))
			return nil
		})
		if err != nil || events < 18 {
			t.Errorf("History = %v, %d events", err, events)
		}
	}},
	{"counts", func(t *testing.T, s fixture) {
		s.count(0, realm, news)
		s.count(0, realm, "")
		s.count(0, optoutstore.AnyRealm, "")

		own := change(realm, news, ann)
		s.optOut(own)
		s.optOut(own) // counts once
		s.count(1, realm, news)
		s.count(1, realm, "")
		s.count(0, realm, shop)
		s.count(0, realm, phone.AnySender)
		s.count(0, otherRealm, news)
		s.count(0, otherRealm, "")
		s.count(0, optoutstore.AnyRealm, news)

		s.optOut(change(realm, news, bob))
		s.optOut(change(realm, shop, ann))
		s.count(2, realm, news)
		s.count(1, realm, shop)
		s.count(3, realm, "")

		s.optOut(change(realm, phone.AnySender, ann))
		s.count(3, realm, news)
		s.count(2, realm, shop)
		s.count(1, realm, "alerts")
		s.count(1, realm, phone.AnySender)
		s.count(4, realm, "")
		s.count(0, otherRealm, news)

		s.optOut(change(optoutstore.AnyRealm, news, eve))
		s.optOut(change(optoutstore.AnyRealm, phone.AnySender, eve))
		s.count(5, realm, news)
		s.count(3, realm, shop)
		s.count(2, realm, phone.AnySender)
		s.count(6, realm, "")
		s.count(2, otherRealm, news)
		s.count(1, otherRealm, shop)
		s.count(2, otherRealm, "")
		s.count(2, optoutstore.AnyRealm, news)
		s.count(1, optoutstore.AnyRealm, phone.AnySender)
		s.count(2, optoutstore.AnyRealm, "")

		s.lift(own)
		s.count(4, realm, news)
		s.count(5, realm, "")
		_, _ = s.Lift(t.Context(), own, 0) // nothing to lift, nothing to count
		s.count(4, realm, news)
		s.optOut(own)
		s.count(5, realm, news)
		s.count(6, realm, "")
		s.lift(change(optoutstore.AnyRealm, phone.AnySender, eve))
		s.count(4, realm, news)
		s.count(0, otherRealm, shop)
	}},
	{"counts back to nothing", func(t *testing.T, s fixture) {
		for range 2 {
			for _, c := range scatter() {
				s.optOut(c)
			}
			s.count(18, realm, "") // 9 of its own and 9 of realm *
			for _, c := range scatter() {
				s.lift(c)
			}
			for _, r := range []string{realm, otherRealm, optoutstore.AnyRealm} {
				s.count(0, r, "")
				s.count(0, r, news)
				s.count(0, r, phone.AnySender)
			}
		}
	}},
}

// scatter is a first opt-out of each of 27 pairs: three realms, three senders,
// three phones.
func scatter() []optoutstore.Change {
	var changes []optoutstore.Change
	for _, r := range []string{realm, otherRealm, optoutstore.AnyRealm} {
		for _, sender := range []phone.Sender{news, shop, phone.AnySender} {
			for _, p := range []phone.Number{ann, bob, eve} {
				changes = append(changes, change(r, sender, p))
			}
		}
	}
	return changes
}

// numbered is one of many phones, none of which is one of the others.
func numbered(i int) phone.Number { return number(fmt.Sprintf("1303555%04d", i)) }
