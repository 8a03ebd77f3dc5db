package caddymodule

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// maskedPhone logs a phone as 1206*****12.
func maskedPhone(n phone.Number) zap.Field { return zap.String("phone", n.String()) }

// fullPhone logs a phone in full, for operators who asked for it with
// `log_phones full`.
func fullPhone(n phone.Number) zap.Field { return zap.String("phone", n.Digits()) }

// fields describe the request and what was decided about it for a log line of
// ours: never its password, and its phone only as the configuration allows.
func (x *exchange) fields(d decision, more ...zap.Field) []zap.Field {
	return append([]zap.Field{zap.Inline(loggedCall{x, d})}, more...)
}

// loggedCall is a call as it appears in a log line. Operators search for the names
// of its fields: docs/operations.md lists them.
type loggedCall struct {
	x *exchange
	d decision
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (l loggedCall) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	h, call := l.x.h, &l.x.call
	enc.AddString("call", call.Kind.String())
	enc.AddString("outcome", l.d.outcome.String())
	if l.d.code != "" {
		enc.AddString("code", l.d.code)
	}
	enc.AddString("decision", l.x.decisionID())
	if l.x.held.InForce {
		enc.AddString("scope", scopeOf(l.x.held.Pair))
		enc.AddUint64("opt_out", l.x.held.Number)
	}
	enc.AddString("remote", clientIP(l.x.r))
	if h.app.accounts.knows(call.Realm) { // else it is whatever a stranger wrote
		enc.AddString("realm", call.Realm)
	}
	if len(call.Recipients) == 0 {
		return nil
	}
	to := call.Recipients[0]
	if len(to.Phones) > 0 {
		h.phones(to.Phones[0]).AddTo(enc)
	}
	if len(to.Senders) > 0 {
		enc.AddString("sender", h.sender(to.Senders[0]))
	}
	if n := len(call.Recipients); n > 1 {
		enc.AddInt("recipients", n)
	}
	return nil
}

// sender is a sender code as it appears in a log line. One that could be somebody's
// phone is masked like one: clients mix the two arguments up.
func (h *Handler) sender(s phone.Sender) string {
	if len(s) >= minPhone && h.app.LogPhones != logPhonesFull {
		if n, err := phone.ParseNumber(string(s)); err == nil {
			return n.String()
		}
	}
	return string(s)
}

// minPhone is the shortest sender that is taken for a phone in a log line. Short
// codes have up to 6 digits, subscriber numbers 7 and more.
const minPhone = 7

// logRefusal logs a request that is at fault itself.
func (x *exchange) logRefusal(refusal *smsapi.Refusal, o outcome) {
	message := "refused"
	if o == outcomeWouldBlock {
		message = "would refuse"
	}
	x.h.logger.Warn(message, x.fields(decision{outcome: o, code: refusal.Code},
		zap.String("reason", refusal.Reason),
		zap.Int("status", refusal.Status),
		zap.String("method", knownMethod(x.r.Method)),
	)...)
}

// knownMethod keeps what a client made up out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return method
	default:
		return "other"
	}
}

// logPanic logs where a panic came from. Its value may hold a part of the request,
// the type of the value will not.
func (h *Handler) logPanic(message string, v any) {
	h.logger.Error(message, zap.String("type", fmt.Sprintf("%T", v)), zap.ByteString("stack", debug.Stack()))
}
