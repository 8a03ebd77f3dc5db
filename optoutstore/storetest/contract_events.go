package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// eventTests: Events, Wait, Detail, Stats, and States page by page.
var eventTests = []subtest{
	{"events in order", func(t *testing.T, s fixture) {
		s.sameEvents()
		var want []optoutstore.Event
		for _, c := range scatter() {
			want = append(want, s.optOut(c))
		}
		for _, c := range scatter()[7:12] {
			want = append(want, s.lift(c), s.optOut(c), s.tell(c))
		}
		for _, r := range s.imports(change("third", news, ann), change("third", news, bob)) {
			want = append(want, r.Event)
		}
		s.sameEvents(want...)
	}},
	{"events go on from a place", func(t *testing.T, s fixture) {
		var want []optoutstore.Event
		for i := range 40 {
			want = append(want, s.optOut(change(realm, news, numbered(i))))
		}
		for _, r := range s.imports(change(realm, shop, ann), change(realm, shop, bob), change(realm, shop, eve)) {
			want = append(want, r.Event)
		}
		places := []optoutstore.Place{{}}
		end, err := s.Events(t.Context(), optoutstore.Place{}, func(_ optoutstore.Event, p optoutstore.Place) error {
			places = append(places, p)
			return nil
		})
		if err != nil || len(places) != len(want)+1 || end != places[len(want)] {
			t.Fatalf("Events = %v, %v; %d places", end, err, len(places))
		}
		for i, p := range places {
			if p.Number() != uint64(i) {
				t.Errorf("place %d is behind event %d", i, p.Number())
			}
			for _, from := range []optoutstore.Place{p, optoutstore.PlaceAfter(uint64(i))} {
				got, reached := s.eventsFrom(from)
				if !slices.EqualFunc(got, want[i:], sameEvent) || reached.Number() != end.Number() {
					t.Fatalf("behind event %d: %d events up to %d, want %d", i, len(got), reached.Number(), len(want)-i)
				}
			}
		}
		if got, reached := s.eventsFrom(end); len(got) != 0 || reached != end {
			t.Errorf("behind the end: %v, %v", got, reached)
		}
		more := s.optOut(change(realm, news, ann))
		if got, _ := s.eventsFrom(end); len(got) != 1 || !sameEvent(got[0], more) {
			t.Errorf("behind what was the end: %v", got)
		}
	}},
	{"events stop at an error of fn", func(t *testing.T, s fixture) {
		for i := range 10 {
			s.optOut(change(realm, news, numbered(i)))
		}
		var reached optoutstore.Place
		for want := range uint64(10) {
			calls := 0
			var err error
			reached, err = s.Events(t.Context(), reached, func(e optoutstore.Event, _ optoutstore.Place) error {
				if calls++; calls == 2 {
					return errStop
				}
				return nil
			})
			if want < 9 && !errors.Is(err, errStop) || want == 9 && err != nil || reached.Number() != want+1 {
				t.Fatalf("Events = %d, %v; want %d", reached.Number(), err, want+1)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		reached, err := s.Events(ctx, optoutstore.Place{}, func(optoutstore.Event, optoutstore.Place) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) || reached.Number() != 1 {
			t.Errorf("Events = %d, %v", reached.Number(), err)
		}
	}},
	{"fn of Events may call the store", func(t *testing.T, s fixture) {
		for i := range 5 {
			s.optOut(change(realm, news, numbered(i)))
		}
		place, err := s.Events(t.Context(), optoutstore.Place{}, func(e optoutstore.Event, _ optoutstore.Place) error {
			if e.Kind == optoutstore.OptedOut {
				s.blocked(e.Realm, e.Sender, e.Phone)
				s.tell(optoutstore.Change{Pair: e.Pair})
			}
			return nil
		})
		if err != nil || place.Number() < 5 {
			t.Fatalf("Events = %d, %v", place.Number(), err)
		}
		s.untold(0, realm, news)
	}},
	{"waiting for events", func(t *testing.T, s fixture) {
		s.optOut(change(realm, news, ann))
		if err := s.Wait(t.Context(), 0); err != nil {
			t.Errorf("Wait for what is there: %v", err)
		}
		var waiters sync.WaitGroup
		for after := range uint64(5) {
			waiters.Go(func() {
				if err := s.Wait(t.Context(), after); err != nil {
					t.Errorf("Wait(%d): %v", after, err)
				}
				if events, _ := s.eventsFrom(optoutstore.PlaceAfter(after)); len(events) == 0 {
					t.Errorf("Wait(%d) returned, and nothing is there", after)
				}
			})
		}
		for range 4 {
			s.optOut(change(realm, news, ann))
		}
		waiters.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Millisecond, cancel)
		if err := s.Wait(ctx, 5); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait until the context ends: %v", err)
		}
		time.AfterFunc(5*time.Millisecond, func() { _ = s.Close() })
		if err := s.Wait(t.Context(), 5); !isClosed(err) {
			t.Errorf("Wait until it is closed: %v", err)
		}
	}},
	{"the event behind a state", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		c.Reason = "first"
		first := s.optOut(c)
		told := s.tell(c)
		c.Reason = "second"
		second := s.optOut(c)
		s.tell(c)
		s.untell(c)
		other := s.optOut(change(realm, news, bob))
		for _, want := range []optoutstore.Event{first, second, other} {
			got, err := s.Detail(t.Context(), stateOf(want))
			if err != nil || !sameEvent(got, want) {
				t.Errorf("Detail of %d = %+v, %v", want.Number, got, err)
			}
		}
		for _, state := range []optoutstore.State{
			{},
			{Pair: c.Pair},
			{Pair: c.Pair, Number: told.Number},
			{Pair: c.Pair, Number: other.Number},
			{Pair: c.Pair, Number: 1000},
			{Pair: pair(realm, shop, ann), Number: 1},
		} {
			if got, err := s.Detail(t.Context(), state); !isInvalid(err) || leaks(err, ann) {
				t.Errorf("Detail of %+v = %+v, %v", state, got, err)
			}
		}
	}},
	{"stats", func(t *testing.T, s fixture) {
		stats := s.stats()
		if stats.Events != 0 || stats.InForce != 0 || len(stats.Senders) != 0 || !stats.Oldest.IsZero() || !stats.Newest.IsZero() || stats.Format < 1 || stats.ID == "" {
			t.Errorf("Stats of an empty store: %+v", stats)
		}
		first := s.optOut(change(realm, news, ann))
		for _, c := range scatter() {
			s.optOut(c)
		}
		for _, c := range scatter()[:3] { // realm, news
			s.lift(c)
		}
		last := s.tell(scatter()[3]) // realm, shop
		stats = s.stats()
		if stats.Events != last.Number || stats.InForce != 24 || stats.Untold != 23 ||
			!sameTime(stats.Oldest, first.RecordedAt) || !sameTime(stats.Newest, last.RecordedAt) {
			t.Errorf("Stats: %+v", stats)
		}
		var want []optoutstore.SenderCount
		for _, r := range []string{optoutstore.AnyRealm, otherRealm, realm} {
			for _, sender := range []phone.Sender{phone.AnySender, shop, news} {
				if r != realm || sender != news {
					want = append(want, optoutstore.SenderCount{Realm: r, Sender: sender, InForce: 3, Untold: 3})
				}
			}
		}
		want[len(want)-1].Untold = 2
		if !slices.Equal(stats.Senders, want) {
			t.Errorf("Senders: %+v\nwant\n%+v", stats.Senders, want)
		}
	}},
	{"states in order, page by page", func(t *testing.T, s fixture) {
		all := scatter()
		slices.Reverse(all)
		for _, c := range all {
			s.optOut(c)
		}
		slices.SortFunc(all, func(a, b optoutstore.Change) int { return a.Compare(b.Pair) })
		for i := -1; i < len(all); i++ {
			f := optoutstore.Filter{}
			if i >= 0 {
				f.After = all[i].Pair
			}
			s.ordered(f, all[i+1:])
		}
		// Behind what is not there: another phone between, and one in front of all.
		s.ordered(optoutstore.Filter{After: optoutstore.Pair{Phone: number("1206555121"), Realm: "zzzzzzzzz", Sender: "1"}}, all[9:])
		s.ordered(optoutstore.Filter{After: optoutstore.Pair{Phone: number("0")}}, all)
		s.ordered(optoutstore.Filter{After: optoutstore.Pair{Phone: number("9")}}, nil)
		// With a phone, and with both.
		s.ordered(optoutstore.Filter{Phone: ann, After: all[0].Pair}, all[9:18])
		s.ordered(optoutstore.Filter{Phone: ann, After: all[12].Pair}, all[13:18])
		s.ordered(optoutstore.Filter{Phone: ann, After: all[20].Pair}, nil)
		long := optoutstore.Pair{Phone: ann, Realm: string(make([]byte, 300)), Sender: "1"}
		if err := s.States(t.Context(), optoutstore.Filter{After: long}, func(optoutstore.State) error { return nil }); !isInvalid(err) {
			t.Errorf("States behind a pair that cannot be: %v", err)
		}
	}},
	{"more states than a page", func(t *testing.T, s fixture) {
		var all []optoutstore.Change
		for i := range 2500 {
			all = append(all, change(realm, news, numbered(i)))
		}
		for part := range slices.Chunk(all, optoutstore.MaxImport) {
			s.imports(part...)
		}
		s.ordered(optoutstore.Filter{}, all)
		s.ordered(optoutstore.Filter{After: all[998].Pair}, all[999:])
		// Who lifts what it sees, sees all the same.
		lifted := 0
		err := s.States(t.Context(), optoutstore.Filter{}, func(state optoutstore.State) error {
			if lifted++; lifted%100 == 0 {
				s.lift(optoutstore.Change{Pair: state.Pair})
			}
			return nil
		})
		if err != nil || lifted != 2500 {
			t.Errorf("States = %v after %d", err, lifted)
		}
		s.count(2475, realm, news)
	}},
	{"states since", func(t *testing.T, s fixture) {
		var events []optoutstore.Event
		for i := range 5 {
			e := s.optOut(change(realm, news, numbered(i)))
			for time.Since(e.RecordedAt) < 2*time.Microsecond {
				// The next is recorded later.
			}
			events = append(events, e)
		}
		for i, e := range events {
			if got := s.states(optoutstore.Filter{Since: e.RecordedAt}); len(got) != 5-i {
				t.Errorf("%d states since event %d", len(got), i+1)
			}
			if got := s.states(optoutstore.Filter{Since: e.RecordedAt.Add(1)}); len(got) != 4-i {
				t.Errorf("%d states since a moment after event %d", len(got), i+1)
			}
		}
		// What the backend was told is no change of the state.
		s.tell(change(realm, news, numbered(0)))
		if got := s.states(optoutstore.Filter{Since: events[4].RecordedAt.Add(1)}); len(got) != 0 {
			t.Errorf("%v since", got)
		}
	}},
	{"health of what was written", func(t *testing.T, s fixture) {
		if h := s.Health(); !h.LastWrite.IsZero() {
			t.Errorf("%+v", h)
		}
		before := stored(time.Now())
		s.optOut(change(realm, news, ann))
		if h := s.Health(); h.LastWrite.Before(before) || h.LastWrite.After(time.Now()) {
			t.Errorf("written at %v, between %v and now", h.LastWrite, before)
		}
	}},
}

// ordered checks that f selects the pairs of want, in their order.
func (s fixture) ordered(f optoutstore.Filter, want []optoutstore.Change) {
	s.t.Helper()
	var got []optoutstore.Pair
	err := s.States(s.t.Context(), f, func(state optoutstore.State) error {
		got = append(got, state.Pair)
		return nil
	})
	if err != nil || !slices.EqualFunc(got, want, func(p optoutstore.Pair, c optoutstore.Change) bool { return p == c.Pair }) {
		s.t.Errorf("States of %+v: %v, %d pairs, want %d:\n%v", f, err, len(got), len(want), got[:min(len(got), 40)])
	}
}

func (s fixture) stats() optoutstore.Stats {
	s.t.Helper()
	stats, err := s.Stats(s.t.Context())
	if err != nil {
		s.t.Errorf("Stats: %v", err)
	}
	return stats
}

// events returns all events.
func (s fixture) events() []optoutstore.Event {
	s.t.Helper()
	events, _ := s.eventsFrom(optoutstore.Place{})
	return events
}

// eventsFrom returns the events behind a place, and the place behind them.
func (s fixture) eventsFrom(p optoutstore.Place) ([]optoutstore.Event, optoutstore.Place) {
	s.t.Helper()
	events, reached, err := eventsOf(s.t.Context(), s, p)
	if err != nil {
		s.t.Errorf("Events behind %d: %v", p.Number(), err)
	}
	return events, reached
}

func eventsOf(ctx context.Context, s optoutstore.Store, p optoutstore.Place) ([]optoutstore.Event, optoutstore.Place, error) {
	var events []optoutstore.Event
	reached, err := s.Events(ctx, p, func(e optoutstore.Event, behind optoutstore.Place) error {
		if behind.Number() != e.Number {
			return errPlace
		}
		events = append(events, e)
		return nil
	})
	return events, reached, err
}

var errPlace = errors.New("a place is not behind its event")

// sameEvents checks that the store's events are want, to the last field.
func (s fixture) sameEvents(want ...optoutstore.Event) {
	s.t.Helper()
	if got := s.events(); !slices.EqualFunc(got, want, sameEvent) {
		s.t.Errorf("Events:\n%+v\nwant\n%+v", got, want)
	}
}
