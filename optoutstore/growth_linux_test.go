package optoutstore

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// growthEnv sets how many opt-outs TestGrowth makes; the full run is 1,000,000.
const growthEnv = "OPTOUTSTORE_TEST_GROWTH"

// The sizes that docs/storage.md states: of the journal per event, and of the
// index per pair, in bytes, beside what Badger's files take however little is in
// them.
const (
	statedEvent = 300
	statedPair  = 200
	statedFixed = 24 << 20
)

// TestGrowth makes opt-outs, repeats as many of them and lifts as many, and wants
// the directory to stay within its stated size, and lookups to stay fast meanwhile.
func TestGrowth(t *testing.T) {
	pairs := 20_000
	if s := os.Getenv(growthEnv); s != "" {
		var err error
		if pairs, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	o := testOptions(t)
	d := mustOpen(t, o)
	ctx, cancel := context.WithCancel(context.Background())
	var slowest time.Duration
	var lookups int
	var reader sync.WaitGroup
	reader.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			if _, _, err := d.Lookup(context.Background(), query(pairN(rand.IntN(2*pairs)))); err != nil {
				t.Error(err)
				return
			}
			slowest = max(slowest, time.Since(began))
			lookups++
		}
	})
	var events atomic.Uint64
	each := func(do func(Change) error) {
		t.Helper()
		var wg sync.WaitGroup
		for w := range 256 {
			wg.Go(func() {
				for n := w; n < pairs; n += 256 {
					if err := do(changeN(n)); err != nil {
						t.Error(err)
						return
					}
					events.Add(1)
				}
			})
		}
		wg.Wait()
	}
	optOut := func(c Change) error { _, err := d.OptOut(context.Background(), c); return err }
	each(optOut)
	each(optOut)
	each(func(c Change) error { _, err := d.Lift(context.Background(), c, 0); return err })
	cancel()
	reader.Wait()
	mustClose(t, d)

	journal, index := allocated(t, o.path(journalName)), allocated(t, o.path(indexName))
	n := int64(events.Load())
	t.Logf("%d pairs, %d events: journal %d MiB, %d bytes an event; index %d MiB, %d bytes a pair; %d lookups meanwhile, the slowest %s",
		pairs, n, journal>>20, journal/n, index>>20, index/int64(pairs), lookups, slowest)
	if most := statedEvent*n + 1<<20; journal > most {
		t.Errorf("the journal has %d bytes, at most %d are stated", journal, most)
	}
	if most := statedPair*int64(pairs) + statedFixed; index > most {
		t.Errorf("the index has %d bytes, at most %d are stated", index, most)
	}
}

// allocated is what the files of a directory take on the disk, in bytes.
func allocated(t *testing.T, dir string) (n int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Sys().(*syscall.Stat_t).Blocks * 512
	}
	return n
}
