package storetest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
)

func TestFaultyContract(t *testing.T) {
	Contract(t, func(*testing.T) optoutstore.Store { return NewFaulty(NewModel()) })
}

func TestFaultyErr(t *testing.T) {
	s := NewFaulty(NewModel())
	s.Set(Fault{Err: optoutstore.ErrNoSpace})
	for name, err := range callAll(t.Context(), s) {
		if !errors.Is(err, optoutstore.ErrNoSpace) {
			t.Errorf("%s = %v", name, err)
		}
	}
	if n := s.Health().Events; n != 0 {
		t.Errorf("%d events were recorded", n)
	}
	s.Clear(MethodOptOut)
	if _, err := s.OptOut(t.Context(), change(realm, news, ann)); err != nil {
		t.Errorf("OptOut after Clear: %v", err)
	}
	if _, _, err := s.Lookup(t.Context(), query(realm, news, ann)); !errors.Is(err, optoutstore.ErrNoSpace) {
		t.Errorf("Lookup after Clear of another method: %v", err)
	}
	if out, look := s.Calls(MethodOptOut), s.Calls(MethodLookup); out != 3 || look != 3 {
		t.Errorf("%d calls of OptOut, %d of Lookup", out, look)
	}
}

func TestFaultyTimes(t *testing.T) {
	s := NewFaulty(NewModel())
	s.Set(Fault{Err: optoutstore.ErrBusy, Times: 2}, MethodLookup)
	for i, want := range []error{optoutstore.ErrBusy, optoutstore.ErrBusy, nil, nil} {
		if _, _, err := s.Lookup(t.Context(), query(realm, news, ann)); err != want {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
	}
}

func TestFaultyAfter(t *testing.T) {
	s := NewFaulty(NewModel())
	s.Set(Fault{After: true, Err: optoutstore.ErrUnavailable}, MethodOptOut)
	e, err := s.OptOut(t.Context(), change(realm, news, ann))
	if err != optoutstore.ErrUnavailable || e.Number != 0 {
		t.Errorf("OptOut = %v, %v", e, err)
	}
	if _, found, err := s.Lookup(t.Context(), query(realm, news, ann)); !found || err != nil {
		t.Errorf("Lookup = %t, %v", found, err)
	}
	if n := s.Health().Events; n != 1 {
		t.Errorf("%d events were recorded", n)
	}
}

func TestFaultyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewFaulty(NewModel())
		release := s.Block(MethodLookup)
		look := func(ctx context.Context) chan error {
			done := make(chan error, 1)
			go func() {
				_, _, err := s.Lookup(ctx, query(realm, news, ann))
				done <- err
			}()
			synctest.Wait()
			return done
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, second := look(ctx), look(t.Context())
		if n := s.Waiting(MethodLookup); n != 2 {
			t.Errorf("%d calls wait", n)
		}
		cancel()
		if err := <-first; err != context.Canceled {
			t.Errorf("a call whose context ended: %v", err)
		}
		release()
		release()
		if err := <-second; err != nil {
			t.Errorf("a call that was released: %v", err)
		}
		if err := <-look(t.Context()); err != nil || s.Waiting(MethodLookup) != 0 {
			t.Errorf("a call after the release: %v", err)
		}

		s.Set(Fault{Delay: time.Minute}, MethodLookup)
		begun := time.Now()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := s.Lookup(ctx, query(realm, news, ann)); err != context.DeadlineExceeded || time.Since(begun) != time.Second {
			t.Errorf("a slow call with a deadline: %v after %v", err, time.Since(begun))
		}
		begun = time.Now()
		if _, _, err := s.Lookup(t.Context(), query(realm, news, ann)); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("a slow call: %v after %v", err, time.Since(begun))
		}
	})
}

func TestFaultyHealth(t *testing.T) {
	s := NewFaulty(NewModel())
	down := optoutstore.Health{Readable: true, Reason: "the disk is full"}
	s.SetHealth(&down)
	if h := s.Health(); h != down {
		t.Errorf("health %+v", h)
	}
	s.SetHealth(nil)
	if h := s.Health(); !h.Writable || s.Calls(MethodHealth) != 2 {
		t.Errorf("health %+v after %d calls", h, s.Calls(MethodHealth))
	}
}
