package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/relay"
	"github.com/stopgate/stopgate/smsapi"
)

// Caddy has a registry for each configuration. What is counted belongs to the
// process, so that a reload sets nothing back: each registry is given the same
// collectors.
var meters = newMeters()

// metricPrefix begins the name of each metric of this module.
const metricPrefix = "caddy_sms_optout_"

// tally counts requests by call and outcome.
type tally [calls][outcomes]atomic.Uint64

// processMeters are the counters of the process. The children of all labels that a
// request meets are there from the beginning: one that passes looks up no label, and
// an increase begins at zero. See expect for those of refusals.
type processMeters struct {
	mu      sync.Mutex
	tallies map[string]*tally // by realm; those of no realm by ""

	decisions [calls]prometheus.Observer
	refusals  *prometheus.CounterVec
	unchecked prometheus.Counter
	panics    prometheus.Counter
	checks    map[credentialCheck]prometheus.Counter

	uses [storeOperations]prometheus.Counter // reads and writes
	errs *prometheus.CounterVec

	relays [relay.Results]prometheus.Counter

	commitEvents   prometheus.Histogram
	commitBytes    prometheus.Histogram
	commitDuration prometheus.Histogram

	collectors []prometheus.Collector
}

// credentialCheck is how a check of a password ended, and whether it had to be
// hashed for that.
type credentialCheck struct {
	verdict verdict
	hashed  bool
}

func newMeters() *processMeters {
	m := &processMeters{
		tallies: map[string]*tally{"": new(tally)},
		checks:  make(map[credentialCheck]prometheus.Counter),
	}
	decisions := keep(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: metricPrefix + "decision_duration_seconds",
		Help: "How long it took to decide about a guarded request, with the reading of its body and, for a stop, until it was on disk.",
		// A passing send takes microseconds, a stop a sync, a first password a hash.
		Buckets: []float64{5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 500e-6, 2.5e-3, 10e-3, 50e-3, 250e-3, 1, 5},
	}, []string{"call"}))
	for k := range calls {
		m.decisions[k] = decisions.WithLabelValues(smsapi.Kind(k).String())
	}
	m.refusals = keep(m, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricPrefix + "refusals_total",
		Help: "Requests refused because of what they say or how, by the rule; under mode observe those that would be.",
	}, []string{"code"}))
	m.unchecked = keep(m, prometheus.NewCounter(prometheus.CounterOpts{
		Name: metricPrefix + "unchecked_requests_total",
		Help: "Requests forwarded unchecked because the list could not be asked, under on_store_error forward or mode observe.",
	}))
	m.panics = keep(m, prometheus.NewCounter(prometheus.CounterOpts{
		Name: metricPrefix + "panics_total",
		Help: "Faults in the gateway that were caught. The requests were not forwarded.",
	}))
	checks := keep(m, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricPrefix + "credential_checks_total",
		Help: "Checks of a realm's password, by result, and whether it was remembered or had to be hashed.",
	}, []string{"result", "by"}))
	for _, v := range []verdict{wrong, right, busy} {
		for hashed, by := range map[bool]string{false: "memory", true: "hash"} {
			if v != busy || hashed {
				m.checks[credentialCheck{v, hashed}] = checks.WithLabelValues(v.String(), by)
			}
		}
	}
	m.addStore()
	m.addRelay()
	return m
}

func (m *processMeters) addStore() {
	reads := keep(m, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricPrefix + "store_reads_total",
		Help: "Times that the list was asked.",
	}, []string{"operation"}))
	writes := keep(m, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricPrefix + "store_writes_total",
		Help: "Times that the list was to be changed.",
	}, []string{"operation"}))
	m.errs = keep(m, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricPrefix + "store_errors_total",
		Help: "Times that the list could not be asked or changed.",
	}, []string{"operation", "cause"}))
	for op := opOpen + 1; op < storeOperations; op++ {
		kind := reads
		if op.writes() {
			kind = writes
		}
		m.uses[op] = kind.WithLabelValues(op.String())
	}
	m.commitEvents = keep(m, prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    metricPrefix + "store_commit_events",
		Help:    "Events that one sync of the journal made durable.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 11),
	}))
	m.commitBytes = keep(m, prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    metricPrefix + "store_commit_bytes",
		Help:    "Bytes that one sync of the journal made durable.",
		Buckets: prometheus.ExponentialBuckets(256, 4, 8),
	}))
	m.commitDuration = keep(m, prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    metricPrefix + "store_commit_duration_seconds",
		Help:    "How long one write and sync of the journal took.",
		Buckets: prometheus.ExponentialBuckets(100e-6, 2.5, 12),
	}))
	info := keep(m, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: metricPrefix + "build_info",
		Help: "1, with the version of this module.",
	}, []string{"version", "goversion"}))
	info.WithLabelValues(buildVersion()).Set(1)
}

// keep notes a collector for the registries.
func keep[C prometheus.Collector](m *processMeters, c C) C {
	m.collectors = append(m.collectors, c)
	return c
}

// register gives a configuration's registry the collectors of the process.
func (m *processMeters) register(reg *prometheus.Registry, own ...prometheus.Collector) error {
	for _, c := range append(own, m.collectors...) {
		err := reg.Register(c)
		var known prometheus.AlreadyRegisteredError
		if errors.As(err, &known) && known.ExistingCollector == c {
			continue
		}
		if err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	return nil
}

// tally returns the tally of a realm, which goes on where it was.
func (m *processMeters) tally(realm string) *tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tallies[realm]
	if t == nil {
		t = new(tally)
		m.tallies[realm] = t
	}
	return t
}

// realms returns all tallies by realm.
func (m *processMeters) realms() map[string]*tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.tallies)
}

// codeForm is what a label holds of a refusal's code. An API's module could make
// its codes of what a stranger wrote.
var codeForm = regexp.MustCompile(`^[a-z0-9_]{1,48}$`)

func (m *processMeters) refused(code string) { m.refusal(code).Inc() }

// refusal returns the counter of a refusal's code.
func (m *processMeters) refusal(code string) prometheus.Counter {
	if !codeForm.MatchString(code) {
		code = "other"
	}
	return m.refusals.WithLabelValues(code)
}

// expect shows the refusals that an API can make before it makes one.
func (m *processMeters) expect(api smsapi.API) {
	codes := append(smsapi.RefusalCodes(), smsapi.Codes(refusedRealm, refusedLoop)...)
	if coder, ok := api.(smsapi.RefusalCoder); ok {
		codes = append(codes, coder.RefusalCodes()...)
	}
	for _, code := range codes {
		m.refusal(code)
	}
}

func (m *processMeters) checked(v verdict, hashed bool) {
	m.checks[credentialCheck{v, hashed}].Inc()
}

// committed is what the store calls for each frame that it has written.
func (m *processMeters) committed(events, bytes int, took time.Duration) {
	m.commitEvents.Observe(float64(events))
	m.commitBytes.Observe(float64(bytes))
	m.commitDuration.Observe(took.Seconds())
}

// used counts a use of the store.
func (m *processMeters) used(op storeOperation) { m.uses[op].Inc() }

// storeFailed counts an error of the store. What the caller is at fault for is
// none.
func (m *processMeters) storeFailed(op storeOperation, err error) {
	if err == nil {
		return
	}
	if cause := causeOf(err); cause != "" {
		m.errs.WithLabelValues(op.String(), cause).Inc()
	}
}

// causeOf names what is wrong with the store, from a fixed set, or returns "" where
// nothing is.
func causeOf(err error) string {
	switch {
	case errors.Is(err, context.Canceled),
		errors.Is(err, optoutstore.ErrNotOptedOut), errors.Is(err, optoutstore.ErrChanged), errors.Is(err, optoutstore.ErrInvalid):
		return ""
	case errors.Is(err, optoutstore.ErrClosed):
		return "closed"
	case errors.Is(err, optoutstore.ErrNotReady):
		return "not_ready"
	case errors.Is(err, optoutstore.ErrNoSpace):
		return "no_space"
	case errors.Is(err, optoutstore.ErrBusy):
		return "busy"
	case errors.Is(err, optoutstore.ErrDamaged):
		return "damaged"
	case errors.Is(err, optoutstore.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	default:
		return "other"
	}
}
