package caddymodule

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// promServer is a real Prometheus that scrapes a gateway.
type promServer struct {
	t    *testing.T
	addr string
}

// startPrometheus starts one that scrapes target each second and has the alerting
// rules of docs/alerts, without their waiting times.
func startPrometheus(t *testing.T, target string) *promServer {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed")
	}
	rules, err := os.ReadFile("../docs/alerts/stopgate.yml")
	if err != nil {
		t.Fatal(err)
	}
	var hasty strings.Builder
	for line := range strings.Lines(string(rules)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "for: ") {
			hasty.WriteString(line)
		}
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"rules.yml": hasty.String(),
		"prometheus.yml": fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs: [{job_name: stopgate, static_configs: [{targets: [%q]}]}]
`, target),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &promServer{t, ln.Addr().String()}
	ln.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.addr)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if t.Failed() {
			t.Logf("Prometheus: %s", tail(t, log.Name()))
		}
	})
	eventually(t, "Prometheus is ready", func() bool { return p.ask("up", nil) })
	return p
}

// sample is one series of an answer.
type sample struct {
	Metric map[string]string
	Value  [2]any // time and value
}

// ask evaluates a query, and reports whether Prometheus could.
func (p *promServer) ask(query string, into *[]sample) bool {
	resp, err := http.Get("http://" + p.addr + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return false
	}
	var answer struct{ Data struct{ Result []sample } }
	if err := json.Unmarshal(body, &answer); err != nil {
		return false
	}
	if into != nil {
		*into = answer.Data.Result
	}
	return true
}

// values evaluates a query that must work.
func (p *promServer) values(query string) (samples []sample) {
	p.t.Helper()
	if !p.ask(query, &samples) {
		p.t.Errorf("Prometheus does not answer %s", query)
	}
	return samples
}

// firing reports whether an alert fires.
func (p *promServer) firing(alert string) bool {
	return len(p.values(fmt.Sprintf("ALERTS{alertname=%q, alertstate=\"firing\"}", alert))) > 0
}

// A real Prometheus scrapes a gateway under load, through two reloads. Every panel
// of the dashboard has a value, nothing is set back, and the alert about a store
// that cannot write fires when the reserve of free space is not there, and ends
// when it is.
func TestPrometheus(t *testing.T) {
	b := newBackend(t)
	o := options{backend: b.addr, before: "metrics /metrics"}
	g := startGateway(t, b, o)
	p := startPrometheus(t, g.addr)
	store := func(reserve string) options {
		o := o
		o.store = "badger " + filepath.Join(g.dir, "optouts") + " {\n min_free " + reserve + "\n}"
		return o
	}

	var stop atomic.Bool
	done := make(chan int)
	go func() { // the load
		n := 0
		for ; !stop.Load(); n++ {
			phone := fmt.Sprintf("1206555%04d", n%10000)
			for _, query := range []string{
				stopOf(phone), sendTo(phone), sendTo(otherPhone), sendTo(otherPhone), call("show_lists"),
				sendTo(phone) + "&phone=13105550000",
				call("smssendmessagetosendercode", "sender_code", testSender, "message_name", "m", "name", "n"),
			} {
				g.raw("GET /bin/api_web?" + query + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			}
			b.take()
		}
		done <- n
	}()
	quiet := func() {
		stop.Store(true)
		t.Logf("%d rounds of load", <-done)
	}
	defer func() {
		if !stop.Load() {
			quiet()
		}
	}()

	scrapes := func(n int) {
		t.Helper()
		var begin []sample
		count := "count_over_time(up[1h])"
		eventually(t, "a scrape", func() bool { begin = p.values(count); return len(begin) == 1 })
		eventually(t, "further scrapes", func() bool {
			now := p.values(count)
			return len(now) == 1 && number64(now[0]) >= number64(begin[0])+float64(n)
		})
	}
	scrapes(3)
	g.mustLoad(g.caddyfile(store("257MiB"))) // on the same port
	scrapes(3)
	g.mustLoad(g.caddyfile(store("256MiB")))
	scrapes(3)

	for _, q := range dashboardQueries(t) {
		got := p.values(q.Query)
		// Errors have no series before the first of their kind, and there is no relay.
		if len(got) == 0 && !strings.Contains(q.Query, "store_errors_total") && !strings.Contains(q.Query, "_relay_") {
			t.Errorf("the panel %q is empty: %s", q.Panel, q.Query)
		}
		for _, s := range got {
			t.Logf("%s | %s | %v | %v", q.Panel, q.Query, s.Metric, s.Value[1])
		}
	}
	// No counter was set back by a reload.
	for _, name := range []string{"requests_total", "store_reads_total", "decision_duration_seconds_count", "store_commit_events_count"} {
		for _, s := range p.values("resets(" + metricPrefix + name + "[1h])") {
			if number64(s) != 0 {
				t.Errorf("%s was set back: %v", name, s.Metric)
			}
		}
	}
	for _, s := range p.values(`ALERTS{alertstate="firing"}`) {
		switch s.Metric["alertname"] {
		case "StopgateDecisionsSlow", "StopgateStopsFailing", "StopgateGuessing":
			// These depend on how busy this machine is.
		default:
			t.Errorf("an alert fires although all is well: %v", s.Metric)
		}
	}

	g.mustLoad(g.caddyfile(store("1000000GiB")))
	eventually(t, "the alert about the full disk", func() bool { return p.firing("StopgateStoreCannotWrite") })
	eventually(t, "the alert about stops", func() bool { return p.firing("StopgateStopsFailing") })
	eventually(t, "the alert about free space", func() bool { return p.firing("StopgateDiskNearlyFull") })
	g.mustLoad(g.caddyfile(store("256MiB")))
	eventually(t, "the alert ends", func() bool { return !p.firing("StopgateStoreCannotWrite") })
	quiet()
}

// number64 is the value of a sample.
func number64(s sample) (v float64) {
	fmt.Sscan(fmt.Sprint(s.Value[1]), &v)
	return v
}
