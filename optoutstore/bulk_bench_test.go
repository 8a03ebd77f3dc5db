package optoutstore

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// The benchmarks of this file work on OPTOUTSTORE_BENCH_ROWS rows, 100,000 unless
// it is set. With 10,000,000 they take some minutes, and 10 GB of TMPDIR.

// writeJournal makes a store whose journal holds opt-outs of the pairs
// spread(0..n-1), without an index.
func writeJournal(tb testing.TB, o Options, n int) {
	tb.Helper()
	b, err := openBase(o, false)
	if err != nil {
		tb.Fatal(err)
	}
	defer b.close()
	now := b.o.Now()
	for i := 0; i < n; {
		if err := b.journal.ready(); err != nil {
			tb.Fatal(err)
		}
		for to := min(n, i+20_000); i < to; i++ {
			r := record{Event: Event{Change: spreadN(i), Kind: OptedOut, RecordedAt: now}}
			r.EffectiveAt = now
			b.journal.stage(&r)
		}
		if err := b.journal.commit(); err != nil {
			tb.Fatal(err)
		}
	}
}

// spreadN is the n-th change of a bulk load: the phones do not come in order, and
// there are a hundred senders.
func spreadN(n int) Change {
	c := changeN(int(uint64(n) * 7_777_777_777 % 10_000_000_000))
	c.Sender = senders[n%len(senders)]
	return c
}

// peaks are the largest resident and anonymous sizes of this process since it was
// last reset, in MiB. Anonymous is what the machine has to have: the rest is the
// file cache's.
type peaks struct {
	stop chan struct{}
	anon chan int
}

// watchMemory begins to look at the process's anonymous memory, and resets the
// kernel's own peak.
func watchMemory(b *testing.B) *peaks {
	b.Helper()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // resets VmHWM
	p := &peaks{stop: make(chan struct{}), anon: make(chan int)}
	go func() {
		most := 0
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, statusMiB("RssAnon"))
			select {
			case <-p.stop:
				p.anon <- most
				return
			case <-tick.C:
			}
		}
	}()
	return p
}

// report ends the watching.
func (p *peaks) report(b *testing.B) {
	b.Helper()
	close(p.stop)
	b.ReportMetric(float64(<-p.anon), "peak-RssAnon-MiB")
	b.ReportMetric(float64(statusMiB("VmHWM")), "VmHWM-MiB")
}

// statusMiB is a size in /proc/self/status, 0 where there is none.
func statusMiB(field string) int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if rest, ok := strings.CutPrefix(in.Text(), field+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n >> 10
		}
	}
	return 0
}

// BenchmarkRebuild opens a store whose index is missing.
func BenchmarkRebuild(b *testing.B) {
	rows := benchRowsFromEnv()
	o := testOptions(b)
	o.inlineRebuild = -1
	writeJournal(b, o, rows)
	b.ResetTimer()
	for b.Loop() {
		if err := dropFile(osFS{}, o.path(checkpointName)); err != nil {
			b.Fatal(err)
		}
		p := watchMemory(b)
		d := mustOpen(b, o)
		waitReady(b, d)
		b.StopTimer()
		p.report(b)
		mustClose(b, d)
		b.StartTimer()
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// senders are the senders of a bulk load.
var senders = func() (s [100]phone.Sender) {
	for i := range s {
		s[i] = phone.Sender(fmt.Sprint(10_000 + i))
	}
	return s
}()
