package caddymodule

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stopgate/stopgate/relay"
)

func (m *processMeters) addRelay() {
	attempts := keep(m, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricPrefix + "relay_attempts_total",
		Help: "Times that the backend was told of an opt-out, by what came of it.",
	}, []string{"result"}))
	for r := range relay.Results {
		m.relays[r] = attempts.WithLabelValues(r.String())
	}
}

// relayed counts a delivery.
func (m *processMeters) relayed(_ string, r relay.Result) {
	if r < relay.Results {
		m.relays[r].Inc()
	}
}

// relayDescs are the figures of the relay at the time of looking.
type relayDescs struct {
	pending, oldest, notRelayed, down, paused, suspects *prometheus.Desc
}

func newRelayDescs(desc func(name, help string, labels ...string) *prometheus.Desc, realm []string) relayDescs {
	return relayDescs{
		pending:    desc("relay_pending", "Opt-outs in force of relayed realms that the backend was not told of.", realm...),
		oldest:     desc("relay_oldest_age_seconds", "How long ago the oldest opt-out was recorded that the relay is about to tell, 0 if there is none."),
		notRelayed: desc("relay_not_relayed", "Opt-outs in force that the backend was not told of and that nobody tells it of."),
		down:       desc("relay_backend_down", "1 if the backend does not answer the relay, 0 if it does."),
		paused:     desc("relay_paused", "1 if the relay is paused."),
		suspects:   desc("relay_suspect_realms", "Realms of which the backend fails every stop, as with a wrong password, or whose password cannot be read."),
	}
}

func (d relayDescs) all() []*prometheus.Desc {
	return []*prometheus.Desc{d.pending, d.oldest, d.notRelayed, d.down, d.paused, d.suspects}
}

// collectRelay shows what the relay of a store does, if it has one.
func (c *appCollector) collectRelay(ctx context.Context, store *sharedStore, gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	s, err := store.relay.status(ctx)
	if err != nil || s.State == relayNone {
		return
	}
	var oldest time.Time
	var pending uint64
	suspects := 0
	for _, r := range s.Realms {
		pending += r.NotTold
		if c.app.MetricsRealm {
			gauge(c.relay.pending, float64(r.NotTold), r.Realm)
		}
		if r.State == relaySuspect {
			suspects++
		}
		if r.Oldest != nil && (oldest.IsZero() || r.Oldest.Before(oldest)) {
			oldest = r.Oldest.Time
		}
	}
	if !c.app.MetricsRealm {
		gauge(c.relay.pending, float64(pending))
	}
	age := 0.0
	if !oldest.IsZero() {
		age = max(0, time.Since(oldest).Seconds())
	}
	gauge(c.relay.oldest, age)
	gauge(c.relay.notRelayed, float64(s.NotRelayed))
	gauge(c.relay.down, number(s.State == relayDown))
	gauge(c.relay.paused, number(s.State == relayPaused))
	gauge(c.relay.suspects, float64(suspects))
}
