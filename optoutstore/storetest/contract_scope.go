package storetest

import (
	"strings"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// scopeTests: what an opt-out covers.
var scopeTests = []subtest{
	{"an empty store covers nothing", func(t *testing.T, s fixture) {
		s.free(realm, news, ann)
		s.free(realm, "", ann)
		s.free(optoutstore.AnyRealm, phone.AnySender, ann)
	}},
	{"a pair covers itself", func(t *testing.T, s fixture) {
		e := s.optOut(change(realm, news, ann))
		s.blocked(realm, news, ann)
		s.blocked(realm, "", ann)
		s.free(realm, shop, ann)
		s.free(realm, phone.AnySender, ann)
		s.free(realm, news, bob)
		s.free(otherRealm, news, ann)
		s.free(otherRealm, "", ann)
		s.free(optoutstore.AnyRealm, news, ann)
		if got, _ := s.lookup(query(realm, news, ann)); !sameState(got, stateOf(e)) {
			t.Errorf("Lookup = %+v after %+v", got, e)
		}
	}},
	{"sender * covers every sender of its realm", func(t *testing.T, s fixture) {
		s.optOut(change(realm, phone.AnySender, ann))
		s.blocked(realm, news, ann)
		s.blocked(realm, shop, ann)
		s.blocked(realm, phone.AnySender, ann)
		s.blocked(realm, "", ann)
		s.free(realm, news, bob)
		s.free(otherRealm, news, ann)
		s.free(otherRealm, "", ann)
	}},
	{"realm * covers its sender in every realm", func(t *testing.T, s fixture) {
		s.optOut(change(optoutstore.AnyRealm, news, ann))
		s.blocked(realm, news, ann)
		s.blocked(otherRealm, news, ann)
		s.blocked(realm, "", ann)
		s.blocked(optoutstore.AnyRealm, news, ann)
		s.free(realm, shop, ann)
		s.free(realm, news, bob)
	}},
	{"realm * and sender * cover all of a phone", func(t *testing.T, s fixture) {
		s.optOut(change(optoutstore.AnyRealm, phone.AnySender, ann))
		s.blocked(realm, news, ann)
		s.blocked(otherRealm, shop, ann)
		s.blocked(realm, "", ann)
		s.free(realm, news, bob)
		s.free(realm, "", bob)
	}},
	{"any of several phones and senders", func(t *testing.T, s fixture) {
		e := s.optOut(change(realm, news, ann))
		both := []phone.Sender{shop, news}
		for _, q := range []optoutstore.Query{
			{Realm: realm, Senders: both, Phones: []phone.Number{eve, bob, ann}},
			{Realm: realm, Senders: both, Phones: []phone.Number{ann, ann}},
			{Realm: realm, Phones: []phone.Number{bob, ann}},
		} {
			if got, found := s.lookup(q); !found || !sameState(got, stateOf(e)) {
				t.Errorf("Lookup of %v = %+v, %t", q, got, found)
			}
		}
		for _, q := range []optoutstore.Query{
			{Realm: realm, Senders: both, Phones: []phone.Number{eve, bob}},
			{Realm: realm, Senders: []phone.Sender{shop, "alerts"}, Phones: []phone.Number{eve, ann}},
			{Realm: otherRealm, Senders: both, Phones: []phone.Number{eve, bob, ann}},
			{Realm: realm, Phones: []phone.Number{eve, bob}},
		} {
			if got, found := s.lookup(q); found {
				t.Errorf("Lookup of %v = %+v", q, got)
			}
		}
	}},
	{"many phones in one query", func(t *testing.T, s fixture) {
		s.optOut(change(realm, news, ann))
		q := optoutstore.Query{Realm: realm, Senders: []phone.Sender{news}}
		for i := range 1000 {
			q.Phones = append(q.Phones, numbered(i))
		}
		if got, found := s.lookup(q); found {
			t.Errorf("Lookup = %+v", got)
		}
		q.Phones = append(q.Phones, ann)
		if _, found := s.lookup(q); !found {
			t.Error("the last of 1,001 phones was not looked up")
		}
	}},
	{"the wider scope stays when the narrower is lifted", func(t *testing.T, s fixture) {
		s.optOut(change(realm, news, ann))
		s.optOut(change(realm, phone.AnySender, ann))
		s.lift(change(realm, news, ann))
		s.blocked(realm, news, ann)
		s.blocked(realm, "", ann)
	}},
	{"the narrower scope stays when the wider is lifted", func(t *testing.T, s fixture) {
		s.optOut(change(realm, news, ann))
		for _, wide := range []optoutstore.Change{
			change(realm, phone.AnySender, ann),
			change(optoutstore.AnyRealm, news, ann),
			change(optoutstore.AnyRealm, phone.AnySender, ann),
		} {
			s.optOut(wide)
			s.lift(wide)
			s.blocked(realm, news, ann)
			s.blocked(realm, "", ann)
			s.free(realm, shop, ann)
		}
		s.lift(change(realm, news, ann))
		s.free(realm, news, ann)
		s.free(realm, "", ann)
	}},
	{"a name is not the beginning of another", func(t *testing.T, s fixture) {
		// realm begins with otherRealm, news with shop, ann with bob.
		s.optOut(change(realm, news, ann))
		s.optOut(change(otherRealm, shop, bob))
		for _, r := range []string{realm, otherRealm} {
			for _, sender := range []phone.Sender{news, shop, "", phone.AnySender} {
				for _, p := range []phone.Number{ann, bob} {
					long := r == realm && p == ann && (sender == news || sender == "")
					short := r == otherRealm && p == bob && (sender == shop || sender == "")
					if long || short {
						s.blocked(r, sender, p)
					} else {
						s.free(r, sender, p)
					}
				}
			}
			s.count(1, r, "")
			if got := s.states(optoutstore.Filter{Realm: r}); len(got) != 1 {
				t.Errorf("States of realm %q = %v", r, got)
			}
		}
		for _, p := range []phone.Number{ann, bob} {
			if got := s.history(p); len(got) != 1 {
				t.Errorf("history of %v = %v", p, got)
			}
		}
	}},
	{"names divided elsewhere are other names", func(t *testing.T, s fixture) {
		// Such names may be refused. They may not be confused.
		for _, sep := range []string{"", "\x00", "\x01", "\xff", "/", ":", "|", ",", "\n", "*"} {
			one := change("a"+sep+"b", phone.Sender("c"), ann)
			two := change("a", phone.Sender("b"+sep+"c"), ann)
			_, err := s.OptOut(t.Context(), one)
			if isInvalid(err) {
				continue
			}
			if err != nil {
				t.Fatalf("OptOut with %q: %v", sep, err)
			}
			s.blocked(one.Realm, one.Sender, ann)
			s.free(two.Realm, two.Sender, ann)
			s.count(0, two.Realm, two.Sender)
			s.count(0, two.Realm, "")
			if got := s.states(optoutstore.Filter{Realm: two.Realm}); len(got) != 0 {
				t.Errorf("with %q, States of realm %q = %v", sep, two.Realm, got)
			}
			s.lift(one)
		}
	}},
	{"letter case and spaces count", func(t *testing.T, s fixture) {
		// Making names canonical is for the caller.
		s.optOut(change(realm, "alerts", ann))
		s.free(strings.ToUpper(realm), "alerts", ann)
		s.free(realm, "Alerts", ann)
		s.free(realm, "alerts ", ann)
		s.free(realm+" ", "alerts", ann)
	}},
	{"an over-long name meets the wider scopes", func(t *testing.T, s fixture) {
		s.optOut(change(realm, phone.AnySender, ann))
		s.optOut(change(optoutstore.AnyRealm, news, bob))
		s.notFree(query(realm, phone.Sender(strings.Repeat("s", 5000)), ann))
		s.notFree(query(strings.Repeat("r", 70000), news, bob))
		s.notFree(query(strings.Repeat("r", 70000), "", bob))
	}},
	{"a query about nothing is not answered no", func(t *testing.T, s fixture) {
		s.notFree(optoutstore.Query{})
		s.notFree(optoutstore.Query{Realm: realm})
		s.notFree(optoutstore.Query{Realm: realm, Senders: []phone.Sender{news}})
		s.notFree(query("", news, ann))
		s.notFree(query(realm, news, phone.Number{}))
		s.notFree(optoutstore.Query{Realm: realm, Senders: []phone.Sender{news, ""}, Phones: []phone.Number{ann}})
		s.notFree(optoutstore.Query{Realm: realm, Phones: []phone.Number{ann, {}}})
	}},
}

// notFree checks that q finds an opt-out or is refused.
func (s fixture) notFree(q optoutstore.Query) {
	s.t.Helper()
	state, found, err := s.Lookup(s.t.Context(), q)
	if err == nil && !found {
		s.t.Errorf("Lookup of %.80v: no opt-out", q)
	}
	if err == nil && found && !covers(q, state) {
		s.t.Errorf("Lookup of %.80v found %v", q, state)
	}
}
