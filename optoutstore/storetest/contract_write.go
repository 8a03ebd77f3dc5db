package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// writeTests: what OptOut and Lift record.
var writeTests = []subtest{
	{"kinds", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		var want []optoutstore.Event
		step := func(do func(optoutstore.Change) optoutstore.Event, kind optoutstore.Kind) {
			t.Helper()
			e := do(c)
			if e.Kind != kind || e.Pair != c.Pair {
				t.Errorf("event %+v, want kind %s of %v", e, kind, c.Pair)
			}
			want = append(want, e)
			if state, found := s.lookup(query(realm, news, ann)); found != (kind != optoutstore.Lifted) {
				t.Errorf("Lookup after %s = %+v, %t", kind, state, found)
			}
			if got := s.states(optoutstore.Filter{Lifted: true})[c.Pair]; !sameState(got, stateOf(e)) {
				t.Errorf("state after %s = %+v, want %+v", kind, got, stateOf(e))
			}
		}
		step(s.optOut, optoutstore.OptedOut)
		step(s.optOut, optoutstore.OptedOutAgain)
		step(s.optOut, optoutstore.OptedOutAgain)
		step(s.lift, optoutstore.Lifted)
		step(s.optOut, optoutstore.OptedOut)
		step(s.lift, optoutstore.Lifted)
		s.sameHistory(ann, want...)
	}},
	{"kinds are of the pair and not of what covers it", func(t *testing.T, s fixture) {
		for _, c := range []optoutstore.Change{
			change(optoutstore.AnyRealm, phone.AnySender, ann),
			change(realm, phone.AnySender, ann),
			change(optoutstore.AnyRealm, news, ann),
			change(realm, news, ann),
		} {
			if e := s.optOut(c); e.Kind != optoutstore.OptedOut {
				t.Errorf("first opt-out of %v is %s", c.Pair, e.Kind)
			}
		}
	}},
	{"a lift of what has changed", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		first := s.optOut(c)
		again := s.optOut(c)
		if _, err := s.Lift(t.Context(), c, first.Number); !errors.Is(err, optoutstore.ErrChanged) {
			t.Fatalf("lifting what was asserted again meanwhile: %v", err)
		}
		s.sameHistory(ann, first, again)
		lifted, err := s.Lift(t.Context(), c, again.Number)
		if err != nil || lifted.Kind != optoutstore.Lifted {
			t.Fatalf("lifting what is as it was seen: %+v, %v", lifted, err)
		}
		s.sameHistory(ann, first, again, lifted)
	}},
	{"nothing to lift", func(t *testing.T, s fixture) {
		refused := func(c optoutstore.Change) {
			t.Helper()
			before := s.Health().Events
			e, err := s.Lift(t.Context(), c, 0)
			if !errors.Is(err, optoutstore.ErrNotOptedOut) {
				t.Fatalf("Lift of %v = %+v, %v", c.Pair, e, err)
			}
			if leaks(err, c.Phone) {
				t.Errorf("the error holds the phone: %v", err)
			}
			if after := s.Health().Events; after != before {
				t.Errorf("a refused lift recorded %d events", after-before)
			}
		}
		c := change(realm, news, ann)
		refused(c)
		s.sameHistory(ann)
		first := s.optOut(c)
		// Neither what covers the pair nor what it covers is the pair.
		refused(change(realm, phone.AnySender, ann))
		refused(change(optoutstore.AnyRealm, news, ann))
		refused(change(optoutstore.AnyRealm, phone.AnySender, ann))
		refused(change(realm, shop, ann))
		refused(change(otherRealm, news, ann))
		refused(change(realm, news, bob))
		s.blocked(realm, news, ann)
		second := s.lift(c)
		refused(c)
		s.sameHistory(ann, first, second)
		s.optOut(change(realm, phone.AnySender, bob))
		refused(change(realm, news, bob))
	}},
	{"numbers have no gaps", func(t *testing.T, s fixture) {
		if h := s.Health(); h.Events != 0 || h.Applied != 0 || !h.Readable || !h.Writable || h.Reason != "" {
			t.Errorf("health of an empty store: %+v", h)
		}
		var n uint64
		expect := func(e optoutstore.Event) {
			t.Helper()
			if n++; e.Number != n {
				t.Errorf("event %+v, want number %d", e, n)
			}
			if h := s.Health(); h.Events != n || h.Applied != n {
				t.Errorf("health after event %d: %+v", n, h)
			}
		}
		expect(s.optOut(change(realm, news, ann)))
		expect(s.optOut(change(otherRealm, shop, bob)))
		expect(s.optOut(change(realm, news, ann)))
		if _, err := s.Lift(t.Context(), change(realm, news, eve), 0); err == nil {
			t.Error("lifted nothing")
		}
		if _, err := s.OptOut(t.Context(), change("", news, eve)); err == nil {
			t.Error("opted out of no realm")
		}
		expect(s.lift(change(realm, news, ann)))
		expect(s.optOut(change(optoutstore.AnyRealm, phone.AnySender, eve)))
	}},
	{"recorded now", func(t *testing.T, s fixture) {
		before := stored(time.Now())
		e := s.optOut(change(realm, news, ann))
		after := time.Now()
		if e.RecordedAt.Before(before) || e.RecordedAt.After(after) {
			t.Errorf("recorded at %v, between %v and %v", e.RecordedAt, before, after)
		}
		if !sameTime(e.RecordedAt, stored(e.RecordedAt)) {
			t.Errorf("recorded at %v, which is not UTC in microseconds", e.RecordedAt)
		}
		if !sameTime(e.EffectiveAt, e.RecordedAt) {
			t.Errorf("effective at %v, recorded at %v", e.EffectiveAt, e.RecordedAt)
		}
		s.sameHistory(ann, e)
	}},
	{"effective at another time", func(t *testing.T, s fixture) {
		zone := time.FixedZone("somewhere", 5*3600+1800)
		c := change(realm, news, ann)
		var want []optoutstore.Event
		for _, at := range []time.Time{
			time.Date(2019, 3, 1, 2, 3, 4, 123456789, zone),
			time.Date(1999, 12, 31, 23, 59, 59, 999999999, time.UTC),
			time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), // zero in Unix time is a time
			time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC),
			time.Now(),
			time.Now().AddDate(1, 0, 0), // somebody's clock is wrong
		} {
			c.EffectiveAt = at
			e := s.optOut(c)
			if !sameTime(e.EffectiveAt, stored(at)) {
				t.Errorf("effective at %v, want %v", e.EffectiveAt, stored(at))
			}
			if time.Since(e.RecordedAt).Abs() > time.Hour {
				t.Errorf("recorded at %v where effective at %v", e.RecordedAt, at)
			}
			want = append(want, e)
			// An opt-out counts from when it is recorded, in whatever order.
			if got, found := s.lookup(query(realm, news, ann)); !found || !sameState(got, stateOf(e)) {
				t.Errorf("Lookup = %+v, %t after %+v", got, found, e)
			}
		}
		s.sameHistory(ann, want...)
	}},
	{"a time that cannot be kept is refused", func(t *testing.T, s fixture) {
		for _, at := range []time.Time{
			time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
			time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Unix(1<<55, 0),
			time.Unix(-1<<55, 0),
		} {
			c := change(realm, news, ann)
			c.EffectiveAt = at
			e, err := s.OptOut(t.Context(), c)
			if err == nil && !sameTime(e.EffectiveAt, stored(at)) || err != nil && !isInvalid(err) {
				t.Errorf("effective at %v: %v, %v", at, e.EffectiveAt, err)
			}
		}
	}},
	{"the order of recording decides", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		s.optOut(c)
		c.EffectiveAt = time.Now().Add(-time.Hour)
		s.lift(c)
		s.free(realm, news, ann)
		c.EffectiveAt = time.Now().Add(-2 * time.Hour)
		s.optOut(c)
		s.blocked(realm, news, ann)
	}},
	{"every field comes back", func(t *testing.T, s fixture) {
		full := optoutstore.Change{
			Pair:        pair(realm, "+ müller/é", ann),
			EffectiveAt: time.Date(2020, 2, 29, 12, 0, 0, 1000, time.UTC),
			Source:      optoutstore.SourceImport,
			Remote:      "[2001:db8::1%eth0]:5060",
			RequestID:   "0b6f1f3e-6a5b-4f0e-9c55-0d3a5a4c0e11",
			Actor:       "Zoë <zoe@example.com>",
			Reason:      "line one\nline two\x00 \"quoted\" \\ \xff \u2028 ",
		}
		bare := optoutstore.Change{Pair: pair(realm, news, ann)}
		longest := optoutstore.Change{
			Pair:      pair(strings.Repeat("r", MaxRealm), phone.Sender(strings.Repeat("s", MaxSender)), number("123456789012345")),
			Source:    optoutstore.Source(strings.Repeat("o", MaxSource)),
			Remote:    strings.Repeat("m", MaxRemote),
			RequestID: strings.Repeat("q", MaxRequestID),
			Actor:     strings.Repeat("a", MaxActor),
			Reason:    strings.Repeat("\u20ac", MaxReason/3) + "x",
		}
		shortest := optoutstore.Change{Pair: pair("r", "s", number("0"))}
		for _, c := range []optoutstore.Change{full, bare, longest, shortest} {
			out, back := s.optOut(c), s.lift(c)
			for _, e := range []optoutstore.Event{out, back} {
				want := e
				want.Change = c
				if want.EffectiveAt.IsZero() {
					want.EffectiveAt = e.RecordedAt
				}
				if !sameEvent(e, want) {
					t.Errorf("event %+v\nof change %+v", e, c)
				}
			}
			got := s.history(c.Phone)
			if n := len(got); n < 2 || !sameEvent(got[n-2], out) || !sameEvent(got[n-1], back) {
				t.Errorf("history %+v\nwant at its end %+v\n%+v", got, out, back)
			}
		}
	}},
}
