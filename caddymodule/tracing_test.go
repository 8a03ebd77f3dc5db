package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// tracer is a handler that traces requests as Caddy's `tracing` does, for a test
// to look at.
type tracer struct{}

var recorder = sync.OnceValues(func() (*tracetest.SpanRecorder, *sdktrace.TracerProvider) {
	r := tracetest.NewSpanRecorder()
	return r, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r))
})

func init() {
	caddy.RegisterModule(tracer{})
	httpcaddyfile.RegisterHandlerDirective("stopgate_test_tracing", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return tracer{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("stopgate_test_tracing", httpcaddyfile.Before, "rewrite")
}

func (tracer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.stopgate_test_tracing", New: func() caddy.Module { return new(tracer) }}
}

func (tracer) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	_, provider := recorder()
	ctx, span := provider.Tracer("test").Start(r.Context(), "request")
	defer span.End()
	return next.ServeHTTP(w, r.WithContext(ctx))
}

func TestTracing(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{before: "stopgate_test_tracing"})
	spans, _ := recorder()
	for _, tc := range []struct {
		query string
		want  map[string]string
	}{
		{stopOf(heldPhone), map[string]string{"call": "stop", "outcome": "recorded"}},
		{sendTo(heldPhone), map[string]string{"call": "send", "outcome": "blocked", "code": "opted_out", "scope": "pair"}},
		{sendTo(freePhone), map[string]string{"call": "send", "outcome": "forwarded"}},
	} {
		begun := len(spans.Ended())
		r := g.get(tc.query)
		eventually(t, "the spans have ended", func() bool { return len(spans.Ended()) == begun+2 })
		span := spans.Ended()[begun] // the request's ends after it
		parent := spans.Ended()[begun+1]
		if span.Name() != "sms_optout decide" || span.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Fatalf("%s in %s", span.Name(), parent.Name())
		}
		got := make(map[string]string)
		for _, a := range span.Attributes() {
			got[strings.TrimPrefix(string(a.Key), "sms_optout.")] = a.Value.AsString()
		}
		tc.want["mode"] = "enforce"
		if id := r.Header.Get(decisionHeader); id != "" {
			tc.want["decision"] = id
		}
		if fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%v, want %v", got, tc.want)
		}
	}
}
