package optoutstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"pgregory.net/rapid"
)

// With hashes of our choosing the set is exact on 42 bits, in one table, with all
// tags in a heap, and across its end.
func TestSummaryExact(t *testing.T) {
	t.Parallel()
	for name, hash := range map[string]*rapid.Generator[uint64]{
		"one shard, few tags":         rapid.Map(rapid.Uint32Range(0, 300), func(n uint32) uint64 { return uint64(n) }),
		"one shard, at its end":       rapid.Map(rapid.Uint32Range(1<<32-300, 1<<32-1), func(n uint32) uint64 { return uint64(n) }),
		"one shard":                   rapid.Map(rapid.Uint32(), func(n uint32) uint64 { return uint64(n) }),
		"two shards, the same tags":   rapid.Map(rapid.Uint32Range(1, 200), func(n uint32) uint64 { return uint64(n)<<63 | uint64(n/2) }),
		"all shards":                  rapid.Uint64(),
		"bits that are not looked at": rapid.Map(rapid.Uint64Range(0, 50), func(n uint64) uint64 { return n<<40 | 7 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				s := newSummary()
				model := map[uint64]bool{}
				for _, h := range rapid.SliceOfN(hash, 0, 1000).Draw(t, "hashes") {
					k := h>>(64-summaryShardBits)<<32 | uint64(tagOf(h))
					if s.has(h) != model[k] {
						t.Fatalf("%x: %v, model %v", h, s.has(h), model[k])
					}
					s.addHash(h)
					model[k] = true
					if !s.has(h) {
						t.Fatalf("%x is not found after it was added", h)
					}
				}
				for k := range model {
					if !s.has(k>>32<<(64-summaryShardBits) | k&(1<<32-1)) {
						t.Fatalf("%x of %d is not found", k, len(model))
					}
				}
				if n, _ := s.size(); n != len(model) {
					t.Fatalf("%d tags, model %d", n, len(model))
				}
			})
		})
	}
}

// A hash that was added is found by everybody from then on, whatever is added and
// moved meanwhile. The writers say what they added, the readers ask for it.
func TestSummaryConcurrent(t *testing.T) {
	t.Parallel()
	const writers, readers, each = 4, 4, 20_000
	for name, mask := range map[string]uint64{
		"all shards":          ^uint64(0),
		"one shard":           1<<32 - 1,
		"two shards, crowded": 1<<63 | 0xfff,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSummary()
			var added [writers][each]atomic.Uint64
			var counts [writers]atomic.Int64
			var wg, done sync.WaitGroup
			var stop atomic.Bool
			for w := range writers {
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(w), 1))
					for i := range each {
						h := rnd.Uint64() & mask
						s.addHash(h)
						added[w][i].Store(h)
						counts[w].Store(int64(i + 1))
					}
				})
			}
			for r := range readers {
				done.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(r), 2))
					for !stop.Load() {
						w := rnd.IntN(writers)
						n := counts[w].Load()
						if n == 0 {
							continue
						}
						// The newest, which most likely meets a table that moves.
						for _, i := range []int64{n - 1, rnd.Int64N(n)} {
							if h := added[w][i].Load(); !s.has(h) {
								t.Errorf("%x was added and is not found", h)
								return
							}
						}
					}
				})
			}
			wg.Wait()
			stop.Store(true)
			done.Wait()
			for w := range writers {
				for i := range each {
					if !s.has(added[w][i].Load()) {
						t.Fatalf("%x is missing at the end", added[w][i].Load())
					}
				}
			}
		})
	}
}

// The memory for n phones is what docs/storage.md says, and strangers are rare.
func TestSummarySize(t *testing.T) {
	t.Parallel()
	const n = 300_000
	s := newSummary()
	for i := range n {
		s.add(pairN(i).Phone)
	}
	phones, bytes := s.size()
	if phones < n-10 || phones > n {
		t.Fatalf("%d phones, want %d", phones, n)
	}
	if per := float64(bytes) / n; per < 5 || per > 6.5 {
		t.Fatalf("%.2f bytes for a phone", per)
	}
	strangers := 0
	for i := n; i < 2*n; i++ {
		if !s.lacks(pairN(i).Phone) {
			strangers++
		}
	}
	if strangers > 10 {
		t.Fatalf("%d of %d phones that were never added are said to be there", strangers, n)
	}
}

// waitSummary waits until lookups are answered from memory.
func waitSummary(t testing.TB, d *Durable) *summary {
	t.Helper()
	waitReady(t, d)
	ix := d.index.Load()
	for end := time.Now().Add(120 * time.Second); ix.summary.Load() == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the summary is not built")
		}
	}
	if h := d.Health(); !h.InMemory {
		t.Fatalf("health %+v", h)
	}
	return ix.summary.Load()
}

// Phones of every way into the index are in the summary: what was there at open,
// what was applied again, what was built again, and what is recorded since. What
// was lifted may be.
func TestSummaryOfStore(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	waitSummary(t, d)
	fill(t, d, 0, 500)
	if _, err := d.Lift(context.Background(), changeN(7), 0); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		again func()
	}{
		{"as it is", func() {}},
		{"opened", func() { mustClose(t, d); d = mustOpen(t, o) }},
		{"rebuilt", func() {
			mustClose(t, d)
			if err := os.Remove(o.path(checkpointName)); err != nil {
				t.Fatal(err)
			}
			d = mustOpen(t, o)
		}},
		{"rebuilt in the background", func() {
			mustClose(t, d)
			if err := os.RemoveAll(o.path(indexName)); err != nil {
				t.Fatal(err)
			}
			o.inlineRebuild = -1
			d = mustOpen(t, o)
		}},
	} {
		tc.again()
		s := waitSummary(t, d)
		for i := range 500 {
			if s.lacks(pairN(i).Phone) {
				t.Fatalf("%s: phone %d is missing", tc.name, i)
			}
			if optedOut(t, d, pairN(i)) != (i != 7) {
				t.Fatalf("%s: pair %d is said to be opted out: %v", tc.name, i, i == 7)
			}
		}
		if !s.lacks(pairN(501).Phone) && !s.lacks(pairN(502).Phone) {
			t.Fatalf("%s: it lacks no phone", tc.name)
		}
		if err := d.Verify(context.Background(), nil); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
	}
	if _, err := d.OptOut(context.Background(), changeN(7)); err != nil || !optedOut(t, d, pairN(7)) {
		t.Fatal("opted out again, and not found: ", err)
	}
}

// TestSummaryWhileBuilt compares lookups with a model while the summary is built
// again and again, and opt-outs are recorded and lifted.
func TestSummaryWhileBuilt(t *testing.T) {
	t.Parallel()
	const before, writers, each = 3_000, 4, 150
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, before)
	mustClose(t, d)
	d = mustOpen(t, o)
	ix := d.index.Load()

	var stop atomic.Bool
	var builds, answers atomic.Int64
	var background sync.WaitGroup
	background.Go(func() {
		for !stop.Load() {
			// As at an open: what was there is unknown, what is applied from now on is noted.
			ix.summary.Store(nil)
			if err := ix.summarize(func() error { return nil }); err != nil {
				t.Errorf("summarize: %v", err)
				return
			}
			builds.Add(1)
		}
	})
	background.Go(func() {
		rnd := rand.New(rand.NewPCG(1, 2))
		for !stop.Load() {
			if n := rnd.IntN(before); !optedOut(t, d, pairN(n)) {
				t.Errorf("pair %d was opted out before and is not found", n)
				return
			}
			if n := 5_000_000 + rnd.IntN(before); optedOut(t, d, pairN(n)) {
				t.Errorf("pair %d never opted out", n)
				return
			}
			answers.Add(1)
		}
	})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rapidly := rand.New(rand.NewPCG(uint64(w), 3))
			model := map[int]bool{}
			for range each {
				// Each writer has phones of its own, so that it knows how they stand.
				n := before + w*50 + rapidly.IntN(50)
				var err error
				if model[n] {
					_, err = d.Lift(context.Background(), changeN(n), 0)
				} else {
					_, err = d.OptOut(context.Background(), changeN(n))
				}
				if err != nil {
					t.Error(err)
					return
				}
				model[n] = !model[n]
				for _, m := range []int{n, before + w*50 + rapidly.IntN(50)} {
					if got := optedOut(t, d, pairN(m)); got != model[m] {
						t.Errorf("pair %d: opted out %v, model %v", m, got, model[m])
						return
					}
				}
			}
		})
	}
	wg.Wait()
	stop.Store(true)
	background.Wait()
	if builds.Load() == 0 || answers.Load() == 0 {
		t.Fatalf("%d builds, %d answers", builds.Load(), answers.Load())
	}
	waitSummary(t, d)
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}

// A scan that ends early, as Badger's does at a damaged table, makes no summary:
// lookups go on asking the index. A row that says "lifted" must not be missing
// either: the next event of its pair would not name the one before.
func TestSummaryIncomplete(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]int{"in force": 3, "lifted": 2} {
		t.Run(name, func(t *testing.T) { summaryIncomplete(t, pairN(lost)) })
	}
}

func summaryIncomplete(t *testing.T, p Pair) {
	d := mustOpen(t, testOptions(t))
	fill(t, d, 0, 50)
	if _, err := d.Lift(context.Background(), changeN(2), 0); err != nil {
		t.Fatal(err)
	}
	waitSummary(t, d)
	ix := d.index.Load()
	ix.summary.Store(nil)
	err := ix.db.Update(func(txn *badger.Txn) error {
		return txn.Delete(appendPairKey(nil, p.Phone, p.Realm, p.Sender))
	})
	if err != nil {
		t.Fatal(err)
	}
	ix.refresh()
	wantErr(t, ix.summarize(func() error { return nil }), errSummary)
	if ix.summary.Load() != nil {
		t.Fatal("it is used")
	}
	if !optedOut(t, d, pairN(4)) {
		t.Fatal("lookups do not ask the index")
	}

	// A scan that is told to end does.
	fill(t, d, 50, lookEvery+50)
	enough := errors.New("enough")
	if err := ix.summarize(func() error { return enough }); err != enough {
		t.Fatalf("interrupted: %v", err)
	}
}

// Verify finds a phone that is missing from memory, and lookups no longer trust it.
func TestSummaryVerified(t *testing.T) {
	t.Parallel()
	d := mustOpen(t, testOptions(t))
	waitSummary(t, d)
	fill(t, d, 0, 5)
	ix := d.index.Load()
	ix.summary.Store(newSummary())
	if optedOut(t, d, pairN(3)) {
		t.Fatal("the lookup did not ask the summary")
	}
	wantErr(t, d.Verify(context.Background(), nil), errNotSummarized)
	wantFilled(t, d, 5)
}

// The answer from memory costs no allocation, nor does it where the question has
// many readings.
func TestLookupAllocates(t *testing.T) {
	d := mustOpen(t, testOptions(t))
	fill(t, d, 0, 5)
	waitSummary(t, d)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q := query(pairN(1000))
	wide := q
	wide.Senders = append(slices.Clone(q.Senders), "67890", "alpha")
	wide.Phones = append(slices.Clone(q.Phones), pairN(1001).Phone)
	anySender := q
	anySender.Senders = nil
	for name, q := range map[string]Query{"a pair": q, "many readings": wide, "any sender": anySender} {
		n := testing.AllocsPerRun(1000, func() {
			if _, found, err := d.Lookup(ctx, q); found || err != nil {
				t.Fatal(found, err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
