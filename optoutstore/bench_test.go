package optoutstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
)

const benchRows = 100_000

// benchStore is a store with that many opt-outs in its index, none of them in its
// journal: what is looked up is not affected, and filling it takes seconds.
func benchStore(b *testing.B, rows int) *Durable {
	b.Helper()
	o := testOptions(b)
	d := mustOpen(b, o)
	ix := d.index.Load()
	wb := ix.db.NewWriteBatch()
	var arena []byte
	for n := range rows {
		if cap(arena)-len(arena) < maxKey+pairRowSize {
			arena = make([]byte, 0, arenaChunk)
		}
		var err error
		s := step{kind: OptedOut, number: uint64(n + 1)}
		out := &outcome{pair: pairN(n), number: s.number, kind: s.kind, counts: deltaOf(s.kind, false, 0), state: s.fold(row{})}
		if arena, err = setRow(wb, arena, out); err != nil {
			b.Fatal(err)
		}
		if _, err = ix.countEvent(nil, nil, out); err != nil {
			b.Fatal(err)
		}
	}
	var counts []*countEntry
	for _, c := range ix.counts {
		counts = append(counts, c)
	}
	if err := setCounts(wb, counts); err != nil {
		b.Fatal(err)
	}
	if err := wb.Flush(); err != nil {
		b.Fatal(err)
	}
	// Closed and opened again the rows are in tables, as most of them are in a
	// store that is in use.
	mustClose(b, d)
	d = mustOpen(b, o)
	began := time.Now()
	phones, bytes := waitSummary(b, d).size()
	b.Logf("%d phones in memory in %d bytes, filled in %v", phones, bytes, time.Since(began).Round(time.Millisecond))
	return d
}

// benchSizes are the sizes of stores that lookups are measured with: a small one,
// and a large one that the variable sets.
func benchSizes() []int {
	if n, err := strconv.Atoi(os.Getenv("OPTOUTSTORE_BENCH_ROWS")); err == nil {
		return []int{10_000, n}
	}
	return []int{10_000, 1_000_000}
}

// BenchmarkLookup looks up phones spread over all there are, so that nothing is in
// a cache by chance. What drawing a phone takes is in "nothing". The p99 is that of single
// lookups, the two readings of the clock included.
func BenchmarkLookup(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, rows := range benchSizes() {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			d := benchStore(b, rows)
			for _, bm := range []struct {
				name      string
				from      int
				anySender bool
				lookup    func(context.Context, Query) (State, bool, error)
			}{
				{name: "nothing", lookup: func(context.Context, Query) (s State, found bool, err error) { return }},
				{name: "absent", from: 500_000_000, lookup: d.Lookup},
				{name: "absent-any-sender", from: 500_000_000, anySender: true, lookup: d.Lookup},
				{name: "present", lookup: d.Lookup},
			} {
				want := bm.name == "present"
				b.Run(bm.name, func(b *testing.B) {
					// Drawn beforehand: making a number costs as much as looking it up.
					phones := make([]phone.Number, 1<<16)
					for i := range phones {
						phones[i] = pairN(bm.from + rand.IntN(rows)).Phone
					}
					senders := []phone.Sender{"12345"}
					if bm.anySender {
						senders = nil
					}
					ask := func(i int) {
						i &= len(phones) - 1
						q := Query{Realm: "realm", Senders: senders, Phones: phones[i : i+1]}
						if _, found, err := bm.lookup(ctx, q); err != nil || found != want {
							b.Fatal(found, err)
						}
					}
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						ask(i)
					}
					b.StopTimer()
					took := make([]time.Duration, 20_000)
					for i := range took {
						began := time.Now()
						ask(i + b.N)
						took[i] = time.Since(began)
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "median-ns")
					b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
				})
			}
			b.Run("absent-parallel", func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					q := query(pairN(500_000_000))
					for pb.Next() {
						if _, found, err := d.Lookup(ctx, q); err != nil || found {
							b.Error(found, err)
							return
						}
					}
				})
			})
		})
	}
}

func BenchmarkInForce(b *testing.B) {
	d := benchStore(b, benchRows)
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
			o := testOptions(b)
			o.checkpointEvery = 0 // as it is in use: each syncs some files
			d := mustOpen(b, o)
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
