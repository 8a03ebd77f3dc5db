package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

func isClosed(err error) bool  { return errors.Is(err, optoutstore.ErrClosed) }
func isInvalid(err error) bool { return errors.Is(err, optoutstore.ErrInvalid) }

// refusalTests: bad input, contexts that have ended, closed stores.
var refusalTests = []subtest{
	{"changes that cannot be stored", func(t *testing.T, s fixture) {
		good := change(realm, news, ann)
		s.optOut(good)
		for name, spoil := range map[string]func(*optoutstore.Change){
			"nothing":             func(c *optoutstore.Change) { *c = optoutstore.Change{} },
			"no realm":            func(c *optoutstore.Change) { c.Realm = "" },
			"no sender":           func(c *optoutstore.Change) { c.Sender = "" },
			"no phone":            func(c *optoutstore.Change) { c.Phone = phone.Number{} },
			"over-long realm":     func(c *optoutstore.Change) { c.Realm = strings.Repeat("r", MaxRealm+1) },
			"over-long sender":    func(c *optoutstore.Change) { c.Sender = phone.Sender(strings.Repeat("5", MaxSender+1)) },
			"over-long source":    func(c *optoutstore.Change) { c.Source = optoutstore.Source(strings.Repeat("o", MaxSource+1)) },
			"over-long remote":    func(c *optoutstore.Change) { c.Remote = strings.Repeat("1", MaxRemote+1) },
			"over-long request":   func(c *optoutstore.Change) { c.RequestID = strings.Repeat("q", MaxRequestID+1) },
			"over-long actor":     func(c *optoutstore.Change) { c.Actor = strings.Repeat("a", MaxActor+1) },
			"over-long reason":    func(c *optoutstore.Change) { c.Reason = strings.Repeat("e", MaxReason+1) },
			"reason of 70,000":    func(c *optoutstore.Change) { c.Reason = strings.Repeat("e", 70_000) },
			"reason of a million": func(c *optoutstore.Change) { c.Reason = strings.Repeat("e", 1_000_000) },
		} {
			c := good
			spoil(&c)
			for _, call := range []func(context.Context, optoutstore.Change) (optoutstore.Event, error){s.OptOut, s.liftAny} {
				e, err := call(t.Context(), c)
				if !isInvalid(err) {
					t.Errorf("%s: %+.200v, %v", name, e, err)
					continue
				}
				if leaks(err, ann) {
					t.Errorf("%s: the error holds the phone: %v", name, err)
				}
				if len(err.Error()) > 300 {
					t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
				}
			}
		}
		if h := s.Health(); h.Events != 1 || !h.Writable {
			t.Errorf("health after changes that were refused: %+v", h)
		}
		s.blocked(realm, news, ann)
	}},
	{"a context that has ended", func(t *testing.T, s fixture) {
		s.optOut(change(realm, news, ann))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, err := range callAll(ctx, s) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s = %v", name, err)
			}
			if err != nil && leaks(err, ann) {
				t.Errorf("%s: the error holds the phone: %v", name, err)
			}
		}
		ctx, cancel = context.WithTimeout(t.Context(), 0)
		defer cancel()
		for name, err := range callAll(ctx, s) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s = %v", name, err)
			}
		}
		// Neither was recorded, then or later.
		if e := s.optOut(change(realm, news, bob)); e.Number != 2 {
			t.Errorf("event %+v, want number 2", e)
		}
		s.blocked(realm, news, ann)
		s.free(realm, news, eve)
	}},
	{"a context that ends while it is walked", func(t *testing.T, s fixture) {
		for i := range 50 {
			s.optOut(change(realm, news, numbered(i)))
			s.optOut(change(realm, news, ann))
		}
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		err := s.States(ctx, optoutstore.Filter{}, func(optoutstore.State) error { calls++; cancel(); return nil })
		if !errors.Is(err, context.Canceled) || calls == 51 {
			t.Errorf("States = %v after %d calls", err, calls)
		}
		ctx, cancel = context.WithCancel(t.Context())
		calls = 0
		err = s.History(ctx, ann, func(optoutstore.Event) error { calls++; cancel(); return nil })
		if !errors.Is(err, context.Canceled) || calls == 50 {
			t.Errorf("History = %v after %d calls", err, calls)
		}
	}},
	{"closed", func(t *testing.T, s fixture) {
		s.optOut(change(realm, news, ann))
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		for name, err := range callAll(t.Context(), s) {
			if !isClosed(err) {
				t.Errorf("%s = %v", name, err)
			}
			if err != nil && leaks(err, ann) {
				t.Errorf("%s: the error holds the phone: %v", name, err)
			}
		}
		if h := s.Health(); h.Readable || h.Writable || h.Reason == "" {
			t.Errorf("health of a closed store: %+v", h)
		}
		if err := s.Close(); err != nil && !isClosed(err) {
			t.Errorf("second Close: %v", err)
		}
	}},
	{"errors hold no phone", func(t *testing.T, s fixture) {
		c := change(realm, phone.Sender(ann.Digits()), ann)
		var errs []error
		_, err := s.Lift(t.Context(), c, 0)
		errs = append(errs, err)
		c.Reason = strings.Repeat(ann.Digits(), 200)
		_, err = s.OptOut(t.Context(), c)
		errs = append(errs, err)
		_ = s.Close()
		for _, err := range callAll(t.Context(), s) {
			errs = append(errs, err)
		}
		for _, err := range errs {
			if err == nil {
				t.Error("no error")
			} else if leaks(err, ann) || leaks(fmt.Errorf("%+v %#v", err, err), ann) {
				t.Errorf("the error holds the phone: %v", err)
			}
		}
	}},
}

// callAll calls every method that returns an error but Close, about pairs of ann
// and of eve, and returns the errors by method.
func callAll(ctx context.Context, s optoutstore.Store) map[string]error {
	errs := make(map[string]error)
	_, _, errs["Lookup"] = s.Lookup(ctx, query(realm, news, ann))
	_, _, errs["Lookup of any sender"] = s.Lookup(ctx, query(realm, "", ann))
	_, errs["InForce"] = s.InForce(ctx, realm, news)
	_, errs["InForce of any sender"] = s.InForce(ctx, realm, "")
	_, errs["OptOut"] = s.OptOut(ctx, change(realm, news, eve))
	_, errs["OptOut again"] = s.OptOut(ctx, change(realm, news, ann))
	_, errs["Lift"] = s.Lift(ctx, change(realm, news, ann), 0)
	_, errs["Import"] = s.Import(ctx, []optoutstore.Change{change(realm, news, eve)})
	_, errs["Import of none"] = s.Import(ctx, nil)
	_, errs["Told"] = s.Told(ctx, change(realm, news, ann), 1)
	_, errs["Untell"] = s.Untell(ctx, change(realm, news, ann))
	_, errs["Untold"] = s.Untold(ctx, realm, news)
	errs["SetRelayFrom"] = s.SetRelayFrom(ctx, optoutstore.Change{Pair: optoutstore.Pair{Realm: realm}}, 0)
	_, _, errs["RelayFrom"] = s.RelayFrom(ctx, realm)
	_, errs["Detail"] = s.Detail(ctx, optoutstore.State{Pair: pair(realm, news, ann), Number: 1})
	_, errs["Events"] = s.Events(ctx, optoutstore.Place{}, func(optoutstore.Event, optoutstore.Place) error { return nil })
	errs["Wait"] = s.Wait(ctx, 0)
	_, errs["Stats"] = s.Stats(ctx)
	errs["Verify"] = s.Verify(ctx, nil)
	errs["States"] = s.States(ctx, optoutstore.Filter{}, func(optoutstore.State) error { return nil })
	errs["States of a phone"] = s.States(ctx, optoutstore.Filter{Phone: ann}, func(optoutstore.State) error { return nil })
	errs["History"] = s.History(ctx, ann, func(optoutstore.Event) error { return nil })
	return errs
}
