package caddymodule

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// watch is a handler in front of sms_optout that lets a test see the context of
// the request that came last.
type watch struct{}

var watched atomic.Pointer[http.Request]

func init() {
	caddy.RegisterModule(watch{})
	httpcaddyfile.RegisterHandlerDirective("stopgate_test_watch", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return watch{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("stopgate_test_watch", httpcaddyfile.Before, "rewrite")
}

func (watch) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.stopgate_test_watch", New: func() caddy.Module { return new(watch) }}
}

func (watch) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	watched.Store(r)
	return next.ServeHTTP(w, r)
}

// waitUntilGone waits until the server has noticed that the client of the request
// that came last has gone.
func waitUntilGone(t *testing.T) {
	t.Helper()
	eventually(t, "the server notices that the client has gone", func() bool { return watched.Load().Context().Err() != nil })
}
