package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"
)

// storeLogger returns a logger for a store. A store outlives the configuration
// that opened it, and with it that configuration's logs; each line goes to those
// of the configuration in force.
func storeLogger() *slog.Logger { return slog.New(currentLogs{name: appName + ".store"}) }

// currentLogs is a slog.Handler that looks for Caddy's logger at each line.
type currentLogs struct {
	name string
	// with replays WithAttrs and WithGroup.
	with func(slog.Handler) slog.Handler
}

func (l currentLogs) handler() slog.Handler {
	var h slog.Handler = zapslog.NewHandler(caddy.Log().Core(), zapslog.WithName(l.name), zapslog.AddStacktraceAt(slog.Level(100)))
	if l.with != nil {
		h = l.with(h)
	}
	return h
}

func (l currentLogs) Enabled(ctx context.Context, level slog.Level) bool {
	return l.handler().Enabled(ctx, level)
}

func (l currentLogs) Handle(ctx context.Context, r slog.Record) error {
	return l.handler().Handle(ctx, r)
}

func (l currentLogs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return l.and(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (l currentLogs) WithGroup(name string) slog.Handler {
	return l.and(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (l currentLogs) and(next func(slog.Handler) slog.Handler) slog.Handler {
	before := l.with
	return currentLogs{name: l.name, with: func(h slog.Handler) slog.Handler {
		if before != nil {
			h = before(h)
		}
		return next(h)
	}}
}

// Interface guards
var _ slog.Handler = currentLogs{}
