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
	events, end, err := eventsOf(t.Context(), r.store, optoutstore.Place{})
	if err != nil || end.Number() != uint64(len(events)) {
		t.Fatalf("Events: %v, %d events up to %d", err, len(events), end.Number())
	}
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
		check := checkChange
		if e.Kind == optoutstore.RelayFrom {
			check = checkRealmChange
		}
		if !ok || check(c) != nil || !sameEvent(e, want) {
			t.Fatalf("nobody asked for %+v", e)
		}
	}
	r.remember(t, events)
	r.compare(t)
}

// compare checks that the store answers every question as the model does.
func (r *run) compare(t *rapid.T) {
	r.comparePhones(t, phones)
	if err := r.store.Verify(t.Context(), nil); err != nil {
		t.Fatalf("Verify: %v", err)
	}
	r.compareStats(t)
	for _, realm := range realms {
		want, wantSet, _ := r.model.RelayFrom(t.Context(), realm)
		if got, set, err := r.store.RelayFrom(t.Context(), realm); err != nil || got != want || set != wantSet {
			t.Fatalf("RelayFrom(%q) = %d, %t, %v; want %d, %t", realm, got, set, err, want, wantSet)
		}
	}
	for _, f := range []optoutstore.Filter{
		{},
		{Realm: realm},
		{Realm: otherRealm, Lifted: true},
		{Realm: optoutstore.AnyRealm},
		{Sender: news, Lifted: true},
		{Realm: realm, Sender: phone.AnySender},
		{After: pair(realm, news, ann), Lifted: true},
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
			want, _ = r.model.Untold(t.Context(), realm, sender)
			if got, err := r.store.Untold(t.Context(), realm, sender); err != nil || got != want {
				t.Fatalf("Untold(%q, %q) = %d, %v; want %d", realm, sender, got, err, want)
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
	h.LastWrite, h.FreeSpace, h.InMemory = time.Time{}, 0, false // they depend on time and disk
	if want := (optoutstore.Health{Readable: true, Writable: true, Events: n, Applied: n}); h != want {
		t.Fatalf("health %+v, want %+v", h, want)
	}
}

func (r *run) compareStats(t *rapid.T) {
	want, _ := r.model.Stats(t.Context())
	got, err := r.store.Stats(t.Context())
	if err != nil || got.Events != want.Events || got.InForce != want.InForce || got.Untold != want.Untold ||
		!slices.Equal(got.Senders, want.Senders) || !got.Oldest.Equal(want.Oldest) || !got.Newest.Equal(want.Newest) {
		t.Fatalf("Stats: %+v, %v\nwant\n%+v", got, err, want)
	}
}

func (r *run) compareStates(t *rapid.T, f optoutstore.Filter) {
	want, _ := statesOf(t.Context(), r.model, f)
	if got, err := statesOf(t.Context(), r.store, f); err != nil || !maps.EqualFunc(got, want, sameState) {
		t.Fatalf("States of %+v: %v, %v\nwant\n%v", f, got, err, want)
	}
	for _, state := range want {
		detail, err := r.store.Detail(t.Context(), state)
		if err != nil || !sameEvent(detail, r.model.All()[state.Number-1]) {
			t.Fatalf("Detail of %+v: %+v, %v", state, detail, err)
		}
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
