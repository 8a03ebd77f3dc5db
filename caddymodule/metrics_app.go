package caddymodule

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/stopgate/stopgate/smsapi"
)

// provisionMetrics gives the configuration's registry what there is to see.
func (a *App) provisionMetrics(ctx caddy.Context) error {
	a.others = meters.tally("")
	if a.MetricsRealm {
		a.tallies = make(map[string]*tally, len(a.accounts.byRealm))
		for realm := range a.accounts.byRealm {
			a.tallies[realm] = meters.tally(realm)
		}
	}
	reg := ctx.GetMetricsRegistry()
	relieve(reg)
	return meters.register(reg, newAppCollector(a))
}

// tally returns where a request of a realm is counted.
func (a *App) tally(realm string) *tally {
	if t := a.tallies[realm]; t != nil {
		return t
	}
	return a.others
}

// appCollector shows what depends on the configuration: the requests, with or
// without their realm, and the store at the time of looking.
type appCollector struct {
	app *App

	requests, optOuts                   *prometheus.Desc
	readable, writable, damaged         *prometheus.Desc
	events, free, reserve               *prometheus.Desc
	lastWrite, journalBytes, indexBytes *prometheus.Desc
	relay                               relayDescs
}

func newAppCollector(a *App) *appCollector {
	var realm []string
	if a.MetricsRealm {
		realm = []string{"realm"}
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(metricPrefix+name, help, labels, nil)
	}
	return &appCollector{
		app:          a,
		requests:     desc("requests_total", "Guarded requests, and those refused on other paths, by what they asked for and what became of them.", append([]string{"call", "outcome"}, realm...)...),
		optOuts:      desc("opt_outs_in_force", "Opt-outs in force.", realm...),
		readable:     desc("store_readable", "1 if the list can be asked, 0 if sends cannot be checked."),
		writable:     desc("store_writable", "1 if opt-outs can be recorded, 0 if stops are refused."),
		damaged:      desc("store_damaged", "1 if a part of the journal can no longer be read."),
		events:       desc("store_events_total", "Events in the journal, since its first."),
		free:         desc("store_free_bytes", "Free space on the store's disk."),
		reserve:      desc("store_reserve_bytes", "The free space below which stops are refused: min_free."),
		lastWrite:    desc("store_last_write_timestamp_seconds", "When something was last recorded, in seconds since 1970."),
		journalBytes: desc("store_journal_bytes", "Size of the journal."),
		indexBytes:   desc("store_index_bytes", "Size of the index."),
		relay:        newRelayDescs(desc, realm),
	}
}

// Describe implements [prometheus.Collector].
func (c *appCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range append(c.relay.all(), c.requests, c.optOuts, c.readable, c.writable, c.damaged, c.events,
		c.free, c.reserve, c.lastWrite, c.journalBytes, c.indexBytes) {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *appCollector) Collect(ch chan<- prometheus.Metric) {
	c.collectRequests(ch)
	c.collectStore(ch)
}

func (c *appCollector) collectRequests(ch chan<- prometheus.Metric) {
	tallies := meters.realms()
	for k := range calls {
		for o := range outcomes {
			labels := []string{smsapi.Kind(k).String(), outcome(o).String()}
			if c.app.MetricsRealm {
				for realm, t := range tallies {
					ch <- prometheus.MustNewConstMetric(c.requests, prometheus.CounterValue, float64(t[k][o].Load()), append(labels, realm)...)
				}
				continue
			}
			var sum uint64
			for _, t := range tallies {
				sum += t[k][o].Load()
			}
			ch <- prometheus.MustNewConstMetric(c.requests, prometheus.CounterValue, float64(sum), labels...)
		}
	}
}

func (c *appCollector) collectStore(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	store := c.app.enterStore()
	if store == nil {
		gauge(c.readable, 0)
		gauge(c.writable, 0)
		return
	}
	defer store.leave()

	health := store.Health()
	gauge(c.readable, number(health.Readable))
	gauge(c.writable, number(health.Writable))
	gauge(c.damaged, number(health.Damaged))
	ch <- prometheus.MustNewConstMetric(c.events, prometheus.CounterValue, float64(health.Events))
	if health.FreeSpace > 0 { // else nobody knows
		gauge(c.free, float64(health.FreeSpace))
	}
	if reserve, ok := store.reserve(); ok {
		gauge(c.reserve, float64(reserve))
	}

	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	stats, err := store.Store.Stats(ctx) // which is not counted: nobody asked
	lastWrite := health.LastWrite
	if err == nil && lastWrite.IsZero() {
		lastWrite = stats.Newest
	}
	if !lastWrite.IsZero() {
		gauge(c.lastWrite, float64(lastWrite.UnixMicro())/1e6)
	}
	if err != nil {
		return // what is not known is not shown; readable says why
	}
	c.collectRelay(ctx, store, gauge)
	gauge(c.journalBytes, float64(stats.JournalBytes))
	gauge(c.indexBytes, float64(stats.IndexBytes))
	if !c.app.MetricsRealm {
		gauge(c.optOuts, float64(stats.InForce))
		return
	}
	byRealm := map[string]uint64{"": 0}
	for realm := range c.app.tallies {
		byRealm[realm] = 0
	}
	for _, s := range stats.Senders {
		realm := s.Realm
		if c.app.tallies[realm] == nil {
			realm = ""
		}
		byRealm[realm] += s.InForce
	}
	for realm, n := range byRealm {
		gauge(c.optOuts, float64(n), realm)
	}
}

// statsTimeout bounds how long a scrape waits for the store's figures.
const statsTimeout = 2 * time.Second

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// enterStore enters the store that is in use now, which the caller must leave. It
// returns nil if there is none. It opens none.
//
// After a load that failed it is the failed configuration that answers on Caddy's
// admin endpoint, /metrics included; the store is that of the one that goes on.
func (a *App) enterStore() *sharedStore {
	for _, app := range []*App{a, activeApp()} {
		if app == nil {
			continue
		}
		if s := app.shared.Load(); s != nil && s.enter() == nil {
			return s
		}
	}
	return nil
}

// activeApp is the app of the configuration that runs, or nil.
func activeApp() *App {
	app, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil
	}
	a, _ := app.(*App)
	return a
}

// buildVersion is the version of this module and of Go.
func buildVersion() (version, goVersion string) {
	version = "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/stopgate/stopgate" && m.Version != "" {
				version = strings.Trim(m.Version, "()")
			}
		}
	}
	return version, runtime.Version()
}

// Interface guards
var _ prometheus.Collector = (*appCollector)(nil)
