package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/smsapi"
)

// exchange is one guarded request on its way through the handler. It is reused.
type exchange struct {
	h    *Handler
	api  smsapi.API
	r    *http.Request
	call smsapi.Call
	body smsapi.Body

	meant   []string     // the realms that one which is not configured may be to the backend
	found   string       // the one of them that holds an opt-out
	store   *sharedStore // set while this exchange is inside it
	blocked []int
	held    optoutstore.State // the opt-out that blocks, if there is one

	checked bool // whether verdict is that of the password
	verdict verdict

	release func() // of what hold holds
	unsure  bool   // whether the next handler has seen the backend's answer

	began   time.Duration // since the handler was provisioned
	id      string        // see decisionID
	refused bool          // for its head, and forwarded all the same
	span    trace.Span
}

func (x *exchange) begin(h *Handler, api smsapi.API, r *http.Request) {
	x.h, x.api, x.r = h, api, r
	x.body = smsapi.NewBody(r, h.MaxBody)
	x.began = time.Since(h.provisioned)
	x.beginSpan()
}

// end forgets the request, its password and its body with it.
func (x *exchange) end() {
	x.letGo()
	if x.span != nil {
		x.span.End()
	}
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
	action  action
	answer  smsapi.Answer
	outcome outcome
	code    string // why it is answered, or would be; empty where nothing is in the way

	// fromList: what the list holds has decided, and the decision shows it.
	fromList bool
}

// retryAfter is what a client is told when the list or the credentials cannot be
// asked at present, in seconds.
const retryAfter = 5

var (
	pass        = decision{action: forward, outcome: outcomeForwarded}
	broken      = failure(smsapi.Broken)
	unavailable = failure(smsapi.Unavailable)
	tooBusy     = failure(smsapi.Busy)
	relayBusy   = failure(smsapi.RelayBusy)
)

// failure is the decision where nothing could be decided.
func failure(o smsapi.Outcome) decision {
	d := decision{answer: smsapi.Answer{Outcome: o}, outcome: outcomeFailed, code: codeOf(o)}
	if o != smsapi.Broken {
		d.answer.RetryAfter = retryAfter
	}
	return d
}

// decide reads the request and says what becomes of it. A panic on the way is an
// answer, never a forwarded request.
func (x *exchange) decide() (d decision) {
	defer func() {
		if v := recover(); v != nil {
			if x.store != nil {
				x.store.leave()
			}
			meters.panics.Inc()
			logPanic(x.h.logger, "panic while deciding about a request; it was not forwarded", v)
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
	case x.call.RealmFolded && x.call.Kind != smsapi.Stop && !x.h.app.accounts.knows(x.call.Realm):
		return x.refuse(refusedRealm)
	case !x.complete():
		x.h.logger.Error("the API's module has read a call without what it needs; it was not forwarded", x.fields(broken)...)
		return broken
	case x.call.Kind == smsapi.FanOut && x.h.FanOut == fanOutForward:
		return pass
	case x.call.Kind == smsapi.FanOut && x.h.FanOut == fanOutBlock:
		return x.block(smsapi.FanOutBlocked)
	case unusable != nil:
		meters.storeFailed(opOpen, unusable)
		return x.storeFailed(unusable)
	case x.call.Kind == smsapi.Stop:
		return x.stop()
	case !x.h.app.accounts.knows(x.call.Realm):
		if x.meant = x.h.app.accounts.meant(x.call.Realm); len(x.meant) > maxMeant {
			return x.refuse(refusedRealm)
		}
	}
	switch x.call.Kind {
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

// refusedRealm is the answer to a send on an account that is none of the gateway's, if
// it is written with characters outside ASCII, or those of lists and quotes, or is a pattern
// for many. Collations of databases find accounts by thousands of such spellings: a Bengali
// visarga behind the name is nothing to MySQL's default, and a sharp s is one s or two. No
// table of ours would hold them all.
var refusedRealm = &smsapi.Refusal{
	Status: http.StatusBadRequest,
	Code:   "realm_unknown",
	Reason: "The realm is none that this gateway knows, and holds commas, quotes, tags, wildcards or characters outside ASCII, so write it as it was given to you",
}

// maxMeant is how many configured realms another may mean before it is taken for a
// pattern: each is asked about.
const maxMeant = 16

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
	meters.refused(refusal.Code)
	if x.h.observes() && x.call.Kind != smsapi.Stop {
		x.logRefusal(refusal, outcomeWouldBlock)
		return decision{action: forward, outcome: outcomeWouldBlock, code: refusal.Code}
	}
	x.logRefusal(refusal, outcomeRefused)
	return decision{
		answer:  smsapi.Answer{Outcome: smsapi.Refused, Refusal: refusal},
		outcome: outcomeRefused,
		code:    refusal.Code,
	}
}

// block answers a request that would message someone against their will. Only
// who knows the realm's password learns why; to others it is a failed login, the
// same as a stop's.
func (x *exchange) block(why smsapi.Outcome) decision {
	if x.found != "" {
		x.call.Realm, x.checked = x.found, false
	}
	d := decision{outcome: outcomeBlocked, code: codeOf(why), answer: smsapi.Answer{Outcome: why, Blocked: x.blocked}}
	message := "blocked"
	switch {
	case x.h.observes():
		d = decision{action: forward, outcome: outcomeWouldBlock, code: codeOf(why), fromList: true}
		message = "would block"
	case x.h.app.accounts.knows(x.call.Realm):
		switch x.login() {
		case right:
		case busy:
			// Not to be sent again by a client library, whatever the password.
			message = "blocked; the password could not be checked in time"
			d.answer = smsapi.Answer{Outcome: smsapi.Busy}
		default:
			message = "blocked; the password is wrong as well"
			d.answer = smsapi.Answer{Outcome: smsapi.BadCredentials}
		}
	}
	x.h.logger.Info(message, x.fields(d)...)
	if d.outcome == outcomeBlocked {
		x.announceBlock(d)
	}
	return d
}

// storeFailed decides where the list cannot tell.
func (x *exchange) storeFailed(err error) decision {
	if errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
		return unavailable // the client has gone
	}
	d := unavailable
	if x.call.Kind != smsapi.Stop && (x.h.OnStoreError == onStoreErrorForward || x.h.observes()) {
		meters.unchecked.Inc()
		d = pass
		d.code = unavailable.code
	}
	logger := x.h.logger
	x.h.app.trouble.note(causeOf(err)+" "+d.outcome.String(), func() {
		logger.Error("the opt-out list cannot be asked", x.fields(d, zap.Error(err))...)
	}, func(repeated uint64) {
		logger.Error("the opt-out list still cannot be asked", zap.Stringer("outcome", d.outcome),
			zap.Uint64("repeated", repeated), zap.Error(err))
	})
	return d
}

// login checks the password, once for a realm.
func (x *exchange) login() verdict {
	if !x.checked {
		x.verdict = x.h.app.accounts.verify(x.r.Context(), x.call.Realm, x.call.Password, clientIP(x.r))
		x.checked = true
	}
	return x.verdict
}

func (h *Handler) observes() bool { return h.Mode == modeObserve }

// clientIP is the address that the request came from, as Caddy's trusted proxies
// have it.
func clientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}
