package relay

import (
	"context"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Store is what a relay needs of the list. See [optoutstore.Store].
type Store interface {
	States(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.State) error) error
	Told(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error)
	RelayFrom(ctx context.Context, realm string) (from uint64, set bool, err error)
	SetRelayFrom(ctx context.Context, c optoutstore.Change, from uint64) error
	Events(ctx context.Context, after optoutstore.Place, fn func(optoutstore.Event, optoutstore.Place) error) (optoutstore.Place, error)
	Wait(ctx context.Context, after uint64) error
	Health() optoutstore.Health
}

// stateOf is where exactly this pair stands, whatever wider scope covers it. The
// zero State, with Last zero, is that of a pair without any event.
func stateOf(ctx context.Context, s Store, p optoutstore.Pair) (optoutstore.State, error) {
	var found optoutstore.State
	f := optoutstore.Filter{Realm: p.Realm, Sender: p.Sender, Phone: p.Phone, Lifted: true}
	err := s.States(ctx, f, func(st optoutstore.State) error {
		if st.Pair == p {
			found = st
		}
		return nil
	})
	return found, err
}

// isPending reports whether the backend has to be told of the state.
func isPending(s optoutstore.State) bool {
	return s.InForce && !s.Told && Tellable(s.Pair)
}

// Tellable reports whether the API has words for an opt-out: it names one realm
// and one sender.
func Tellable(p optoutstore.Pair) bool {
	return p.Realm != optoutstore.AnyRealm && p.Sender != phone.AnySender
}
