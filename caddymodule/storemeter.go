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
	opLookup
	opInForce
	opUntold
	opStates
	opHistory
	opOptOut
	opLift

	storeOperations
)

// String is the operation's name in metrics.
func (op storeOperation) String() string {
	switch op {
	case opOpen:
		return "open"
	case opLookup:
		return "lookup"
	case opInForce:
		return "in_force"
	case opUntold:
		return "untold"
	case opStates:
		return "states"
	case opHistory:
		return "history"
	case opOptOut:
		return "opt_out"
	default:
		return "lift"
	}
}

func (op storeOperation) writes() bool { return op >= opOptOut }

// Lookup implements [optoutstore.Store], and counts.
func (s *sharedStore) Lookup(ctx context.Context, q optoutstore.Query) (optoutstore.State, bool, error) {
	meters.reads[opLookup].Inc()
	state, held, err := s.Store.Lookup(ctx, q)
	if err != nil {
		meters.storeFailed(opLookup, err)
	}
	return state, held, err
}

// InForce implements [optoutstore.Store], and counts.
func (s *sharedStore) InForce(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	meters.reads[opInForce].Inc()
	n, err := s.Store.InForce(ctx, realm, sender)
	meters.storeFailed(opInForce, err)
	return n, err
}

// Untold implements [optoutstore.Store], and counts.
func (s *sharedStore) Untold(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	meters.reads[opUntold].Inc()
	n, err := s.Store.Untold(ctx, realm, sender)
	meters.storeFailed(opUntold, err)
	return n, err
}

// States implements [optoutstore.Store], and counts.
func (s *sharedStore) States(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.State) error) error {
	meters.reads[opStates].Inc()
	var stopped bool // by fn, which is not the store's fault
	err := s.Store.States(ctx, f, func(state optoutstore.State) error {
		err := fn(state)
		stopped = err != nil
		return err
	})
	if !stopped {
		meters.storeFailed(opStates, err)
	}
	return err
}

// History implements [optoutstore.Store], and counts.
func (s *sharedStore) History(ctx context.Context, p phone.Number, fn func(optoutstore.Event) error) error {
	meters.reads[opHistory].Inc()
	var stopped bool
	err := s.Store.History(ctx, p, func(event optoutstore.Event) error {
		err := fn(event)
		stopped = err != nil
		return err
	})
	if !stopped {
		meters.storeFailed(opHistory, err)
	}
	return err
}

// OptOut implements [optoutstore.Store], and counts and announces.
func (s *sharedStore) OptOut(ctx context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	meters.writes[opOptOut].Inc()
	event, err := s.Store.OptOut(ctx, c)
	meters.storeFailed(opOptOut, err)
	if err == nil {
		s.announce(event)
	}
	return event, err
}

// Lift implements [optoutstore.Store], and counts and announces.
func (s *sharedStore) Lift(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	meters.writes[opLift].Inc()
	event, err := s.Store.Lift(ctx, c, seen)
	meters.storeFailed(opLift, err)
	if err == nil {
		s.announce(event)
	}
	return event, err
}
