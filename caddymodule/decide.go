package caddymodule

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/smsapi"
)

// exchange is one guarded request on its way through the handler. It is reused.
type exchange struct {
	h    *Handler
	api  smsapi.API
	r    *http.Request
	call smsapi.Call
	body smsapi.Body

	store   *sharedStore // set while this exchange is inside it
	blocked []int
	seen    uint64 // the event that a lift is decided upon
}

func (x *exchange) begin(h *Handler, api smsapi.API, r *http.Request) {
	x.h, x.api, x.r = h, api, r
	x.body = smsapi.NewBody(r, h.MaxBody)
}

// end forgets the request, its password and its body with it.
func (x *exchange) end() {
	x.call.Reset()
	*x = exchange{call: x.call, blocked: x.blocked[:0]}
}

type action uint8

const (
	// answer is the zero value, so that what is not decided is not forwarded.
	answer action = iota
	forward
	forwardAndLift
)

// decision is what becomes of a request.
type decision struct {
	action action
	answer smsapi.Answer
}

// retryAfter is what a client is told when the list or the credentials cannot be
// asked at present, in seconds.
const retryAfter = 5

var (
	pass        = decision{action: forward}
	broken      = decision{answer: smsapi.Answer{Outcome: smsapi.Broken}}
	unavailable = decision{answer: smsapi.Answer{Outcome: smsapi.Unavailable, RetryAfter: retryAfter}}
	tooBusy     = decision{answer: smsapi.Answer{Outcome: smsapi.Busy, RetryAfter: retryAfter}}
	badLogin    = decision{answer: smsapi.Answer{Outcome: smsapi.BadCredentials}}
)

// decide reads the request and says what becomes of it. A panic on the way is an
// answer, never a forwarded request.
func (x *exchange) decide() (d decision) {
	defer func() {
		if v := recover(); v != nil {
			if x.store != nil {
				x.store.leave()
			}
			x.h.logPanic("panic while deciding about a request; it was not forwarded", v)
			d = broken
		}
	}()

	// Before the body is read, which may take as long as the client likes: a reload
	// meanwhile must not close the store.
	store, err := x.h.app.store()
	if err == nil {
		err = store.enter()
	}
	if err == nil {
		x.store = store
	}
	d = x.read(err)
	if x.store != nil && d.action != forwardAndLift {
		x.store = nil
		store.leave()
	}
	return d
}

// read reads the request and lets its kind decide. unusable is why the list
// cannot be asked, if it cannot.
func (x *exchange) read(unusable error) decision {
	if refusal := x.api.Read(x.r, &x.body, &x.call); refusal != nil {
		return x.refuse(refusal)
	}
	switch {
	case x.call.Kind == smsapi.Other:
		return pass
	case !x.complete():
		x.h.logger.Error("the API's module has read a call without what it needs; it was not forwarded", x.callField())
		return broken
	case x.call.Kind == smsapi.FanOut && x.h.FanOut == fanOutForward,
		x.call.Kind == smsapi.Subscribe && x.h.Subscribe == subscribeForward:
		return pass
	case x.call.Kind == smsapi.FanOut && x.h.FanOut == fanOutBlock:
		return x.block(smsapi.FanOutBlocked)
	case unusable != nil:
		return x.storeFailed(unusable)
	}
	switch x.call.Kind {
	case smsapi.Stop:
		return x.stop()
	case smsapi.Send:
		return x.send()
	case smsapi.FanOut:
		return x.fanOut()
	case smsapi.Subscribe:
		return x.subscribe()
	default:
		return broken
	}
}

// complete reports whether the call holds what its kind promises. An API's module
// that forgets a recipient must not make a hole.
func (x *exchange) complete() bool {
	to := x.call.Recipients
	switch x.call.Kind {
	case smsapi.Stop:
		return len(to) == 1 && len(to[0].Phones) == 1 && len(to[0].Senders) == 1
	case smsapi.FanOut:
		return len(to) == 1
	case smsapi.Subscribe:
		return len(to) == 1 && len(to[0].Phones) > 0
	}
	for i := range to {
		if len(to[i].Phones) == 0 {
			return false
		}
	}
	return len(to) > 0
}

// refuse answers a request that cannot be read with one meaning.
func (x *exchange) refuse(refusal *smsapi.Refusal) decision {
	forwards := x.h.observes() && x.call.Kind != smsapi.Stop
	x.h.logRefusal(x.r, &x.call, refusal, forwards)
	if forwards {
		return pass
	}
	return decision{answer: smsapi.Answer{Outcome: smsapi.Refused, Refusal: refusal}}
}

// block answers a request that would message someone against their will. Only
// who knows the realm's password learns why; to others it is a failed login, the
// same as a stop's.
func (x *exchange) block(outcome smsapi.Outcome) decision {
	if x.h.observes() {
		x.h.logger.Info("would block", x.callField(), zap.String("outcome", outcomeName(outcome)))
		return pass
	}
	if x.h.app.accounts.knows(x.call.Realm) {
		switch x.login() {
		case right:
		case busy:
			// Not to be sent again by a client library, whatever the password.
			x.h.logger.Info("blocked; the password could not be checked in time", x.callField())
			return decision{answer: smsapi.Answer{Outcome: smsapi.Busy}}
		default:
			x.h.logger.Info("blocked; the password is wrong as well", x.callField())
			return badLogin
		}
	}
	x.h.logger.Info("blocked", x.callField(), zap.String("outcome", outcomeName(outcome)))
	return decision{answer: smsapi.Answer{Outcome: outcome, Blocked: x.blocked}}
}

// storeFailed decides where the list cannot tell.
func (x *exchange) storeFailed(err error) decision {
	if errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
		return unavailable // the client has gone
	}
	forwards := x.call.Kind != smsapi.Stop && (x.h.OnStoreError == onStoreErrorForward || x.h.observes())
	x.h.logger.Error("the opt-out list cannot be asked", x.callField(), zap.Bool("forwarded", forwards), zap.Error(err))
	if forwards {
		return pass
	}
	return unavailable
}

func (x *exchange) login() verdict {
	return x.h.app.accounts.verify(x.r.Context(), x.call.Realm, x.call.Password, clientIP(x.r))
}

func (h *Handler) observes() bool { return h.Mode == modeObserve }

// clientIP is the address that the request came from, as Caddy's trusted proxies
// have it.
func clientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// requestID is the UUID that Caddy's {http.request.uuid} gives the request.
func requestID(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	id, _ := repl.GetString("http.request.uuid")
	return id
}
