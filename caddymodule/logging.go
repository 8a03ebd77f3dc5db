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

// callField describes the request for a log line of ours: never its password, and
// its phone only as the configuration allows.
func (x *exchange) callField() zap.Field {
	return zap.Inline(loggedCall{h: x.h, r: x.r, call: &x.call})
}

// loggedCall is a call as it appears in a log line.
type loggedCall struct {
	h    *Handler
	r    *http.Request
	call *smsapi.Call
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (l loggedCall) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("call", l.call.Kind.String())
	enc.AddString("remote", clientIP(l.r))
	if l.h.app.accounts.knows(l.call.Realm) { // else it is whatever a stranger wrote
		enc.AddString("realm", l.call.Realm)
	}
	if len(l.call.Recipients) == 0 {
		return nil
	}
	to := l.call.Recipients[0]
	if len(to.Phones) > 0 {
		l.h.phones(to.Phones[0]).AddTo(enc)
	}
	if len(to.Senders) > 0 {
		enc.AddString("sender", l.h.sender(to.Senders[0]))
	}
	if n := len(l.call.Recipients); n > 1 {
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

// logRefusal logs a request that is at fault itself, and whether it was forwarded
// all the same.
func (h *Handler) logRefusal(r *http.Request, call *smsapi.Call, refusal *smsapi.Refusal, forwarded bool) {
	message := "refused"
	if forwarded {
		message = "would refuse"
	}
	c := h.logger.Check(zapcore.WarnLevel, message)
	if c == nil {
		return
	}
	c.Write(
		zap.String("code", refusal.Code),
		zap.String("reason", refusal.Reason),
		zap.Int("status", refusal.Status),
		zap.String("method", knownMethod(r.Method)),
		zap.Inline(loggedCall{h: h, r: r, call: call}),
	)
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

func outcomeName(o smsapi.Outcome) string {
	switch o {
	case smsapi.OptedOut:
		return "opted_out"
	case smsapi.Resubscribed:
		return "resubscribed"
	case smsapi.FanOutUnsafe:
		return "fan_out_unsafe"
	case smsapi.FanOutBlocked:
		return "fan_out_blocked"
	default:
		return "other"
	}
}

// logPanic logs where a panic came from. Its value may hold a part of the request,
// the type of the value will not.
func (h *Handler) logPanic(message string, v any) {
	h.logger.Error(message, zap.String("type", fmt.Sprintf("%T", v)), zap.ByteString("stack", debug.Stack()))
}
