package optoutstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stopgate/stopgate/phone"
)

const benchRows = 100_000

func benchStore(b *testing.B) *Durable {
	b.Helper()
	o := testOptions(b)
	d := mustOpen(b, o)
	fill(b, d, 0, benchRows)
	// Closed and opened again the rows are in tables, as most of them are in a
	// store that is in use.
	mustClose(b, d)
	return mustOpen(b, o)
}

func BenchmarkLookup(b *testing.B) {
	d := benchStore(b)
	ctx := context.Background()
	for _, bm := range []struct {
		name string
		from int
		want bool
	}{{"absent", 5_000_000, false}, {"present", 0, true}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p := pairN(bm.from + i*7919%benchRows)
				q := Query{Realm: p.Realm, Senders: []phone.Sender{p.Sender}, Phones: []phone.Number{p.Phone}}
				if _, found, err := d.Lookup(ctx, q); err != nil || found != bm.want {
					b.Fatal(found, err)
				}
			}
		})
	}
}

func BenchmarkLookupAnySender(b *testing.B) {
	d := benchStore(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := pairN(5_000_000 + i%benchRows)
		if _, found, err := d.Lookup(context.Background(), Query{Realm: p.Realm, Phones: []phone.Number{p.Phone}}); err != nil || found {
			b.Fatal(found, err)
		}
	}
}

func BenchmarkInForce(b *testing.B) {
	d := benchStore(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.InForce(context.Background(), "realm", "12345"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOptOut compares acknowledged opt-outs with the same bytes appended to
// a file and synced one by one, in the same run.
func BenchmarkOptOut(b *testing.B) {
	rec := record{Event: Event{Change: changeN(1), Number: 1, Kind: OptedOut}}
	raw := appendRecord(openFrame(nil), &rec)
	b.Run("raw-append-fdatasync", func(b *testing.B) {
		f, err := osFS{}.OpenFile(filepath.Join(b.TempDir(), "raw"), os.O_RDWR|os.O_CREATE, filePerm)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		b.ReportAllocs()
		var off int64
		for b.Loop() {
			if _, err := f.WriteAt(raw, off); err != nil {
				b.Fatal(err)
			}
			off += int64(len(raw))
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			d := mustOpen(b, testOptions(b))
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			parallel(b, writers, func() {
				if _, err := d.OptOut(context.Background(), changeN(int(next.Add(1)))); err != nil {
					b.Error(err)
				}
			})
			b.StopTimer()
			mustClose(b, d)
		})
	}
}

// parallel calls fn b.N times from that many goroutines.
func parallel(b *testing.B, goroutines int, fn func()) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				fn()
			}
		})
	}
	wg.Wait()
}

// BenchmarkOpen opens a store that was closed, and one whose index is built again.
func BenchmarkOpen(b *testing.B) {
	rows := benchRows
	if n, err := strconv.Atoi(os.Getenv("OPTOUTSTORE_BENCH_ROWS")); err == nil {
		rows = n
	}
	o := testOptions(b)
	d := mustOpen(b, o)
	fill(b, d, 0, rows)
	mustClose(b, d)
	b.Run("closed", func(b *testing.B) {
		for b.Loop() {
			d := mustOpen(b, o)
			b.StopTimer()
			mustClose(b, d)
			b.StartTimer()
		}
	})
	b.Run("rebuild", func(b *testing.B) {
		for b.Loop() {
			if err := os.Remove(o.path(checkpointName)); err != nil {
				b.Fatal(err)
			}
			d := mustOpen(b, o)
			waitReady(b, d)
			b.StopTimer()
			mustClose(b, d)
			b.StartTimer()
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
