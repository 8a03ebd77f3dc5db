package caddymodule

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// subscribe decides about a request that puts a phone (back) on a sender. One that
// is forwarded goes between what the backend is told of the phone, not beside it. To
// observe it goes beside it, rather than be kept from the backend.
func (x *exchange) subscribe() decision {
	if !x.hold() && (!x.h.observes() || x.r.Context().Err() != nil) {
		return relayBusy
	}
	d, held := x.resubscribe()
	if held && d.action != answer {
		if err := x.untell(); err != nil {
			return x.untellFailed(err)
		}
	}
	return d
}

// untellFailed decides about a subscribe that would undo an opt-out at the backend
// without a note of it. It would outlast the trouble: the opt-out would go on
// counting as told, and a fan-out reach the phone. So `on_store_error forward`, which
// is for what cannot be known, does not let it pass.
func (x *exchange) untellFailed(err error) decision {
	d := x.storeFailed(err)
	if d.action != answer && !x.h.observes() {
		d = unavailable
	}
	return d
}

// resubscribe decides by the policy, and reports whether an opt-out is held of what
// the request names.
//
// A lift is of one pair, and of the one that is meant: the request's readings are other
// forms of it, and what it names is what has opted out, and none of them. Somebody else's opt-out
// and one of a wider scope are not this subscriber's to lift. Nor does the backend's
// word suffice: it may say SUCCESS to another account, whose name it tells from this
// realm's and we do not. So the password has to be the realm's here, as for a stop.
func (x *exchange) resubscribe() (d decision, held bool) {
	to := x.call.Recipients[0]
	state, held, err := x.lookup(to)
	if err != nil {
		return x.storeFailed(err), false
	}
	if !held || x.h.Subscribe == subscribeForward {
		return pass, held
	}
	liftable := false
	if x.h.Subscribe == subscribeLift && x.call.Named.Sender != "" {
		var named optoutstore.State
		if named, liftable, err = x.liftable(to); err != nil {
			return x.storeFailed(err), false
		}
		if liftable {
			state = named
		}
	}
	if liftable {
		switch x.login() {
		case right:
			x.held = state
			return lifting, true
		case busy:
			d := tooBusy
			if x.h.observes() {
				d = pass
				d.code = tooBusy.code
			}
			x.h.logger.Warn("opt-out not lifted: too many passwords are waiting to be checked", x.fields(d)...)
			return d, true
		}
	}
	x.blocked = append(x.blocked, 0)
	x.held = state
	return x.block(smsapi.Resubscribed), true
}

// lifting is the decision to lift an opt-out if the backend accepts.
var lifting = decision{action: forwardAndLift, outcome: outcomeForwarded}

// liftable reports whether the pair that a subscribe names is the only one of its readings
// that has opted out.
func (x *exchange) liftable(to smsapi.Recipient) (state optoutstore.State, is bool, err error) {
	for _, number := range to.Phones {
		for _, sender := range to.Senders {
			found, held, err := x.lookup(smsapi.Recipient{Phones: []phone.Number{number}, Senders: []phone.Sender{sender}})
			if err != nil {
				return state, false, err
			}
			if held {
				state, is = found, found.Pair == x.pair()
				if !is {
					return state, false, nil
				}
			}
		}
	}
	return state, is, nil
}

// pair is the pair that a subscribe names.
func (x *exchange) pair() optoutstore.Pair {
	return optoutstore.Pair{Realm: x.call.Realm, Sender: x.call.Named.Sender, Phone: x.call.Named.Phone}
}

// forwardAndLift forwards a subscribe of an opted-out pair, and lifts the opt-out
// once the backend has accepted it. The client hears of it after the lift is
// durable, so that its next send passes.
func (x *exchange) forwardAndLift(w http.ResponseWriter, next caddyhttp.Handler) error {
	// The answer has to be read. A client takes an answer without a coding whether
	// or not it said that it would take one with.
	x.r.Header.Del("Accept-Encoding")

	lw := &liftWriter{
		ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		told: func(status int, header http.Header, head []byte) {
			x.accepted(status, header, head)
			x.answered()
		},
	}
	err := next.ServeHTTP(lw, x.r)
	if err == nil {
		lw.finish()
	}
	return err
}

// accepted looks at the beginning of the backend's answer, and lifts the opt-out if
// it says that the subscribe was carried out. What goes wrong here leaves the
// opt-out in force, and the answer as it is.
func (x *exchange) accepted(status int, header http.Header, head []byte) {
	defer func() {
		if v := recover(); v != nil {
			meters.panics.Inc()
			logPanic(x.h.logger, "panic while lifting an opt-out; it may still be in force", v)
		}
	}()
	if coding := header.Get("Content-Encoding"); coding != "" {
		x.h.logger.Warn("opt-out not lifted: the backend's answer has a Content-Encoding although none was asked for", x.fields(lifting)...)
		return
	}
	if x.api.Accepted(status, head) {
		x.lift()
	}
}

// lift records that the pair may be messaged again, unless it has opted out again
// since the subscribe was let through.
func (x *exchange) lift() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), recordTimeout)
	defer cancel()
	event, err := x.store.Lift(ctx, optoutstore.Change{
		Pair:      x.pair(),
		Source:    optoutstore.SourceAPIWeb,
		Remote:    clientIP(x.r),
		RequestID: x.decisionID(),
		Reason:    "subscribed again",
	}, x.held.Number)
	switch {
	case errors.Is(err, optoutstore.ErrNotOptedOut):
		// Someone else has lifted it meanwhile.
	case errors.Is(err, optoutstore.ErrChanged):
		x.h.logger.Warn("opt-out not lifted: another stop came while the backend carried out the subscribe", x.fields(lifting)...)
	case err != nil:
		x.h.logger.Error("opt-out not lifted although the backend accepted the subscribe", x.fields(lifting, zap.Error(err))...)
	default:
		x.h.logger.Info("opt-out lifted: subscribed again", x.fields(lifting, zap.Uint64("event", event.Number))...)
	}
}
