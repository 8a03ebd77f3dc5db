package storetest

import (
	"maps"
	"slices"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"pgregory.net/rapid"
)

// reconcile checks that the store holds the events of the model and those that
// landed, and beyond them only what was asked for; makes the model follow; and
// compares the two.
func (r *run) reconcile(t *rapid.T, asked []optoutstore.Change, landed []optoutstore.Event) {
	var events []optoutstore.Event
	for _, p := range phones {
		history, err := historyOf(t.Context(), r.store, p)
		if err != nil {
			t.Fatalf("History: %v", err)
		}
		if !slices.IsSortedFunc(history, byNumber) {
			t.Fatalf("history out of order: %v", history)
		}
		events = append(events, history...)
	}
	slices.SortFunc(events, byNumber)
	for _, e := range slices.Concat(r.model.All(), landed) {
		if e.Number > uint64(len(events)) || !sameEvent(events[e.Number-1], e) {
			t.Fatalf("lost: %+v\nof\n%+v", e, events)
		}
	}
	wanted := make(map[string]optoutstore.Change)
	for _, c := range asked {
		wanted[c.RequestID] = c
	}
	for _, e := range events[len(r.model.All()):] {
		c, ok := wanted[e.RequestID]
		delete(wanted, e.RequestID)
		c.EffectiveAt = stored(c.EffectiveAt)
		if c.EffectiveAt.IsZero() {
			c.EffectiveAt = e.RecordedAt
		}
		want := e
		want.Change = c
		if !ok || checkChange(c) != nil || !sameEvent(e, want) {
			t.Fatalf("nobody asked for %+v", e)
		}
	}
	r.remember(t, events)
	r.compare(t)
}

// compare checks that the store answers every question as the model does.
func (r *run) compare(t *rapid.T) {
	r.comparePhones(t, phones)
	for _, f := range []optoutstore.Filter{
		{},
		{Realm: realm},
		{Realm: otherRealm, Lifted: true},
		{Realm: optoutstore.AnyRealm},
		{Sender: news, Lifted: true},
		{Realm: realm, Sender: phone.AnySender},
	} {
		r.compareStates(t, f)
	}
}

// compareSome is compare with fewer questions, for after each change.
func (r *run) compareSome(t *rapid.T) {
	r.comparePhones(t, []phone.Number{rapid.SampledFrom(phones).Draw(t, "phone to compare")})
}

// comparePhones compares all there is about some phones, and counts of all.
func (r *run) comparePhones(t *rapid.T, phones []phone.Number) {
	inForce, _ := statesOf(t.Context(), r.model, optoutstore.Filter{})
	for _, realm := range append(realms, "elsewhere") {
		for _, sender := range append(senders, "", "alerts") {
			for _, p := range phones {
				r.compareLookup(t, query(realm, sender, p), inForce)
			}
			want, _ := r.model.InForce(t.Context(), realm, sender)
			if got, err := r.store.InForce(t.Context(), realm, sender); err != nil || got != want {
				t.Fatalf("InForce(%q, %q) = %d, %v; want %d", realm, sender, got, err, want)
			}
		}
	}
	for _, p := range phones {
		r.compareStates(t, optoutstore.Filter{Phone: p, Lifted: true})
		want, _ := historyOf(t.Context(), r.model, p)
		if got, err := historyOf(t.Context(), r.store, p); err != nil || !slices.EqualFunc(got, want, sameEvent) {
			t.Fatalf("history of %v: %+v, %v\nwant\n%+v", p, got, err, want)
		}
	}
	n := uint64(len(r.model.All()))
	h := r.store.Health()
	h.LastWrite, h.FreeSpace = time.Time{}, 0
	if want := (optoutstore.Health{Readable: true, Writable: true, Events: n, Applied: n}); h != want {
		t.Fatalf("health %+v, want %+v", h, want)
	}
}

func (r *run) compareStates(t *rapid.T, f optoutstore.Filter) {
	want, _ := statesOf(t.Context(), r.model, f)
	if got, err := statesOf(t.Context(), r.store, f); err != nil || !maps.EqualFunc(got, want, sameState) {
		t.Fatalf("States of %+v: %v, %v\nwant\n%v", f, got, err, want)
	}
}

// compareLookup checks a lookup, given the model's states in force.
func (r *run) compareLookup(t *rapid.T, q optoutstore.Query, inForce map[optoutstore.Pair]optoutstore.State) {
	_, want, _ := r.model.Lookup(t.Context(), q)
	state, got, err := r.store.Lookup(t.Context(), q)
	if err != nil || got != want {
		t.Fatalf("Lookup of %+v = %v, %t, %v; want %t", q, state, got, err, want)
	}
	if !got {
		return
	}
	if !covers(q, state) || !sameState(state, inForce[state.Pair]) {
		t.Fatalf("Lookup of %+v = %+v, where the pair stands at %+v", q, state, inForce[state.Pair])
	}
}
