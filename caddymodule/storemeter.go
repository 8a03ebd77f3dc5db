package caddymodule

import (
	"context"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// storeOperation is a use of the store, as it is counted.
type storeOperation int

const (
	opOpen storeOperation = iota
	// What reads.
	opLookup
	opInForce
	opUntold
	opRelayFrom
	opStates
	opHistory
	opDetail
	opEvents
	opStats
	opVerify
	// What writes.
	opOptOut
	opLift
	opImport
	opTold
	opUntell
	opSetRelayFrom

	storeOperations
)

// String is the operation's name in metrics.
func (op storeOperation) String() string {
	return [storeOperations]string{
		"open",
		"lookup", "in_force", "untold", "relay_from", "states", "history", "detail", "events", "stats", "verify",
		"opt_out", "lift", "import", "told", "untell", "set_relay_from",
	}[op]
}

func (op storeOperation) writes() bool { return op >= opOptOut }

// The methods of a store that follow count, and let the store do the work.

// Lookup implements [optoutstore.Store].
func (s *sharedStore) Lookup(ctx context.Context, q optoutstore.Query) (optoutstore.State, bool, error) {
	state, held, err := s.Store.Lookup(ctx, q)
	return state, held, counted(opLookup, err)
}

// InForce implements [optoutstore.Store].
func (s *sharedStore) InForce(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	n, err := s.Store.InForce(ctx, realm, sender)
	return n, counted(opInForce, err)
}

// Untold implements [optoutstore.Store].
func (s *sharedStore) Untold(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	n, err := s.Store.Untold(ctx, realm, sender)
	return n, counted(opUntold, err)
}

// RelayFrom implements [optoutstore.Store].
func (s *sharedStore) RelayFrom(ctx context.Context, realm string) (uint64, bool, error) {
	from, set, err := s.Store.RelayFrom(ctx, realm)
	return from, set, counted(opRelayFrom, err)
}

// States implements [optoutstore.Store].
func (s *sharedStore) States(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.State) error) error {
	var stopped error // by fn, which is not the store's fault
	err := s.Store.States(ctx, f, func(state optoutstore.State) error {
		stopped = fn(state)
		return stopped
	})
	return walked(opStates, err, stopped)
}

// History implements [optoutstore.Store].
func (s *sharedStore) History(ctx context.Context, p phone.Number, fn func(optoutstore.Event) error) error {
	var stopped error
	err := s.Store.History(ctx, p, func(event optoutstore.Event) error {
		stopped = fn(event)
		return stopped
	})
	return walked(opHistory, err, stopped)
}

// Detail implements [optoutstore.Store].
func (s *sharedStore) Detail(ctx context.Context, state optoutstore.State) (optoutstore.Event, error) {
	event, err := s.Store.Detail(ctx, state)
	return event, counted(opDetail, err)
}

// Events implements [optoutstore.Store].
func (s *sharedStore) Events(ctx context.Context, after optoutstore.Place, fn func(optoutstore.Event, optoutstore.Place) error) (optoutstore.Place, error) {
	var stopped error
	place, err := s.Store.Events(ctx, after, func(event optoutstore.Event, behind optoutstore.Place) error {
		stopped = fn(event, behind)
		return stopped
	})
	return place, walked(opEvents, err, stopped)
}

// Stats implements [optoutstore.Store].
func (s *sharedStore) Stats(ctx context.Context) (optoutstore.Stats, error) {
	stats, err := s.Store.Stats(ctx)
	return stats, counted(opStats, err)
}

// Verify implements [optoutstore.Store].
func (s *sharedStore) Verify(ctx context.Context, progress func(done, total uint64)) error {
	return counted(opVerify, s.Store.Verify(ctx, progress))
}

// OptOut implements [optoutstore.Store], and announces.
func (s *sharedStore) OptOut(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	event, err := s.Store.OptOut(ctx, c)
	if err == nil {
		s.announce(event)
	}
	return event, counted(opOptOut, err)
}

// Lift implements [optoutstore.Store], and announces.
func (s *sharedStore) Lift(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	event, err := s.Store.Lift(ctx, c, seen)
	if err == nil {
		s.announce(event)
	}
	return event, counted(opLift, err)
}

// Import implements [optoutstore.Store]. What is imported is not announced: it is
// no news, and there is a lot of it.
func (s *sharedStore) Import(ctx context.Context, changes []optoutstore.Change) ([]optoutstore.Imported, error) {
	imported, err := s.Store.Import(ctx, changes)
	return imported, counted(opImport, err)
}

// Told implements [optoutstore.Store].
func (s *sharedStore) Told(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	event, err := s.Store.Told(ctx, c, seen)
	return event, counted(opTold, err)
}

// Untell implements [optoutstore.Store].
func (s *sharedStore) Untell(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	event, err := s.Store.Untell(ctx, c)
	return event, counted(opUntell, err)
}

// SetRelayFrom implements [optoutstore.Store].
func (s *sharedStore) SetRelayFrom(ctx context.Context, c optoutstore.Change, from uint64) error {
	return counted(opSetRelayFrom, s.Store.SetRelayFrom(ctx, c, from))
}

// counted counts a use of the store and returns its error.
func counted(op storeOperation, err error) error {
	meters.used(op)
	meters.storeFailed(op, err)
	return err
}

// walked counts a use that calls a function, whose own error is none of the
// store's.
func walked(op storeOperation, err, stopped error) error {
	meters.used(op)
	if stopped == nil {
		meters.storeFailed(op, err)
	}
	return err
}
