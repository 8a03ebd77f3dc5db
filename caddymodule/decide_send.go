package caddymodule

import (
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// send lets a message through unless one of its phones has opted out.
func (x *exchange) send() decision {
	for i, to := range x.call.Recipients {
		state, held, err := x.store.Lookup(x.r.Context(), optoutstore.Query{
			Realm: x.call.Realm, Senders: to.Senders, Phones: to.Phones,
		})
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

// fanOut is the policy `safe`: it lets a send to recipients that only the backend
// knows through if there is no opt-out that the backend was not told of. Without a
// relay it is told of none.
func (x *exchange) fanOut() decision {
	senders := x.call.Recipients[0].Senders
	if len(senders) == 0 {
		senders = []phone.Sender{""} // any
	}
	for _, sender := range senders {
		n, err := x.store.Untold(x.r.Context(), x.call.Realm, sender)
		if err != nil {
			return x.storeFailed(err)
		}
		if n > 0 {
			return x.block(smsapi.FanOutUnsafe)
		}
	}
	return pass
}
