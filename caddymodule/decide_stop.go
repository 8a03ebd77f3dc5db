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
