package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/stopgate/stopgate/smsapi"
)

// The placeholders of a guarded request, for access logs and what comes behind.
const (
	placeholderCall     = "http.sms_optout.call"
	placeholderOutcome  = "http.sms_optout.outcome"
	placeholderDecision = "http.sms_optout.decision"
	placeholderScope    = "http.sms_optout.scope"
)

// passing provides the placeholders of requests that simply pass, by call: one
// function for all of them, so that nothing is allocated for who does not ask.
var passing = func() (fs [calls]caddy.ReplacerFunc) {
	for k := range calls {
		call := smsapi.Kind(k).String()
		fs[k] = func(key string) (any, bool) {
			switch key {
			case placeholderCall:
				return call, true
			case placeholderOutcome:
				return outcomeForwarded.String(), true
			case placeholderDecision, placeholderScope:
				return "", true
			default:
				return nil, false
			}
		}
	}
	return fs
}()

// setPlaceholders makes a decision known to the other handlers of the request.
// Where there are two sms_optout handlers in a row, what is set counts before what
// is provided: the one that had something to say is heard.
func (x *exchange) setPlaceholders(d decision) {
	repl := replacer(x.r)
	switch {
	case repl == nil:
	case d.passes():
		repl.Map(passing[kindIndex(x.call.Kind)])
	default:
		repl.Set(placeholderCall, x.call.Kind.String())
		repl.Set(placeholderOutcome, d.outcome.String())
		repl.Set(placeholderDecision, x.decisionID())
		repl.Set(placeholderScope, x.scope())
	}
}

// replacer is the request's, or nil outside of Caddy's server.
func replacer(r *http.Request) *caddy.Replacer {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	return repl
}
