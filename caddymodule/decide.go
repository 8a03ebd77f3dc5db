package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
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
}

func (x *exchange) reset(h *Handler, api smsapi.API, r *http.Request) {
	x.h, x.api, x.r, x.store = h, api, r, nil
	x.call.Reset()
	x.body = smsapi.NewBody(r, h.MaxBody)
	x.blocked = x.blocked[:0]
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

const (
	// recordTimeout bounds the wait for a stop to be durable.
	recordTimeout = 10 * time.Second
	// retryAfter is what a client is told when the list or the credentials cannot
	// be asked at present, in seconds.
	retryAfter = 5
)

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
			// The value may hold a part of the request; its type will not.
			x.h.logger.Error("panic while deciding about a request; it was not forwarded",
				zap.String("type", typeName(v)), zap.ByteString("stack", debug.Stack()))
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
	if x.call.Kind == smsapi.Other {
		return pass
	}
	if unusable != nil {
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

// refuse answers a request that cannot be read with one meaning.
func (x *exchange) refuse(refusal *smsapi.Refusal) decision {
	x.h.logRefusal(x.r, &x.call, refusal)
	if x.h.observes() && x.call.Kind != smsapi.Stop {
		return pass
	}
	return decision{answer: smsapi.Answer{Outcome: smsapi.Refused, Refusal: refusal}}
}

// stop records an opt-out. It is done once it is durable, whether or not the
// client is still there to hear so.
func (x *exchange) stop() decision {
	switch x.login() {
	case right:
	case busy:
		x.h.logger.Warn("stop not recorded: too many passwords are waiting to be checked", x.callField())
		return tooBusy
	default:
		x.h.logger.Warn("stop not recorded: unknown realm or wrong password", x.callField())
		return badLogin
	}
	to := x.call.Recipients[0]
	change := optoutstore.Change{
		Pair:      optoutstore.Pair{Realm: x.call.Realm, Sender: to.Senders[0], Phone: to.Phones[0]},
		Source:    optoutstore.SourceAPIWeb,
		Remote:    clientIP(x.r),
		RequestID: requestID(x.r),
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), recordTimeout)
	defer cancel()
	event, err := x.store.OptOut(ctx, change)
	if err != nil {
		x.h.logger.Error("stop not recorded: the list cannot be written", x.callField(), zap.Error(err))
		return unavailable
	}
	x.h.logger.Info("stop recorded", x.callField(),
		zap.String("kind", event.Kind.String()), zap.Uint64("event", event.Number), zap.String("request_id", event.RequestID))
	return decision{answer: smsapi.Answer{Outcome: smsapi.Recorded}}
}

// send lets a message through unless one of its phones has opted out.
func (x *exchange) send() decision {
	for i, to := range x.call.Recipients {
		_, held, err := x.store.Lookup(x.r.Context(), optoutstore.Query{
			Realm: x.call.Realm, Senders: to.Senders, Phones: to.Phones,
		})
		if err != nil {
			return x.storeFailed(err)
		}
		if held {
			x.blocked = append(x.blocked, i)
		}
	}
	if len(x.blocked) == 0 {
		return pass
	}
	return x.block(smsapi.OptedOut)
}

// fanOut lets a send to recipients that only the backend knows through if there
// is no opt-out that the backend may not know of. Without a relay it knows none.
func (x *exchange) fanOut() decision {
	switch x.h.FanOut {
	case fanOutForward:
		return pass
	case fanOutBlock:
		return x.block(smsapi.FanOutBlocked)
	}
	senders := x.call.Recipients[0].Senders
	if len(senders) == 0 {
		senders = []phone.Sender{""} // any
	}
	for _, sender := range senders {
		n, err := x.store.InForce(x.r.Context(), x.call.Realm, sender)
		if err != nil {
			return x.storeFailed(err)
		}
		if n > 0 {
			return x.block(smsapi.FanOutUnsafe)
		}
	}
	return pass
}

// subscribe decides about a request that puts a phone (back) on a sender.
func (x *exchange) subscribe() decision {
	if x.h.Subscribe == subscribeForward {
		return pass
	}
	to := x.call.Recipients[0]
	held, liftable, err := x.subscribed(to)
	if err != nil {
		return x.storeFailed(err)
	}
	if !held {
		return pass
	}
	x.blocked = append(x.blocked, 0)
	if liftable && x.h.Subscribe == subscribeLift {
		return decision{action: forwardAndLift}
	}
	return x.block(smsapi.Resubscribed)
}

// subscribed reports whether an opt-out is held that covers the recipient under
// any reading, and whether a subscribe of this recipient can lift it: the plain
// reading is the pair that opted out, and no other reading has. Someone else's
// opt-out and one of a wider scope are not this subscriber's to lift.
func (x *exchange) subscribed(to smsapi.Recipient) (held, liftable bool, err error) {
	q := optoutstore.Query{Realm: x.call.Realm, Senders: to.Senders, Phones: to.Phones}
	state, held, err := x.store.Lookup(x.r.Context(), q)
	if err != nil || !held {
		return held, false, err
	}
	if len(to.Senders) == 0 || state.Pair != x.plainPair(to) {
		return true, false, nil
	}
	for i := range to.Phones {
		for j := range to.Senders {
			if i == 0 && j == 0 {
				continue
			}
			q.Phones, q.Senders = to.Phones[i:i+1], to.Senders[j:j+1]
			other, held, err := x.store.Lookup(x.r.Context(), q)
			if err != nil {
				return true, false, err
			}
			if held && other.Pair != state.Pair {
				return true, false, nil
			}
		}
	}
	return true, true, nil
}

// plainPair is the pair that the first readings of a recipient make: what a stop
// written the same way would record.
func (x *exchange) plainPair(to smsapi.Recipient) optoutstore.Pair {
	return optoutstore.Pair{Realm: x.call.Realm, Sender: to.Senders[0], Phone: to.Phones[0]}
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
			x.h.logger.Info("blocked; the password could not be checked in time", x.callField())
			return tooBusy
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
