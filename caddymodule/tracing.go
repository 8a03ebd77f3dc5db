package caddymodule

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracerName says in a trace who made a span.
const tracerName = "github.com/stopgate/stopgate/caddymodule"

// beginSpan begins the decision's span if the request is being traced. Caddy has no
// tracer for all; the one to use comes with the request, from its `tracing`.
func (x *exchange) beginSpan() {
	parent := trace.SpanFromContext(x.r.Context())
	if !parent.IsRecording() {
		return
	}
	_, x.span = parent.TracerProvider().Tracer(tracerName).Start(x.r.Context(), "sms_optout decide",
		trace.WithAttributes(attribute.String("sms_optout.mode", x.h.Mode)))
}

// endSpan says what was decided. Phones, senders and realms are not part of it.
func (x *exchange) endSpan(d decision) {
	if x.span == nil {
		return
	}
	x.span.SetAttributes(
		attribute.String("sms_optout.call", x.call.Kind.String()),
		attribute.String("sms_optout.outcome", d.outcome.String()),
	)
	if d.code != "" {
		x.span.SetAttributes(attribute.String("sms_optout.code", d.code))
	}
	if scope := x.scope(); scope != "" {
		x.span.SetAttributes(attribute.String("sms_optout.scope", scope))
	}
	if !d.passes() {
		x.span.SetAttributes(attribute.String("sms_optout.decision", x.decisionID()))
	}
	if d.outcome == outcomeFailed {
		x.span.SetStatus(codes.Error, d.code)
	}
	x.span.End()
	x.span = nil
}
