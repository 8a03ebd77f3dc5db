package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
)

// importTests: many opt-outs at once.
var importTests = []subtest{
	{"import", func(t *testing.T, s fixture) {
		first := s.optOut(change(realm, news, ann))
		at := time.Date(2020, 2, 29, 12, 0, 0, 123456789, time.UTC)
		changes := []optoutstore.Change{
			change(realm, news, ann), // in force
			change(realm, news, bob),
			change(realm, shop, ann),
			change(realm, news, bob), // twice in it
			change(otherRealm, news, bob),
		}
		changes[1].EffectiveAt, changes[1].Source, changes[1].Reason = at, optoutstore.SourceImport, "a list"
		got := s.imports(changes...)
		wantKnown(t, got, true, false, false, true, false)
		want := optoutstore.Event{Change: changes[1], Number: 2, Kind: optoutstore.OptedOut, RecordedAt: got[1].Event.RecordedAt}
		want.EffectiveAt = stored(at)
		if !sameEvent(got[1].Event, want) {
			t.Errorf("imported %+v, want %+v", got[1].Event, want)
		}
		s.sameEvents(first, got[1].Event, got[2].Event, got[4].Event)
		s.blocked(realm, news, bob)
		s.count(3, realm, "")
		s.untold(3, realm, "")
		wantKnown(t, s.imports(changes...), true, true, true, true, true)
		s.sameEvents(first, got[1].Event, got[2].Event, got[4].Event)
		s.sound()
	}},
	{"import of what was lifted", func(t *testing.T, s fixture) {
		lifted := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
		for name, tc := range map[string]struct {
			at    time.Time
			known bool
		}{
			"before the lift":          {lifted.Add(-time.Hour), true},
			"in the lift's time":       {lifted, true},
			"in its microsecond":       {lifted.Add(999), true},
			"a microsecond behind it":  {lifted.Add(time.Microsecond), false},
			"a year behind it":         {lifted.AddDate(1, 0, 0), false},
			"at no time, which is now": {time.Time{}, false},
		} {
			c := change(realm, news, ann)
			s.optOut(c)
			c.EffectiveAt = lifted
			s.lift(c)
			c.EffectiveAt = tc.at
			got := s.imports(c)
			if len(got) != 1 || got[0].Known != tc.known {
				t.Errorf("%s: %+v", name, got)
			}
			if tc.known {
				s.free(realm, news, ann)
			} else {
				s.blocked(realm, news, ann)
				s.lift(change(realm, news, ann))
			}
		}
	}},
	{"import of what the backend was told of", func(t *testing.T, s fixture) {
		c := change(realm, news, ann)
		s.optOut(c)
		s.tell(c)
		wantKnown(t, s.imports(c), true)
		s.untold(0, realm, news)
		s.lift(c)
		wantKnown(t, s.imports(c), false)
		s.untold(1, realm, news)
	}},
	{"import of none and of many", func(t *testing.T, s fixture) {
		if got := s.imports(); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		var changes []optoutstore.Change
		for i := range optoutstore.MaxImport {
			changes = append(changes, change(realm, news, numbered(i)))
		}
		got := s.imports(changes...)
		for i, r := range got {
			if r.Known || r.Event.Number != uint64(i+1) || r.Event.Phone != changes[i].Phone {
				t.Fatalf("change %d: %+v", i, r)
			}
		}
		s.count(optoutstore.MaxImport, realm, news)
		results, err := s.Import(t.Context(), append(changes, change(realm, news, ann)))
		if !isInvalid(err) || results != nil {
			t.Errorf("one more than fits: %v", err)
		}
		s.free(realm, news, ann)
	}},
	{"import of one that cannot be stored", func(t *testing.T, s fixture) {
		changes := []optoutstore.Change{change(realm, news, ann), change(realm, news, bob), change(realm, "", eve)}
		results, err := s.Import(t.Context(), changes)
		if !isInvalid(err) || results != nil || !strings.Contains(err.Error(), "3") {
			t.Errorf("Import = %+v, %v", results, err)
		}
		if n := s.Health().Events; n != 0 {
			t.Errorf("%d events", n)
		}
		s.free(realm, news, ann)
	}},
	{"imports and changes at once", func(t *testing.T, s fixture) {
		var tell recorder
		together(12, func(i int) {
			for range 5 {
				switch i % 4 {
				case 0, 1:
					var changes []optoutstore.Change
					for j := range 20 {
						c := change(realm, news, numbered(j))
						c.RequestID = fmt.Sprint(i)
						changes = append(changes, c)
					}
					results, err := s.Import(t.Context(), changes)
					if err != nil {
						t.Errorf("Import: %v", err)
					}
					for _, r := range results {
						if !r.Known {
							tell.add(r.Event)
						}
					}
				case 2:
					tell.add(s.tryEvent(s.OptOut(t.Context(), change(realm, news, numbered(i)))))
				case 3:
					e, err := s.Lift(t.Context(), change(realm, news, numbered(i)), 0)
					if err == nil {
						tell.add(e)
					} else if !errors.Is(err, optoutstore.ErrNotOptedOut) {
						t.Errorf("Lift: %v", err)
					}
				}
			}
		})
		s.accounts(tell.events)
		s.sound()
	}},
}

func (s fixture) imports(changes ...optoutstore.Change) []optoutstore.Imported {
	s.t.Helper()
	results, err := s.Import(s.t.Context(), changes)
	if err != nil || len(results) != len(changes) {
		s.t.Fatalf("Import of %d = %d, %v", len(changes), len(results), err)
	}
	for _, r := range results {
		if r.Known != (r.Event == optoutstore.Event{}) {
			s.t.Errorf("Import returned %+v", r)
		}
	}
	return results
}

func wantKnown(t *testing.T, got []optoutstore.Imported, want ...bool) {
	t.Helper()
	for i := range want {
		if got[i].Known != want[i] {
			t.Errorf("result %d: %+v, want known %t", i, got[i], want[i])
		}
	}
}
