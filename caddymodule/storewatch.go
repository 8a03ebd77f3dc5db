package caddymodule

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/optoutstore"
)

// watchEvery is how often an open store is asked how it is.
const watchEvery = time.Second

// storeWatch tells of a store that no longer can do everything, and of its
// recovery: one line and one event each, however many requests meet it.
type storeWatch struct {
	store *sharedStore
	stop  chan struct{}
	done  chan struct{}

	since     time.Time // since when it is degraded; zero if it is not
	last      optoutstore.Health
	announced bool // that it is degraded
}

func newStoreWatch(s *sharedStore) *storeWatch {
	return &storeWatch{store: s, stop: make(chan struct{}), done: make(chan struct{})}
}

// run looks until the store is closed.
func (w *storeWatch) run(every time.Duration) {
	defer close(w.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case now := <-tick.C:
			w.look(now)
		}
	}
}

// end waits for the last look, but not for ever: a handler of its event may hang.
func (w *storeWatch) end(most time.Duration) {
	close(w.stop)
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-w.done:
	case <-t.C:
	}
}

func (w *storeWatch) look(now time.Time) {
	h := w.health()
	degraded := !h.Readable || !h.Writable || h.Damaged
	log := caddy.Log().Named(appName)
	switch {
	case degraded && (w.since.IsZero() || h.Readable != w.last.Readable || h.Writable != w.last.Writable || h.Damaged != w.last.Damaged):
		if w.since.IsZero() {
			w.since = now
		}
		log.Error("the opt-out list is degraded", zap.Bool("readable", h.Readable), zap.Bool("writable", h.Writable),
			zap.Bool("damaged", h.Damaged), zap.String("reason", h.Reason))
	case !degraded && !w.since.IsZero():
		log.Info("the opt-out list has recovered", zap.Duration("after", now.Sub(w.since)))
	}
	w.announce(now, h, degraded)
	if !degraded {
		w.since = time.Time{}
	}
	w.last = h
}

// announce emits the change once a configuration runs that uses the store: while
// the first one is being loaded, nobody listens yet.
func (w *storeWatch) announce(now time.Time, h optoutstore.Health, degraded bool) {
	if degraded == w.announced {
		return
	}
	app := activeApp()
	if app == nil || app.shared.Load() != w.store {
		return
	}
	w.announced = degraded
	if degraded {
		app.emit(eventStoreDegraded, func() map[string]any {
			return map[string]any{"readable": h.Readable, "writable": h.Writable, "damaged": h.Damaged, "reason": h.Reason}
		})
		return
	}
	seconds := now.Sub(w.since).Seconds()
	app.emit(eventStoreRecovered, func() map[string]any { return map[string]any{"seconds": int64(seconds)} })
}

// health asks the store. A store of another's making that panics is degraded.
func (w *storeWatch) health() (h optoutstore.Health) {
	defer func() {
		if v := recover(); v != nil {
			meters.panics.Inc()
			h = optoutstore.Health{Reason: fmt.Sprintf("the store panicked when asked how it is: %T", v)}
		}
	}()
	return w.store.Health()
}
