package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startBackend runs the backend of the benchmark until the test ends.
func startBackend(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- backend(ln, new(atomic.Int64)) }()
	t.Cleanup(func() {
		_ = ln.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func TestGeneratorsReachBackend(t *testing.T) {
	t.Parallel()
	addr := startBackend(t)
	for _, k := range []kind{getSend, postSend, stop} {
		l, err := goLoad{}.run(addr, k, 4, 50*time.Millisecond)
		if err != nil || l.perSecond <= 0 || l.p99 <= 0 || l.wrong != 0 {
			t.Errorf("kind %d: %+v, %v", k, l, err)
		}
		l, err = newStream(addr, k, 4, 1000).runFor(50 * time.Millisecond)
		if err != nil || l.perSecond <= 0 || l.perSecond > 1100 || l.wrong != 0 {
			t.Errorf("kind %d, steadily: %+v, %v", k, l, err)
		}
	}
	if err := once(addr, getSend); err != nil {
		t.Error(err)
	}
}

func TestWrongAnswersAreCounted(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			for in := make([]byte, 4096); ; {
				if _, err := c.Read(in); err != nil {
					break
				}
				_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nFAILURE"))
			}
			_ = c.Close()
		}
	}()
	if l, err := newStream(ln.Addr().String(), getSend, 1, 1000).runFor(20 * time.Millisecond); err != nil || l.wrong == 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if err := once(ln.Addr().String(), getSend); err == nil {
		t.Error("a FAILURE passed for a SUCCESS")
	}
}

// answers is a generator whose requests are all answered with 200, and some of them with
// SUCCESS.
type answers struct {
	requests, succeeded int
	reached             *atomic.Int64
}

func (answers) name() string { return "none" }

func (a answers) run(string, kind, int, time.Duration) (load, error) {
	a.reached.Add(int64(a.succeeded))
	return load{requests: a.requests}, nil
}

// A generator that does not read the answers must not pass a FAILURE for a SUCCESS.
func TestFailuresOfSendsAreSeen(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                string
		requests, succeeded int
		fails               bool
	}{{"all succeed", 100, 100, false}, {"one more is on its way", 100, 101, false}, {"one fails", 100, 99, true}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := options{reached: new(atomic.Int64)}
			o.load = answers{tc.requests, tc.succeeded, o.reached}
			if _, err := measure(o, getSend, 1, contender{name: "gateway"}, 0); (err != nil) != tc.fails {
				t.Error(err)
			}
		})
	}
}

// Stops that have opted out before count as not done.
func TestRepeatedStopsAreSeen(t *testing.T) {
	t.Parallel()
	recorded := 5.0
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# HELP caddy_sms_optout_requests_total x\n"+
			"caddy_sms_optout_requests_total{call=\"stop\",outcome=\"repeated\",realm=\"\"} 1e+06\n"+
			"caddy_sms_optout_requests_total{call=\"stop\",outcome=\"recorded\",realm=\"\"} %g\n", recorded)
		recorded += 99
	}))
	t.Cleanup(gateway.Close)
	c := contender{name: "gateway", admin: strings.TrimPrefix(gateway.URL, "http://")}
	o := options{load: answers{requests: 99, reached: new(atomic.Int64)}}
	if _, err := measure(o, stop, 1, c, 0); err != nil {
		t.Error(err)
	}
	o.load = answers{requests: 100, reached: new(atomic.Int64)}
	if _, err := measure(o, stop, 1, c, 0); err == nil {
		t.Error("a repeated stop passed for a first one")
	}
}

// No two stops name one phone, whichever load they belong to.
func TestStopsDiffer(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 4 {
		next := source(stop, "gw")
		wg.Go(func() {
			for i := range 1000 {
				r := string(next(i % 10))
				mu.Lock()
				if seen[r] {
					t.Errorf("twice: %s", r)
				}
				seen[r] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// wrk's script names the phones that phoneN does, from the one on that it is told.
func TestWrkStops(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("wrk is not installed; without it bench sends its requests itself")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	phones := make(chan string, 3)
	go func() {
		_ = http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // until it is closed
			select {
			case phones <- r.URL.Query().Get("phone"):
			default:
			}
			_, _ = io.WriteString(w, "SUCCESS")
		}))
	}()
	before := stops.Load()
	l, err := wrk{t.TempDir()}.run(ln.Addr().String(), stop, 1, time.Second)
	if err != nil || l.requests < len(phones) {
		t.Fatalf("%+v, %v", l, err)
	}
	if used := stops.Load() - before; used < int64(l.requests) {
		t.Errorf("%d requests, and %d phones count as used", l.requests, used)
	}
	known := map[string]bool{}
	for n := before; n < stops.Load(); n++ {
		known[phoneN(stopped, int(n))] = true
	}
	for range len(phones) {
		if p := <-phones; !known[p] {
			t.Errorf("a stop of %s, which is none of the next", p)
		}
	}
}

func TestPhonesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range 100_000 {
		p := phoneN(listed, i)
		if seen[p] || len(p) != 11 || !strings.HasPrefix(p, "12") {
			t.Fatalf("phone %d is %s", i, p)
		}
		seen[p] = true
	}
}

func TestParseWrk(t *testing.T) {
	t.Parallel()
	l, err := parseWrk("  Latency Distribution\n     50%  2.10ms\n     99%   11.73ms\n  22123 requests in 2.00s, 3.1MB read\n" +
		"  Non-2xx or 3xx responses: 12\nRequests/sec:  11061.50\n")
	if err != nil || l.perSecond != 11061.5 || l.p99 != 11730*time.Microsecond || l.requests != 22123 || l.wrong != 12 {
		t.Errorf("%+v, %v", l, err)
	}
	for _, out := range []string{"", "unable to connect", "99% 1.00ms\n Socket errors: connect 3, read 0, write 0, timeout 0\nRequests/sec: 5.00\n"} {
		if _, err := parseWrk(out); err == nil {
			t.Errorf("%q gave no error", out)
		}
	}
}

func TestParseBenchmarks(t *testing.T) {
	t.Parallel()
	got := parseBenchmarks([]byte("goos: linux\nBenchmarkLookup/absent-2 \t 100 \t 123.4 ns/op\t 8 B/op\t 1 allocs/op\n" +
		"BenchmarkLookup/absent-2 \t 100 \t 125 ns/op\t 8 B/op\t 1 allocs/op\nPASS\n"))
	if !slices.Equal(got["Lookup/absent ns/op"], series{123.4, 125}) || !slices.Equal(got["Lookup/absent allocs/op"], series{1, 1}) {
		t.Errorf("%v", got)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	var r report
	r.add("A section",
		rowOf("ratio", series{0.9, 1.1, 1}, "", atLeast(0.98), "a <note>"),
		rowOf("time", series{1500, 1400, 1600}, "ns", atMost(300), ""),
		row{figure: "for information", value: 12.34, unit: "s"})
	var out bytes.Buffer
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| ratio           | 1        | 0.9 .. 1.1     | >= 0.98 | yes | a <note> |",
		"| time            | 1,500 ns | 1,400 .. 1,600 | <= 300  | no  |", "| for information | 12.3 s   |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	file := filepath.Join(t.TempDir(), "plot.svg")
	if err := r.plot(file, "a & b"); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(svg, []byte("a &amp; b")) || !bytes.Contains(svg, []byte(">ratio<")) || bytes.Contains(svg, []byte(">time<")) {
		t.Errorf("%s, %v", svg, err)
	}
}
