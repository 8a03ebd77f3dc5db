package caddymodule

import (
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// standbys are the stand-ins of configurations whose app has not been provisioned.
var standbys sync.Map // of *standby, by *prometheus.Registry

// standby shows in the registry of a configuration what the app of the running one
// has to show, until the configuration's own app does. Caddy starts the admin
// endpoint of a configuration before its apps: after a load that failed early,
// /metrics is that of a registry that no app has seen, and all would be gone until
// the next load.
//
// It describes nothing in advance, which for Prometheus makes it an unchecked
// collector: the labels are those of whichever app runs.
type standby struct {
	relieved atomic.Bool
}

// Provision implements [caddy.Provisioner]. Caddy calls it before it provisions
// the apps.
func (adminAPI) Provision(ctx caddy.Context) error {
	reg := ctx.GetMetricsRegistry()
	s := new(standby)
	if err := reg.Register(s); err != nil {
		return err
	}
	standbys.Store(reg, s)
	ctx.OnCancel(func() { standbys.Delete(reg) })
	return nil
}

// relieve ends the stand-in of a registry, if there is one.
func relieve(reg *prometheus.Registry) {
	if s, ok := standbys.LoadAndDelete(reg); ok {
		s.(*standby).relieved.Store(true)
	}
}

// Describe implements [prometheus.Collector].
func (*standby) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (s *standby) Collect(ch chan<- prometheus.Metric) {
	if s.relieved.Load() {
		return
	}
	app := activeApp()
	if app == nil {
		return
	}
	newAppCollector(app).Collect(ch)
	for _, c := range meters.collectors {
		c.Collect(ch)
	}
}

// Interface guards
var (
	_ caddy.Provisioner    = adminAPI{}
	_ prometheus.Collector = (*standby)(nil)
)
