package caddymodule

import (
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// send lets a message through unless one of its phones has opted out.
func (x *exchange) send() decision {
	for i, to := range x.call.Recipients {
		state, held, err := x.lookup(to)
		if err != nil {
			return x.storeFailed(err)
		}
		if held {
			x.blocked = append(x.blocked, i)
			x.held = state
		}
	}
	if len(x.blocked) == 0 {
		return pass
	}
	return x.block(smsapi.OptedOut)
}

// lookup asks the list about a recipient.
func (x *exchange) lookup(to smsapi.Recipient) (state optoutstore.State, held bool, err error) {
	query := optoutstore.Query{Senders: to.Senders, Phones: to.Phones}
	held, err = x.underEach(func(realm string) (held bool, err error) {
		query.Realm = realm
		state, held, err = x.store.Lookup(x.r.Context(), query)
		return held, err
	})
	return state, held, err
}

// underEach asks about the realm that is written, and then about those that it may mean
// where it is not configured. From the one of these that is held on, the request is that
// realm's: its password tells who may learn of it.
func (x *exchange) underEach(ask func(realm string) (held bool, err error)) (held bool, err error) {
	held, err = ask(x.call.Realm)
	for _, realm := range x.meant {
		if held || err != nil {
			break
		}
		if held, err = ask(realm); held {
			x.found = realm
		}
	}
	return held, err
}

// fanOut is the policy `safe`: it lets a send to recipients that only the backend
// knows through if there is no opt-out that the backend was not told of. Without a
// relay it is told of none.
func (x *exchange) fanOut() decision {
	senders := x.call.Recipients[0].Senders
	if len(senders) == 0 {
		senders = []phone.Sender{""} // any
	}
	for _, sender := range senders {
		untold, err := x.underEach(func(realm string) (bool, error) {
			n, err := x.store.Untold(x.r.Context(), realm, sender)
			return n > 0, err
		})
		if err != nil {
			return x.storeFailed(err)
		}
		if untold {
			return x.block(smsapi.FanOutUnsafe)
		}
	}
	return pass
}
