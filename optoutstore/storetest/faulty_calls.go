package storetest

import (
	"context"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// ask calls a method with a result around its fault. The result is zero where the
// call fails.
func ask[T any](ctx context.Context, s *Faulty, m Method, call func() (T, error)) (T, error) {
	var result T
	err := s.do(ctx, m, func() (err error) {
		result, err = call()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// Lookup implements [optoutstore.Store].
func (s *Faulty) Lookup(ctx context.Context, q optoutstore.Query) (state optoutstore.State, found bool, err error) {
	err = s.do(ctx, MethodLookup, func() (err error) {
		state, found, err = s.store.Lookup(ctx, q)
		return err
	})
	if err != nil {
		return optoutstore.State{}, false, err
	}
	return state, found, nil
}

// InForce implements [optoutstore.Store].
func (s *Faulty) InForce(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	return ask(ctx, s, MethodInForce, func() (uint64, error) { return s.store.InForce(ctx, realm, sender) })
}

// Untold implements [optoutstore.Store].
func (s *Faulty) Untold(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	return ask(ctx, s, MethodUntold, func() (uint64, error) { return s.store.Untold(ctx, realm, sender) })
}

// OptOut implements [optoutstore.Store].
func (s *Faulty) OptOut(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	return ask(ctx, s, MethodOptOut, func() (optoutstore.Event, error) { return s.store.OptOut(ctx, c) })
}

// Lift implements [optoutstore.Store].
func (s *Faulty) Lift(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	return ask(ctx, s, MethodLift, func() (optoutstore.Event, error) { return s.store.Lift(ctx, c, seen) })
}

// Import implements [optoutstore.Store].
func (s *Faulty) Import(ctx context.Context, changes []optoutstore.Change) ([]optoutstore.Imported, error) {
	return ask(ctx, s, MethodImport, func() ([]optoutstore.Imported, error) { return s.store.Import(ctx, changes) })
}

// Told implements [optoutstore.Store].
func (s *Faulty) Told(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	return ask(ctx, s, MethodTold, func() (optoutstore.Event, error) { return s.store.Told(ctx, c, seen) })
}

// Untell implements [optoutstore.Store].
func (s *Faulty) Untell(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	return ask(ctx, s, MethodUntell, func() (optoutstore.Event, error) { return s.store.Untell(ctx, c) })
}

// SetRelayFrom implements [optoutstore.Store].
func (s *Faulty) SetRelayFrom(ctx context.Context, c optoutstore.Change, from uint64) error {
	return s.do(ctx, MethodSetRelayFrom, func() error { return s.store.SetRelayFrom(ctx, c, from) })
}

// RelayFrom implements [optoutstore.Store].
func (s *Faulty) RelayFrom(ctx context.Context, realm string) (from uint64, set bool, err error) {
	err = s.do(ctx, MethodRelayFrom, func() (err error) {
		from, set, err = s.store.RelayFrom(ctx, realm)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	return from, set, nil
}

// States implements [optoutstore.Store].
func (s *Faulty) States(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.State) error) error {
	return s.do(ctx, MethodStates, func() error { return s.store.States(ctx, f, fn) })
}

// History implements [optoutstore.Store].
func (s *Faulty) History(ctx context.Context, p phone.Number, fn func(optoutstore.Event) error) error {
	return s.do(ctx, MethodHistory, func() error { return s.store.History(ctx, p, fn) })
}

// Detail implements [optoutstore.Store].
func (s *Faulty) Detail(ctx context.Context, state optoutstore.State) (optoutstore.Event, error) {
	return ask(ctx, s, MethodDetail, func() (optoutstore.Event, error) { return s.store.Detail(ctx, state) })
}

// Events implements [optoutstore.Store]. The place that was reached is returned
// with an error too.
func (s *Faulty) Events(ctx context.Context, after optoutstore.Place, fn func(optoutstore.Event, optoutstore.Place) error) (optoutstore.Place, error) {
	err := s.do(ctx, MethodEvents, func() (err error) {
		after, err = s.store.Events(ctx, after, fn)
		return err
	})
	return after, err
}

// Wait implements [optoutstore.Store].
func (s *Faulty) Wait(ctx context.Context, after uint64) error {
	return s.do(ctx, MethodWait, func() error { return s.store.Wait(ctx, after) })
}

// Stats implements [optoutstore.Store].
func (s *Faulty) Stats(ctx context.Context) (optoutstore.Stats, error) {
	return ask(ctx, s, MethodStats, func() (optoutstore.Stats, error) { return s.store.Stats(ctx) })
}

// Verify implements [optoutstore.Store].
func (s *Faulty) Verify(ctx context.Context, progress func(done, total uint64)) error {
	return s.do(ctx, MethodVerify, func() error { return s.store.Verify(ctx, progress) })
}
