package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler stands in front of an SMS backend. It answers requests to stop
// messaging a phone itself, and lets a send through only if its phone has not
// opted out of its sender. What passes reaches the next handler as it came.
//
// All fields have defaults; an empty Handler enforces.
type Handler struct {
	// What to do with a send to someone who has opted out: `enforce` (default)
	// blocks it, `observe` logs that it would be blocked and forwards it. Stops
	// are recorded either way.
	Mode string `json:"mode,omitempty"`

	// What to do with a send while the list cannot be read: `block` (default)
	// answers 503, `forward` lets it pass.
	OnStoreError string `json:"on_store_error,omitempty"`

	// What to do with a send whose recipients only the backend knows: `safe`
	// (default) forwards it only if there is no opt-out that the backend may not
	// know of, `block` never, `forward` always.
	FanOut string `json:"fan_out,omitempty"`

	// What to do with a request that puts an opted-out phone back on a sender:
	// `refuse` (default), `lift` the opt-out once the backend has accepted it, or
	// `forward` and keep the opt-out.
	Subscribe string `json:"subscribe,omitempty"`

	// How many bytes of a guarded request's body are read; a longer one is
	// refused with 413. Default: 1 MiB.
	MaxBody int64 `json:"max_body,omitempty"`

	// Under mode `observe`, the name of a response header that says what would have
	// become of a request that would have been blocked or refused. Default: none.
	ObserveHeader string `json:"observe_header,omitempty"`

	// The APIs that are guarded. Default: whatcounts.
	APIsRaw []json.RawMessage `json:"api,omitempty" caddy:"namespace=sms_optout.apis inline_key=api"`

	app    *App
	apis   []smsapi.API
	logger *zap.Logger

	exchanges *sync.Pool

	// provisioned is what requests are timed from: how long ago a moment was is read
	// in half the time that it takes to read the clock.
	provisioned time.Time
}

// APIProvider is what a module in the namespace sms_optout.apis implements.
type APIProvider interface {
	// NewAPI returns the API for numbers of a region.
	NewAPI(*phone.Region) smsapi.API
}

// The values of a Handler's fields. The first of each is the default.
var (
	modeValues         = []string{modeEnforce, modeObserve}
	onStoreErrorValues = []string{onStoreErrorBlock, onStoreErrorForward}
	fanOutValues       = []string{fanOutSafe, fanOutBlock, fanOutForward}
	subscribeValues    = []string{subscribeRefuse, subscribeLift, subscribeForward}
)

const (
	modeEnforce = "enforce"
	modeObserve = "observe"

	onStoreErrorBlock   = "block"
	onStoreErrorForward = "forward"

	fanOutSafe    = "safe"
	fanOutBlock   = "block"
	fanOutForward = "forward"

	subscribeRefuse  = "refuse"
	subscribeLift    = "lift"
	subscribeForward = "forward"

	defaultMaxBody = 1 << 20
	// maxMaxBody bounds what one request may hold in memory.
	maxMaxBody = 64 << 20
)

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.sms_optout",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision fills the defaults and finds the list.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	h.provisioned = time.Now()
	for _, option := range []struct {
		name    string
		value   *string
		allowed []string
	}{
		{"mode", &h.Mode, modeValues},
		{"on_store_error", &h.OnStoreError, onStoreErrorValues},
		{"fan_out", &h.FanOut, fanOutValues},
		{"subscribe", &h.Subscribe, subscribeValues},
	} {
		if err := choose(option.name, option.value, option.allowed); err != nil {
			return err
		}
	}
	if h.MaxBody == 0 {
		h.MaxBody = defaultMaxBody
	}
	if h.MaxBody < 0 || h.MaxBody > maxMaxBody {
		return fmt.Errorf("max_body: %d is not allowed; use 1 byte to 64MiB", h.MaxBody)
	}
	if h.ObserveHeader != "" && !httpguts.ValidHeaderFieldName(h.ObserveHeader) {
		return fmt.Errorf("observe_header: '%s' is no header name; use one such as X-Optout-Observed", h.ObserveHeader)
	}

	app, err := ctx.App(appName)
	if err != nil {
		return fmt.Errorf("the sms_optout list: %w", err)
	}
	h.app = app.(*App)

	if err := h.loadAPIs(ctx); err != nil {
		return err
	}
	for _, api := range h.apis {
		meters.expect(api)
	}
	h.exchanges = &sync.Pool{New: func() any { return new(exchange) }}
	return nil
}

func choose(name string, value *string, allowed []string) error {
	if *value == "" {
		*value = allowed[0]
		return nil
	}
	for _, a := range allowed {
		if *value == a {
			return nil
		}
	}
	return notAllowed(name, *value, allowed)
}

func (h *Handler) loadAPIs(ctx caddy.Context) error {
	if len(h.APIsRaw) == 0 {
		h.apis = []smsapi.API{WhatCounts{}.NewAPI(h.app.region)}
		return nil
	}
	mods, err := ctx.LoadModule(h, "APIsRaw")
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	for _, mod := range mods.([]any) {
		p, ok := mod.(APIProvider)
		if !ok {
			return fmt.Errorf("api: module %T reads no SMS API", mod)
		}
		h.apis = append(h.apis, p.NewAPI(h.app.region))
	}
	return nil
}

// ServeHTTP decides about one request and answers it or passes it on.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if len(r.Header["Upgrade"]) > 0 {
		smsapi.DropOffer(r, h.guarding(r) != nil)
	}
	refused, answered := h.refuseHead(w, r)
	if answered {
		return nil
	}
	api := h.guarding(r)
	if api == nil {
		dropTrailers(r)
		return next.ServeHTTP(w, r)
	}

	x := h.begin(api, r)
	defer h.end(x)
	x.refused = refused

	d := x.decide()
	if d.action == forwardAndLift {
		defer x.store.leave()
	}
	x.settle(w, d)
	if d.action == answer {
		api.Answer(w, &x.call, d.answer)
		return nil
	}
	x.unsure = true
	var err error
	if d.action == forwardAndLift {
		err = x.forwardAndLift(w, next)
	} else {
		err = next.ServeHTTP(x.watched(w), r)
	}
	x.unsure = err != nil || r.Context().Err() != nil
	return err
}

// dropTrailers keeps the trailers of a request from the backend, as whoever passes it on may do
// (RFC 9110, section 6.5.1). Puma before 5.6.7 takes the end of long ones for the next request
// (CVE-2023-40175), which would be a send that nobody has checked. net/http fills in those of the
// request that Caddy's server has made this one of; what it has no map for is gone.
func dropTrailers(r *http.Request) { r.Trailer = nil }

// refuseHead refuses what no API lets pass on any path. To observe it is noted, and
// goes on: it may be a stop all the same.
func (h *Handler) refuseHead(w http.ResponseWriter, r *http.Request) (refused, answered bool) {
	for _, api := range h.apis {
		refusal := smsapi.HeadRefusal(api, r)
		if refusal == nil {
			continue
		}
		x := h.begin(api, r)
		defer h.end(x)
		d := x.refuse(refusal)
		x.settle(w, d)
		if d.action == answer {
			api.Answer(w, &x.call, d.answer)
		}
		return true, d.action == answer
	}
	return false, false
}

// begin takes an exchange for a request. It is given back by end.
func (h *Handler) begin(api smsapi.API, r *http.Request) *exchange {
	x := h.exchanges.Get().(*exchange)
	x.begin(h, api, r)
	return x
}

func (h *Handler) end(x *exchange) {
	x.end()
	h.exchanges.Put(x)
}

// guarding returns the API that has r for an endpoint of its own, or nil. It looks
// at what the request has become, and at what it was before it was rewritten: a
// FastCGI backend is told that in REQUEST_URI, and many go by it.
func (h *Handler) guarding(r *http.Request) smsapi.API {
	for _, api := range h.apis {
		if api.Guards(r.URL) {
			return api
		}
	}
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil || original.URL.Path == r.URL.Path && original.URL.RawPath == r.URL.RawPath {
		return nil
	}
	for _, api := range h.apis {
		if api.Guards(original.URL) {
			return api
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
