package caddymodule

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/smsapi"
)

// recordTimeout bounds the wait for a change to be durable.
const recordTimeout = 10 * time.Second

// stop records an opt-out. It is done once it is durable, whether or not the
// client is still there to hear so.
func (x *exchange) stop() decision {
	if x.relayed() {
		return x.refuse(refusedLoop)
	}
	switch x.login() {
	case right:
	case busy:
		x.h.logger.Warn("stop not recorded: too many passwords are waiting to be checked", x.fields(tooBusy)...)
		return tooBusy
	default:
		x.h.logger.Warn("stop not recorded: unknown realm or wrong password", x.fields(badLogin)...)
		return badLogin
	}
	to := x.call.Recipients[0]
	change := optoutstore.Change{
		Pair:      optoutstore.Pair{Realm: x.call.Realm, Sender: to.Senders[0], Phone: to.Phones[0]},
		Source:    optoutstore.SourceAPIWeb,
		Remote:    clientIP(x.r),
		RequestID: x.decisionID(),
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), recordTimeout)
	defer cancel()
	event, err := x.store.OptOut(ctx, change)
	if err != nil {
		x.h.logger.Error("stop not recorded: the list cannot be written", x.fields(unavailable, zap.Error(err))...)
		return unavailable
	}
	d := decision{outcome: outcomeRecorded, answer: smsapi.Answer{Outcome: smsapi.Recorded}}
	if event.Kind == optoutstore.OptedOutAgain {
		d.outcome = outcomeRepeated
	}
	x.h.logger.Info("stop recorded", x.fields(d, zap.String("kind", event.Kind.String()), zap.Uint64("event", event.Number))...)
	return d
}

// badLogin is what a stop gets for a realm or password that is not known.
var badLogin = decision{
	answer:  smsapi.Answer{Outcome: smsapi.BadCredentials},
	outcome: outcomeRefused,
	code:    codeOf(smsapi.BadCredentials),
}
