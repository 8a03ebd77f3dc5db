package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
)

// series are the values of our metrics, by name and labels. Histograms are there
// with their count.
type series map[string]float64

// scrape gathers what the registry of the running configuration shows.
func scrape(t testing.TB) series {
	t.Helper()
	ctx := caddy.ActiveContext()
	return gather(t, ctx.GetMetricsRegistry())
}

func gather(t testing.TB, reg prometheus.Gatherer) series {
	t.Helper()
	families, err := reg.Gather() // pedantic: it checks what it is given
	if err != nil {
		t.Fatal(err)
	}
	s := make(series)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), metricPrefix) {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			name := strings.TrimPrefix(f.GetName(), metricPrefix)
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case m.Counter != nil:
				s[name] = m.Counter.GetValue()
			case m.Gauge != nil:
				s[name] = m.Gauge.GetValue()
			case m.Histogram != nil:
				s[name] = float64(m.Histogram.GetSampleCount())
			}
		}
	}
	return s
}

// since returns by how much the series have grown that begin with a name.
func (s series) since(before series, name string) series {
	grown := make(series)
	for key, v := range s {
		if strings.HasPrefix(key, name) && v != before[key] {
			grown[key] = v - before[key]
		}
	}
	return grown
}

func request(call, outcome string) string {
	return fmt.Sprintf(`requests_total{call=%q,outcome=%q}`, call, outcome)
}

// Each guarded request is counted once, under what it asked for and what became of
// it.
func TestRequestsAreCounted(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	fanOut := call("smssendmessagetosendercode", "sender_code", testSender, "message_name", "m", "name", "n")
	subscribe := call("addphonetosendercode", "phone", testPhone, "sender_code", testSender)
	wrong := func(query string) string { return strings.Replace(query, testPassword, "sesame", 1) }
	for _, tc := range []struct {
		name, raw string
		want      []string
	}{
		{"first stop", query(stopOf(testPhone)), []string{request("stop", "recorded")}},
		{"second stop", query(stopOf(testPhone)), []string{request("stop", "repeated")}},
		{"stop with a wrong password", query(wrong(stopOf(testPhone))), []string{request("stop", "refused")}},
		{"stop with a dash", query(stopOf("1-206-555-1212")), []string{request("stop", "refused")}},
		{"passing send", query(sendTo(otherPhone)), []string{request("send", "forwarded")}},
		{"passing send by POST", form("/bin/api_web", sendTo(otherPhone)), []string{request("send", "forwarded")}},
		{"blocked send", query(sendTo(testPhone)), []string{request("send", "blocked")}},
		{"blocked send with a wrong password", query(wrong(sendTo(testPhone))), []string{request("send", "blocked")}},
		{"ambiguous send", query(sendTo(testPhone) + "&phone=13105550000"), []string{request("send", "refused")}},
		{"fan-out", query(fanOut), []string{request("fan_out", "blocked")}},
		{"subscribe", query(subscribe), []string{request("subscribe", "blocked")}},
		{"another command", query(call("show_lists")), []string{request("other", "forwarded")}},
		{"an upgrade on another path", "GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", []string{request("other", "refused")}},
		{"another path", "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := scrape(t)
			g.mustRaw(tc.raw)
			after := scrape(t)
			got := slices.Collect(maps.Keys(after.since(before, "requests_total")))
			if !slices.Equal(got, tc.want) {
				t.Errorf("counted as %v, want %v", got, tc.want)
			}
			var decided float64
			for _, n := range after.since(before, "decision_duration_seconds") {
				decided += n
			}
			if int(decided) != len(tc.want) {
				t.Errorf("the time of %v decisions was measured", decided)
			}
		})
	}
}

// Under mode observe the same requests count as would_block that enforcing blocks
// and refuses, and they are forwarded.
func TestObserveCountsWhatEnforceBlocks(t *testing.T) {
	requests := []string{
		query(sendTo(testPhone)), query(sendTo(testPhone)), query(sendTo(otherPhone)),
		query(strings.Replace(sendTo(testPhone), testPassword, "sesame", 1)),
		query(sendTo(testPhone) + "&phone=13105550000"), query(sendTo("nonsense")),
		query(call("smssendmessagetosendercode", "sender_code", testSender, "message_name", "m", "name", "n")),
		query(call("addphonetosendercode", "phone", testPhone, "sender_code", testSender)),
		query(call("addphonetosendercode", "phone", otherPhone, "sender_code", testSender)),
		query(call("show_lists")),
		"GET /bin/api_web?" + sendTo(testPhone) + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\nX-Original-URL: /bin/api_web\r\n\r\n",
	}
	kinds := []string{"stop", "send", "fan_out", "subscribe", "other"}
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	run := func(mode string) (grown series, forwarded int) {
		g.reload(options{backend: b.addr, site: "mode " + mode})
		b.take()
		before := scrape(t)
		for _, raw := range requests {
			g.mustRaw(raw)
		}
		return scrape(t).since(before, "requests_total"), len(b.take())
	}
	observed, passed := run("observe")
	enforced, few := run("enforce")
	if passed != len(requests) || few != 3 {
		t.Errorf("observing forwarded %d, enforcing %d", passed, few)
	}
	total := 0.0
	for _, kind := range kinds {
		would := observed[request(kind, "would_block")]
		does := enforced[request(kind, "blocked")] + enforced[request(kind, "refused")]
		if would != does || observed[request(kind, "forwarded")] != enforced[request(kind, "forwarded")] {
			t.Errorf("%s: would block %v, blocks %v\n%v\n%v", kind, would, does, observed, enforced)
		}
		total += would
	}
	if total != float64(len(requests)-few) {
		t.Errorf("%v would be blocked", total)
	}
}

// registryApp is an app of another plugin that shows a test the registry of a
// configuration that fails.
type registryApp struct{}

var seenRegistry *prometheus.Registry // guarded by oneCaddy

func init() { caddy.RegisterModule(registryApp{}) }

func (registryApp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "stopgate_registry_app", New: func() caddy.Module { return new(registryApp) }}
}

func (registryApp) Provision(ctx caddy.Context) error {
	seenRegistry = ctx.GetMetricsRegistry()
	return nil
}
func (registryApp) Start() error { return errors.New("failing at start") }
func (registryApp) Stop() error  { return nil }

// Two sites in one configuration share the counters; reloads and loads that fail
// set nothing back. What a failed configuration shows is the running one's store:
// it is the failed one that answers on the admin endpoint.
func TestMetricsSurviveReloads(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	second := func(o options) string {
		text := g.caddyfile(o)
		_, site, _ := strings.Cut(text, "\nhttp://")
		return text + "\nhttp://" + strings.Replace(site, port(g.addr), port(freeAddr(t)), 1)
	}
	before := scrape(t)
	g.mustStop(testPhone)
	g.mustLoad(second(options{backend: b.addr, site: "max_body 2MiB"}))
	g.wantBlocked(b, testPhone)
	if g.load(strings.Replace(g.caddyfile(options{backend: b.addr}), testHash(), "nonsense", 1)) == nil {
		t.Fatal("it loads")
	}
	cfg, err := adapt(g.caddyfile(options{backend: b.addr, site: "max_body 4MiB"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(withApp(t, cfg, "stopgate_registry_app", registryApp{}), true); err == nil {
		t.Fatal("it loads")
	}
	g.wantBlocked(b, testPhone)
	g.reload(options{backend: b.addr})
	g.wantForwarded(b, otherPhone)

	want := series{request("stop", "recorded"): 1, request("send", "blocked"): 2, request("send", "forwarded"): 1}
	for where, now := range map[string]series{"running": scrape(t), "failed": gather(t, seenRegistry)} {
		if got := now.since(before, "requests_total"); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", where, got, want)
		}
		if now["store_readable"] != 1 || now["store_writable"] != 1 || now["store_damaged"] != 0 || now["store_events_total"] != 1 ||
			now["opt_outs_in_force"] != 1 || now["store_free_bytes"] < 1<<20 || now["store_reserve_bytes"] != optoutstore.DefaultMinFree ||
			now["store_journal_bytes"] == 0 ||
			math.Abs(now["store_last_write_timestamp_seconds"]-float64(time.Now().Unix())) > 60 {
			t.Errorf("%s: the store: %v", where, now.since(nil, ""))
		}
		if n := now["store_commit_events"] - before["store_commit_events"]; n != 1 {
			t.Errorf("%s: %v commits", where, n)
		}
	}
}

// Realms are shown to those who ask for them only, and no others than those that
// are configured.
func TestMetricsRealm(t *testing.T) {
	b := newBackend(t)
	realms := "realm " + testRealm + " " + testHash() + "\nrealm Quiet " + testHash()
	g := startGateway(t, b, options{realms: realms, global: "metrics_realm on"})
	before := scrape(t)
	g.mustStop(testPhone)
	g.get(strings.Replace(sendTo(otherPhone), testRealm, "stranger", 1))
	after := scrape(t)
	want := series{
		`requests_total{call="stop",outcome="recorded",realm="myrealm"}`: 1,
		`requests_total{call="send",outcome="forwarded",realm=""}`:       1,
	}
	if got := after.since(before, "requests_total"); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, ok := after[`requests_total{call="stop",outcome="recorded",realm="quiet"}`]; !ok {
		t.Error("a realm has no series before its first request")
	}
	if after[`opt_outs_in_force{realm="myrealm"}`] != 1 || after[`opt_outs_in_force{realm="quiet"}`] != 0 || after[`opt_outs_in_force{realm=""}`] != 0 {
		t.Errorf("opt-outs in force: %v", after.since(series{}, "opt_outs"))
	}
	for key := range after {
		if strings.Contains(key, "stranger") {
			t.Errorf("a name that a stranger chose: %s", key)
		}
	}

	g.reload(options{backend: b.addr})
	off := scrape(t)
	for key := range off {
		if strings.Contains(key, "realm=") {
			t.Errorf("%s without metrics_realm", key)
		}
	}
	sum := after[`requests_total{call="stop",outcome="recorded",realm="myrealm"}`] + after[`requests_total{call="stop",outcome="recorded",realm=""}`] +
		after[`requests_total{call="stop",outcome="recorded",realm="quiet"}`]
	if got := off[request("stop", "recorded")]; got != sum {
		t.Errorf("%v stops, were %v", got, sum)
	}
}

// Each code that a refusal in the source can have is shown before the first
// refusal: what Prometheus does not see at zero does not increase to one, and
// docs/operations.md has operators ask whether there was any increase.
func TestRefusalsBeginAtZero(t *testing.T) {
	startGateway(t, newBackend(t), options{})
	shown := scrape(t)
	written := regexp.MustCompile(`(?:Code: *|failure\()"([a-z_]+)"`)
	ambiguous := regexp.MustCompile(`ambiguous\("([a-z_]+)"`)
	found := 0
	for _, pattern := range []string{"*.go", "../smsapi/*.go", "../smsapi/whatcounts/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var codes []string
			for _, m := range written.FindAllSubmatch(text, -1) {
				codes = append(codes, string(m[1]))
			}
			for _, m := range ambiguous.FindAllSubmatch(text, -1) {
				for _, argument := range []string{"realm", "phone", "sender"} { // of which every rule speaks
					codes = append(codes, string(m[1])+"_"+argument)
				}
			}
			for _, code := range codes {
				found++
				if _, ok := shown[fmt.Sprintf("refusals_total{code=%q}", code)]; !ok {
					t.Errorf("%s: %s is not shown before the first", file, code)
				}
			}
		}
	}
	if found < 60 {
		t.Errorf("found %d codes only", found)
	}
}

// What goes wrong is counted by its cause.
func TestTroubleIsCounted(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name})
	before := scrape(t)
	store.Set(storetest.Fault{Err: errDisk})
	g.get(sendTo(otherPhone))
	store.Set(storetest.Fault{Err: optoutstore.ErrNoSpace})
	g.get(stopOf(testPhone))
	store.Clear()
	g.reload(options{backend: b.addr, store: "test " + name, site: "on_store_error forward"})
	store.Set(storetest.Fault{Err: optoutstore.ErrNotReady})
	g.get(sendTo(otherPhone))
	store.Clear()
	store.SetHealth(&optoutstore.Health{Readable: true})
	after := scrape(t)
	for key, want := range map[string]float64{
		request("send", "failed"):                                    1,
		request("stop", "failed"):                                    1,
		request("send", "forwarded"):                                 1,
		"unchecked_requests_total":                                   1,
		`store_errors_total{cause="unavailable",operation="lookup"}`: 1,
		`store_errors_total{cause="no_space",operation="opt_out"}`:   1,
		`store_errors_total{cause="not_ready",operation="lookup"}`:   1,
		`store_reads_total{operation="lookup"}`:                      2,
		`store_writes_total{operation="opt_out"}`:                    1,
		`credential_checks_total{by="hash",result="right"}`:          1,
	} {
		if got := after[key] - before[key]; got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if after["store_readable"] != 1 || after["store_writable"] != 0 {
		t.Error("the store's health is not shown")
	}
}

// promtool has its own opinion on names and help texts.
func TestPromtoolCheckMetrics(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	b := newBackend(t)
	g := startGateway(t, b, options{global: "metrics_realm on"})
	g.mustStop(testPhone)
	g.get(sendTo(testPhone) + "&phone=13105550000")
	ctx := caddy.ActiveContext()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(ctx.GetMetricsRegistry(), promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var ours strings.Builder // Caddy's own are not ours to name
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, metricPrefix) {
			ours.WriteString(line)
		}
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(ours.String())
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
