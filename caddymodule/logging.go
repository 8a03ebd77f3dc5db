package caddymodule

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

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
	if scope := l.x.scope(); scope != "" {
		enc.AddString("scope", scope)
		enc.AddUint64("opt_out", l.x.held.Number)
	}
	enc.AddString("remote", clientIP(l.x.r))
	if h.app.accounts.knows(call.Realm) { // else it is whatever a stranger wrote
		enc.AddString("realm", call.Realm)
	}
	to := l.x.subject()
	if len(to.Phones) > 0 {
		h.app.phoneField(to.Phones[0]).AddTo(enc)
	}
	if len(to.Senders) > 0 {
		enc.AddString("sender", h.app.shownSender(to.Senders[0]))
	}
	if n := len(call.Recipients); n > 1 {
		enc.AddInt("recipients", n)
	}
	return nil
}

// eventFields describe a change of the list, under the names that fields have for
// requests. Actor and reason stay in the history: they are free text.
func (a *App) eventFields(e optoutstore.Event) []zap.Field {
	return []zap.Field{
		zap.String("kind", e.Kind.String()),
		zap.Uint64("event", e.Number),
		zap.String("decision", e.RequestID),
		zap.String("source", string(e.Source)),
		zap.String("remote", e.Remote),
		zap.String("realm", e.Realm),
		a.phoneField(e.Phone),
		zap.String("sender", a.shownSender(e.Sender)),
	}
}

// phoneField logs a phone as the configuration has it.
func (a *App) phoneField(n phone.Number) zap.Field {
	if a.LogPhones == logPhonesFull {
		return zap.String("phone", n.Digits())
	}
	return zap.String("phone", n.String()) // 1206*****12
}

// shownSender is a sender code as it appears in a log line.
func (a *App) shownSender(s phone.Sender) string {
	if a.LogPhones == logPhonesFull {
		return string(s)
	}
	return maskedSender(s)
}

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
func logPanic(logger *zap.Logger, message string, v any) {
	logger.Error(message, zap.String("type", fmt.Sprintf("%T", v)), zap.ByteString("stack", debug.Stack()))
}
