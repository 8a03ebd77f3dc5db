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

// lookup asks the list about a recipient, under the realm that is written, and under
// those that it may mean where it is not configured. From one of these that holds an
// opt-out on, the request is that realm's: its password tells who may learn of it.
func (x *exchange) lookup(to smsapi.Recipient) (state optoutstore.State, held bool, err error) {
	query := optoutstore.Query{Realm: x.call.Realm, Senders: to.Senders, Phones: to.Phones}
	state, held, err = x.store.Lookup(x.r.Context(), query)
	for _, query.Realm = range x.meant {
		if held || err != nil {
			break
		}
		if state, held, err = x.store.Lookup(x.r.Context(), query); held {
			x.found = query.Realm
		}
	}
	return state, held, err
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
		n, err := x.untold(sender)
		if err != nil {
			return x.storeFailed(err)
		}
		if n > 0 {
			return x.block(smsapi.FanOutUnsafe)
		}
	}
	return pass
}

// untold is how many opt-outs of a sender the backend was not told of, under the realm
// that is written or else one that it may mean.
func (x *exchange) untold(sender phone.Sender) (n uint64, err error) {
	n, err = x.store.Untold(x.r.Context(), x.call.Realm, sender)
	for _, realm := range x.meant {
		if n > 0 || err != nil {
			break
		}
		if n, err = x.store.Untold(x.r.Context(), realm, sender); n > 0 {
			x.found = realm
		}
	}
	return n, err
}
