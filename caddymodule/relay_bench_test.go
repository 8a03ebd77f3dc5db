package caddymodule

import (
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkStopWithRelay compares the time to a stop's answer without a relay, with
// one whose backend takes each stop, at the default rate and at full speed, and with
// one whose backend hangs: eight clients, each on connections of its own. At full
// speed the deliveries, the backend and the clients share the machine's processors.
func BenchmarkStopWithRelay(b *testing.B) {
	for _, bench := range []struct{ name, options string }{
		{"none", ""}, {"takes", ""}, {"takes_at_full_speed", "rate 100000/s"}, {"hangs", "timeout 1s"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			back := newBackend(b)
			hang := make(chan struct{})
			back.answerStops(func(url.Values) (int, string) {
				if bench.name == "hangs" {
					<-hang
				}
				return 200, stopSuccess
			})
			defer close(hang)
			o := options{caddy: "log {\n output discard\n}"}
			if bench.name != "none" {
				o.global = relayTo(back.addr, bench.options)
			}
			g := startGateway(b, back, o)
			var next atomic.Int64
			times := make([]time.Duration, b.N)
			b.ResetTimer()
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						began := time.Now()
						if r := g.get(stopOf(fmt.Sprintf("1206%07d", 2000000+n))); r.Body != stopSuccess {
							b.Errorf("%d %q", r.Status, r.Body)
							return
						}
						times[n-1] = time.Since(began)
					}
				})
			}
			clients.Wait()
			b.StopTimer()
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds()), "µs-p50")
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "µs-p99")
		})
	}
}
