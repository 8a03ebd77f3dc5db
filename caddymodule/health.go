package caddymodule

import (
	"fmt"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(Health{})
	httpcaddyfile.RegisterHandlerDirective("sms_optout_health", parseHealth)
	// Beside the other directives that answer by themselves.
	httpcaddyfile.RegisterDirectiveOrder("sms_optout_health", httpcaddyfile.Before, "metrics")
}

// Health answers a load balancer that asks whether the list works: 200 if it does,
// 503 if not. It answers every request that reaches it, so give it a path of its
// own.
//
// The answer says what the list can do, and not why not: that is in the log.
type Health struct {
	// What the list must be able to do: `write` (default) to be asked and to record
	// stops, `read` to be asked.
	Require string `json:"require,omitempty"`

	app *App
}

var requireValues = []string{requireWrite, requireRead}

const (
	requireWrite = "write"
	requireRead  = "read"
)

// CaddyModule returns the Caddy module information.
func (Health) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.sms_optout_health",
		New: func() caddy.Module { return new(Health) },
	}
}

// Provision fills the defaults and finds the list.
func (h *Health) Provision(ctx caddy.Context) error {
	if err := choose("require", &h.Require, requireValues); err != nil {
		return err
	}
	app, err := ctx.App(appName)
	if err != nil {
		return fmt.Errorf("the sms_optout list: %w", err)
	}
	h.app = app.(*App)
	return nil
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return nil
	}
	var readable, writable bool
	if store := h.app.enterStore(); store != nil {
		health := store.Health()
		store.leave()
		readable, writable = health.Readable, health.Writable
	}
	status := http.StatusOK
	if !readable || h.Require == requireWrite && !writable {
		status = http.StatusServiceUnavailable
		header.Set("Retry-After", fmt.Sprint(retryAfter))
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A client that has gone away is no error here.
	_, _ = io.WriteString(w, fmt.Sprintf("{\"readable\":%t,\"writable\":%t}\n", readable, writable))
	return nil
}

func parseHealth(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Health)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

// UnmarshalCaddyfile sets up the handler from the directive:
//
//	sms_optout_health [<matcher>] {
//	    require write|read # default: write
//	}
func (h *Health) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.Errf("sms_optout_health takes no argument but a matcher; '%s' is none", d.Val())
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "require":
			if err := oneOf(d, &h.Require, requireValues); err != nil {
				return err
			}
		default:
			return d.Errf("unknown option '%s'; sms_optout_health knows require", d.Val())
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Health)(nil)
	_ caddyhttp.MiddlewareHandler = (*Health)(nil)
	_ caddyfile.Unmarshaler       = (*Health)(nil)
)
