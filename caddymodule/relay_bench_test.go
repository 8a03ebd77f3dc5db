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
// one whose backend hangs. Stops come at a steady rate, and each is timed from the
// moment it was due: a machine of two processors is then mostly idle, and what is
// measured is what the relay does to the stop and not what they share.
func BenchmarkStopWithRelay(b *testing.B) {
	const rate = 200 // a second
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
			if r := g.get(stopOf("12061999999")); r.Body != stopSuccess { // hashes the password
				b.Fatalf("%d %q", r.Status, r.Body)
			}
			var next atomic.Int64
			times := make([]time.Duration, b.N)
			b.ResetTimer()
			begin := time.Now()
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						due := begin.Add(time.Duration(n) * time.Second / rate)
						<-time.After(time.Until(due))
						if r := g.get(stopOf(fmt.Sprintf("1206%07d", 2000000+n))); r.Body != stopSuccess {
							b.Errorf("%d %q", r.Status, r.Body)
							return
						}
						times[n-1] = time.Since(due)
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
