package storetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// raceTests: many goroutines at once.
var raceTests = []subtest{
	{"many on one pair", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		var tell recorder
		together(16, func(int) {
			last := uint64(0)
			for range 20 {
				call := s.OptOut
				if rand.IntN(2) == 0 {
					call = s.liftAny
				}
				e, err := call(t.Context(), c)
				if errors.Is(err, optoutstore.ErrNotOptedOut) {
					continue
				}
				if err != nil {
					t.Errorf("change: %v", err)
					return
				}
				if e.Number <= last {
					t.Errorf("event %d after event %d", e.Number, last)
				}
				last = e.Number
				tell.add(e)
			}
		})
		s.accounts(tell.events)
	}},
	{"many on many pairs", func(t *testing.T, s fixture) {
		var tell recorder
		together(16, func(i int) {
			c := change(realm, news, numbered(i))
			if i%4 == 0 {
				c.Sender = phone.AnySender
			}
			for range 10 {
				e := s.tryEvent(s.OptOut(t.Context(), c))
				tell.add(e)
				// What has returned is seen, by whatever index.
				s.blocked(realm, news, c.Phone)
				s.blocked(realm, "", c.Phone)
				if events := s.history(c.Phone); len(events) == 0 || !sameEvent(events[len(events)-1], e) {
					t.Errorf("history ends %v after %v", events, e)
				}
				e = s.tryEvent(s.Lift(t.Context(), c, 0))
				tell.add(e)
				s.free(realm, news, c.Phone)
				s.free(realm, "", c.Phone)
			}
		})
		s.accounts(tell.events)
	}},
	{"counts of many", func(t *testing.T, s fixture) {
		together(16, func(i int) {
			for j := range 16 {
				// Each pair is opted out of by two.
				c := change(realm, news, numbered(i/2*16+j))
				_ = s.tryEvent(s.OptOut(t.Context(), c))
			}
		})
		s.count(128, realm, news)
		together(16, func(i int) {
			for j := range 8 {
				_, err := s.Lift(t.Context(), change(realm, news, numbered(i/2*16+j)), 0)
				if err != nil && !errors.Is(err, optoutstore.ErrNotOptedOut) {
					t.Errorf("Lift: %v", err)
				}
			}
		})
		s.count(64, realm, news)
		s.count(64, realm, "")
		if h := s.Health(); h.Events != 256+64 || h.Applied != h.Events {
			t.Errorf("health: %+v", h)
		}
	}},
	{"a reader never sees a gap in what stays covered", func(t *testing.T, s fixture) {
		own, wide := change(realm, news, ann), change(realm, phone.AnySender, ann)
		s.optOut(own)
		ctx, done := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for ctx.Err() == nil {
					s.blocked(realm, news, ann)
					s.blocked(realm, "", ann)
					if n, err := s.InForce(t.Context(), realm, news); err != nil || n < 1 || n > 2 {
						t.Errorf("InForce = %d, %v", n, err)
					}
				}
			})
		}
		for range 50 {
			_ = s.tryEvent(s.OptOut(t.Context(), wide))
			_ = s.tryEvent(s.Lift(t.Context(), own, 0))
			_ = s.tryEvent(s.OptOut(t.Context(), own))
			_ = s.tryEvent(s.Lift(t.Context(), wide, 0))
		}
		done()
		readers.Wait()
	}},
	{"callers that give up", func(t *testing.T, s fixture) {
		// Each event is there whole or not at all, whatever the caller was told,
		// and those that were told of are there.
		var tell recorder
		together(16, func(i int) {
			for j := range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				if e, err := s.OptOut(ctx, change(realm, news, numbered(i*10+j))); err == nil {
					tell.add(e)
				} else if !errors.Is(err, context.Canceled) {
					t.Errorf("OptOut: %v", err)
				}
				cancel()
			}
		})
		// An event that follows them all ends what is still under way.
		last := s.optOut(change(realm, news, ann))
		there := s.history(ann)
		for i := range 160 {
			events := s.history(numbered(i))
			if len(events) == 1 {
				s.blocked(realm, news, numbered(i))
			} else {
				s.free(realm, news, numbered(i))
			}
			there = append(there, events...)
		}
		slices.SortFunc(there, byNumber)
		if _, err := Replay(there); err != nil {
			t.Error(err)
		}
		if n := len(there); n == 0 || there[n-1].Number != last.Number {
			t.Errorf("an event follows %v", last)
		}
		s.count(uint64(len(there)), realm, "")
		for _, e := range tell.events {
			if e.Number > uint64(len(there)) || !sameEvent(there[e.Number-1], e) {
				t.Errorf("acknowledged and not there: %v", e)
			}
		}
	}},
	{"closed under way", func(t *testing.T, s fixture) {
		var calls sync.WaitGroup
		begun := make(chan struct{}, 16)
		for i := range 16 {
			calls.Go(func() {
				begun <- struct{}{}
				for n := range 10_000 {
					_, err := s.OptOut(t.Context(), change(realm, news, numbered(i)))
					if err == nil {
						_, _, err = s.Lookup(t.Context(), query(realm, "", numbered(i)))
					}
					if err == nil {
						err = s.States(t.Context(), optoutstore.Filter{Phone: numbered(i)}, func(optoutstore.State) error { return nil })
					}
					if isClosed(err) {
						return
					}
					if err != nil {
						t.Errorf("call %d: %v", n, err)
						return
					}
				}
			})
		}
		for range 16 {
			<-begun
		}
		together(3, func(int) {
			if err := s.Close(); err != nil && !isClosed(err) {
				t.Errorf("Close: %v", err)
			}
		})
		calls.Wait()
	}},
}

// together runs f in n goroutines, and returns when all have.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// tryEvent is e, after reporting err.
func (s fixture) tryEvent(e optoutstore.Event, err error) optoutstore.Event {
	s.t.Helper()
	if err != nil {
		s.t.Errorf("change: %v", err)
	}
	return e
}

// accounts checks that events, in the order of their numbers, are all that ever
// happened in the store.
func (s fixture) accounts(events []optoutstore.Event) {
	s.t.Helper()
	slices.SortFunc(events, byNumber)
	model, err := Replay(events)
	if err != nil {
		s.t.Fatalf("the events that calls returned: %v", err)
	}
	phones := make(map[phone.Number]bool)
	for _, e := range events {
		phones[e.Phone] = true
	}
	for p := range phones {
		want, err := historyOf(context.Background(), model, p)
		if err != nil {
			s.t.Fatal(err)
		}
		s.sameHistory(p, want...)
	}
	want := fixture{s.t, model}.states(optoutstore.Filter{Lifted: true})
	got := s.states(optoutstore.Filter{Lifted: true})
	if !maps.EqualFunc(got, want, sameState) {
		s.t.Errorf("States:\n%v\nwant\n%v", got, want)
	}
	if h := s.Health(); h.Events != uint64(len(events)) || h.Applied != h.Events {
		s.t.Errorf("health after %d events: %+v", len(events), h)
	}
}

func byNumber(a, b optoutstore.Event) int { return cmp.Compare(a.Number, b.Number) }

// recorder gathers events from many goroutines.
type recorder struct {
	mu     sync.Mutex
	events []optoutstore.Event
}

func (r *recorder) add(e optoutstore.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}
