package storetest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
)

// Method is a method of [optoutstore.Store].
type Method int

// The methods that a [Faulty] counts and makes fail.
const (
	MethodLookup Method = iota
	MethodInForce
	MethodOptOut
	MethodLift
	MethodImport
	MethodTold
	MethodUntell
	MethodUntold
	MethodSetRelayFrom
	MethodRelayFrom
	MethodStates
	MethodHistory
	MethodDetail
	MethodEvents
	MethodWait
	MethodStats
	MethodVerify
	MethodHealth // the first of those that a fault is only set for by name
	MethodClose
	methods
)

// Fault is what a method does other than its work. The parts of it happen in the
// order of the fields; each is optional.
type Fault struct {
	// After makes the method do its work before the rest of the fault, rather
	// than not at all where Err is set: an opt-out is recorded, but the caller
	// does not hear of it.
	After bool
	// Delay is how long the call waits.
	Delay time.Duration
	// Until is what the call then waits for: a channel that is closed.
	Until <-chan struct{}
	// Err is what the call then returns.
	Err error
	// Times is how many calls the fault is for; zero means all.
	Times int
}

// Faulty is a Store that passes calls on to another, counts them, and fails or
// waits where told to. Faults are set and cleared while calls are under way; a
// call has the fault that was set when it began. A wait ends early when the
// call's ctx does, and the call then returns the ctx's error.
//
//	store := storetest.NewFaulty(storetest.NewModel())
//	store.Set(storetest.Fault{Err: optoutstore.ErrNoSpace}, storetest.MethodOptOut)
type Faulty struct {
	store   optoutstore.Store
	faults  [methods]atomic.Pointer[armed]
	calls   [methods]atomic.Int64
	waiting [methods]atomic.Int64
	health  atomic.Pointer[optoutstore.Health]
}

var _ optoutstore.Store = (*Faulty)(nil)

// armed is a fault and the calls it has had.
type armed struct {
	Fault
	had atomic.Int64
}

// NewFaulty returns a Faulty without faults that passes calls on to s.
func NewFaulty(s optoutstore.Store) *Faulty { return &Faulty{store: s} }

// Set makes f the fault of the methods named, or of all but Health and Close
// where none is named, in place of the fault they had.
func (s *Faulty) Set(f Fault, on ...Method) {
	for _, m := range orAll(on) {
		s.faults[m].Store(&armed{Fault: f})
	}
}

// Clear ends the fault of the methods named, or of all but Health and Close
// where none is named. Calls that wait already go on waiting.
func (s *Faulty) Clear(on ...Method) {
	for _, m := range orAll(on) {
		s.faults[m].Store(nil)
	}
}

// Block makes the methods named, or all but Health and Close where none is
// named, wait until release is called or their ctx ends. Calls after release do
// not wait. Release may be called more than once.
func (s *Faulty) Block(on ...Method) (release func()) {
	until := make(chan struct{})
	s.Set(Fault{Until: until}, on...)
	return sync.OnceFunc(func() { close(until) })
}

// SetHealth makes h what Health returns; nil returns to the health of the store
// behind.
func (s *Faulty) SetHealth(h *optoutstore.Health) { s.health.Store(h) }

// Calls is how often m was called, whatever came of it.
func (s *Faulty) Calls(m Method) int { return int(s.calls[m].Load()) }

// Waiting is how many calls of m wait in a fault now.
func (s *Faulty) Waiting(m Method) int { return int(s.waiting[m].Load()) }

func orAll(on []Method) []Method {
	if len(on) > 0 {
		return on
	}
	all := make([]Method, MethodHealth)
	for m := range all {
		all[m] = Method(m)
	}
	return all
}

// do counts a call of m and does work around the fault of m.
func (s *Faulty) do(ctx context.Context, m Method, work func() error) error {
	s.calls[m].Add(1)
	f := s.faults[m].Load()
	if f == nil || f.Times > 0 && f.had.Add(1) > int64(f.Times) {
		return work()
	}
	if f.After {
		if err := work(); err != nil {
			return err
		}
	}
	s.waiting[m].Add(1)
	err := f.wait(ctx)
	s.waiting[m].Add(-1)
	if err == nil {
		err = f.Err
	}
	if err != nil || f.After {
		return err
	}
	return work()
}

func (f *Fault) wait(ctx context.Context) error {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Until != nil {
		select {
		case <-f.Until:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Health implements [optoutstore.Store]. A fault makes it wait, but not fail:
// use SetHealth.
func (s *Faulty) Health() (h optoutstore.Health) {
	_ = s.do(context.Background(), MethodHealth, func() error { return nil })
	if set := s.health.Load(); set != nil {
		return *set
	}
	return s.store.Health()
}

// Close implements [optoutstore.Store].
func (s *Faulty) Close() error {
	return s.do(context.Background(), MethodClose, s.store.Close)
}
