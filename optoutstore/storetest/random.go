package storetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"pgregory.net/rapid"
)

// Keeper opens the stores of a directory, for [Random].
type Keeper struct {
	// Open opens the store in dir, which is a new and empty directory the first
	// time. The store may be busy with recovery: Random waits until Health says
	// that it is readable and writable.
	Open func(dir string) (optoutstore.Store, error)

	// Crash ends s, the store open in dir, without letting it finish anything,
	// and returns the directory that holds what was on disk then: dir itself, or
	// a copy made while s was open. It is called with changes under way. When it
	// returns, s writes to that directory no more, and has released its files and
	// locks; calls under way return at the latest when their ctx ends.
	//
	// Without Crash the store is only ever closed.
	Crash func(s optoutstore.Store, dir string) (string, error)

	// Root is the directory in which Random makes the stores'; empty for one of the
	// test's own.
	Root string

	// Runs is how many runs Random makes, of some 30 steps each, a third of which
	// open the store again. Zero, and -rapid.checks where it is given, leave that
	// to package rapid.
	Runs int
}

// Random does random things to a store and holds it to the [Model], over a small
// set of realms, senders and phones, so that they meet. In between it closes the
// store or crashes it, both also with changes under way, and opens it again:
// every event that a call returned must then be there, the others may be, and
// all must be answered for by a change that was asked for.
//
// The flags of package rapid say how often and how long, and repeat what failed:
// -rapid.checks, -rapid.steps, -rapid.seed, -rapid.failfile.
func Random(t *testing.T, k Keeper) {
	root := k.Root
	if root == "" {
		root = t.TempDir()
	}
	runs, failed := 0, false
	if f := flag.Lookup("rapid.checks"); f.Value.String() != f.DefValue {
		k.Runs = 0
	}
	rapid.Check(t, func(t *rapid.T) {
		// Once a run has failed, further ones look for a shorter one that does.
		if k.Runs > 0 && runs >= k.Runs && !failed {
			return
		}
		defer func() { failed = failed || t.Failed() }()
		runs++
		dir := filepath.Join(root, fmt.Sprint(runs))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		r := &run{keeper: k, dir: dir, model: NewModel()}
		r.open(t)
		defer func() {
			if r.store != nil {
				_ = r.store.Close()
			}
			_ = os.RemoveAll(dir)
			_ = os.RemoveAll(r.dir)
		}()
		actions := map[string]func(*rapid.T){
			"change":  r.changes,
			"look up": r.lookup,
			"close":   r.close,
			"":        r.compareSome,
		}
		if k.Crash != nil {
			actions["crash"] = r.crash
		}
		t.Repeat(actions)
		r.close(t)
	})
}

// The universe of Random.
var (
	realms  = []string{realm, otherRealm, optoutstore.AnyRealm}
	senders = []phone.Sender{news, shop, phone.AnySender}
	phones  = []phone.Number{ann, bob, eve, number("1206")}
)

// run is one run of Random.
type run struct {
	keeper Keeper
	dir    string
	store  optoutstore.Store
	model  *Model
	asked  int // changes so far, for their request IDs
}

// open opens the store and waits until it has recovered.
func (r *run) open(t *rapid.T) {
	store, err := r.keeper.Open(r.dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	r.store = store
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		h := store.Health()
		if h.Readable && h.Writable {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not ready after opening: %+v", h)
		}
	}
}

func drawChange(t *rapid.T) optoutstore.Change {
	c := optoutstore.Change{
		Pair: pair(
			rapid.SampledFrom(realms).Draw(t, "realm"),
			rapid.SampledFrom(senders).Draw(t, "sender"),
			rapid.SampledFrom(phones).Draw(t, "phone"),
		),
		Source: rapid.SampledFrom([]optoutstore.Source{
			optoutstore.SourceAPIWeb, optoutstore.SourceCLI, optoutstore.SourceAdmin, optoutstore.SourceImport, "",
		}).Draw(t, "source"),
		Remote: rapid.SampledFrom([]string{"", "192.0.2.1", "2001:db8::1"}).Draw(t, "remote"),
		Actor:  rapid.StringN(-1, 8, -1).Draw(t, "actor"),
		Reason: rapid.StringN(-1, 16, -1).Draw(t, "reason"),
	}
	if rapid.Bool().Draw(t, "dated") {
		c.EffectiveAt = time.Unix(
			rapid.Int64Range(0, 4e9).Draw(t, "effective at"), rapid.Int64Range(0, 999_999_999).Draw(t, "and"))
	}
	if rapid.IntRange(0, 19).Draw(t, "spoilt") == 7 {
		rapid.SampledFrom([]func(){
			func() { c.Realm = "" },
			func() { c.Sender = "" },
			func() { c.Phone = phone.Number{} },
			func() { c.Reason = string(make([]byte, MaxReason+1)) },
		}).Draw(t, "how")()
	}
	return c
}

// ask is a change that no other equals.
func (r *run) ask(t *rapid.T) optoutstore.Change {
	c := drawChange(t)
	r.asked++
	c.RequestID = fmt.Sprint(r.asked)
	return c
}

// call asks a store for something, and returns what was recorded.
type call func(context.Context, optoutstore.Store) ([]optoutstore.Event, error)

// one is a call that records at most one event.
func one(e optoutstore.Event, err error) ([]optoutstore.Event, error) {
	if err != nil || e.Number == 0 {
		return nil, err
	}
	return []optoutstore.Event{e}, nil
}

// drawCall draws a call, and the changes it asks for.
func (r *run) drawCall(t *rapid.T) (call, []optoutstore.Change) {
	c := r.ask(t)
	state := r.model.states[c.Pair]
	var do call
	switch rapid.SampledFrom([]string{
		"opt out", "opt out", "lift", "tell", "tell", "tell", "untell", "relay", "import",
	}).Draw(t, "call") {
	case "opt out":
		do = func(ctx context.Context, s optoutstore.Store) ([]optoutstore.Event, error) {
			return one(s.OptOut(ctx, c))
		}
	case "lift":
		// Some of an event that may be past.
		seen := rapid.SampledFrom([]uint64{0, 0, 1, 2, 5, state.Number, state.Last}).Draw(t, "seen")
		do = func(ctx context.Context, s optoutstore.Store) ([]optoutstore.Event, error) {
			return one(s.Lift(ctx, c, seen))
		}
	case "tell":
		seen := rapid.SampledFrom([]uint64{state.Last, state.Last, state.Last, state.Number, 0, 3}).Draw(t, "seen")
		do = func(ctx context.Context, s optoutstore.Store) ([]optoutstore.Event, error) {
			return one(s.Told(ctx, c, seen))
		}
	case "untell":
		do = func(ctx context.Context, s optoutstore.Store) ([]optoutstore.Event, error) {
			return one(s.Untell(ctx, c))
		}
	case "relay":
		c.Sender, c.Phone = "", phone.Number{}
		from := rapid.SampledFrom([]uint64{0, 1, uint64(len(r.model.events)), 1 << 40}).Draw(t, "from")
		do = func(ctx context.Context, s optoutstore.Store) ([]optoutstore.Event, error) {
			before := s.Health().Events
			if err := s.SetRelayFrom(ctx, c, from); err != nil {
				return nil, err
			}
			return relayEvent(ctx, s, c, before)
		}
	default:
		changes := []optoutstore.Change{c}
		for range rapid.IntRange(0, 5).Draw(t, "more") {
			changes = append(changes, r.ask(t))
		}
		do = func(ctx context.Context, s optoutstore.Store) ([]optoutstore.Event, error) {
			results, err := s.Import(ctx, changes)
			var events []optoutstore.Event
			for _, result := range results {
				if !result.Known {
					events = append(events, result.Event)
				}
			}
			return events, err
		}
		return do, changes
	}
	return do, []optoutstore.Change{c}
}

// relayEvent returns the event that a SetRelayFrom of c recorded behind before.
func relayEvent(ctx context.Context, s optoutstore.Store, c optoutstore.Change, before uint64) (found []optoutstore.Event, err error) {
	_, err = s.Events(ctx, optoutstore.PlaceAfter(before), func(e optoutstore.Event, _ optoutstore.Place) error {
		if e.Kind == optoutstore.RelayFrom && e.RequestID == c.RequestID {
			found = append(found, e)
		}
		return nil
	})
	if err == nil && len(found) != 1 {
		err = errors.New("what SetRelayFrom recorded is not there")
	}
	return found, err
}

func (r *run) changes(t *rapid.T) {
	for range rapid.IntRange(1, 6).Draw(t, "changes") {
		r.change(t)
	}
}

func (r *run) change(t *rapid.T) {
	do, asked := r.drawCall(t)
	before := r.model.All()
	want, wantErr := do(t.Context(), r.model)
	got, err := do(t.Context(), r.store)
	if !sameError(err, wantErr) {
		t.Fatalf("change %+v: %v, want %v", asked, err, wantErr)
	}
	if len(got) != len(want) {
		t.Fatalf("change %+v: %d events, want %d", asked, len(got), len(want))
	}
	dated := make(map[string]bool)
	for _, c := range asked {
		dated[c.RequestID] = !c.EffectiveAt.IsZero()
	}
	for i := range got {
		if got[i].RecordedAt.Sub(want[i].RecordedAt).Abs() > time.Minute {
			t.Fatalf("recorded at %v, want %v", got[i].RecordedAt, want[i].RecordedAt)
		}
		// The two clocks were read at different times; the store's counts.
		want[i].RecordedAt = got[i].RecordedAt
		if !dated[got[i].RequestID] {
			want[i].EffectiveAt = got[i].RecordedAt
		}
		if !sameEvent(got[i], want[i]) {
			t.Fatalf("change %+v:\n%+v\nwant\n%+v", asked, got[i], want[i])
		}
	}
	if len(got) > 0 {
		r.remember(t, append(before, got...))
	}
}

// remember makes events what happened.
func (r *run) remember(t *rapid.T, events []optoutstore.Event) {
	model, err := Replay(events)
	if err != nil {
		t.Fatalf("events that cannot be: %v", err)
	}
	r.model = model
}

// sameError reports whether a store's error is of the model's kind.
func sameError(got, want error) bool {
	for _, kind := range []error{optoutstore.ErrInvalid, optoutstore.ErrNotOptedOut, optoutstore.ErrChanged} {
		if errors.Is(want, kind) {
			return errors.Is(got, kind)
		}
	}
	return (got == nil) == (want == nil)
}

func (r *run) lookup(t *rapid.T) {
	inForce, _ := statesOf(t.Context(), r.model, optoutstore.Filter{})
	r.compareLookup(t, optoutstore.Query{
		Realm:   rapid.SampledFrom(realms).Draw(t, "realm"),
		Senders: rapid.SliceOfN(rapid.SampledFrom(senders), 0, 4).Draw(t, "senders"),
		Phones:  rapid.SliceOfN(rapid.SampledFrom(phones), 1, 5).Draw(t, "phones"),
	}, inForce)
}

func (r *run) close(t *rapid.T) {
	flight := r.depart(t)
	if err := r.store.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	flight.returned.Wait()
	flight.cancel()
	r.store = nil
	r.open(t)
	r.reconcile(t, flight.asked, flight.landed())
}

func (r *run) crash(t *rapid.T) {
	flight := r.depart(t)
	// What returned before the crash must have survived it. What returns while it
	// happens may have.
	landed := flight.landed()
	dir, err := r.keeper.Crash(r.store, r.dir)
	flight.cancel()
	r.store = nil
	flight.returned.Wait()
	if err != nil {
		t.Fatalf("Crash: %v", err)
	}
	if dir != r.dir {
		_ = os.RemoveAll(r.dir)
		r.dir = dir
	}
	r.open(t)
	r.reconcile(t, flight.asked, landed)
}

// flight is changes under way.
type flight struct {
	asked    []optoutstore.Change
	cancel   context.CancelFunc
	returned sync.WaitGroup
	acks     recorder
}

// landed returns the events that calls have returned so far.
func (f *flight) landed() []optoutstore.Event {
	f.acks.mu.Lock()
	defer f.acks.mu.Unlock()
	return slices.Clone(f.acks.events)
}

// depart starts up to eight changes, and returns when they may be anywhere.
func (r *run) depart(t *rapid.T) *flight {
	ctx, cancel := context.WithCancel(t.Context())
	f := &flight{cancel: cancel}
	store := r.store
	for range rapid.IntRange(0, 8).Draw(t, "changes under way") {
		do, asked := r.drawCall(t)
		f.asked = append(f.asked, asked...)
		f.returned.Go(func() {
			events, err := do(ctx, store)
			if err != nil {
				return
			}
			for _, e := range events {
				f.acks.add(e)
			}
		})
	}
	if len(f.asked) > 0 {
		time.Sleep(time.Duration(rapid.IntRange(0, 3000).Draw(t, "microseconds")) * time.Microsecond)
	}
	return f
}
