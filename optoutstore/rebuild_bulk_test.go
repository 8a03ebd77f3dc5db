package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// content is everything that a store answers about the phones of pairN(0..n-1).
type content struct {
	States  map[Pair]State
	History [][]Event
	Counts  map[string]uint64
}

func contentOf(t testing.TB, d *Durable, n int) content {
	ctx := context.Background()
	c := content{States: map[Pair]State{}, Counts: map[string]uint64{}}
	check := func(err error) {
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
	}
	check(d.States(ctx, Filter{Lifted: true}, func(s State) error {
		c.States[s.Pair] = s
		return nil
	}))
	for i := range n {
		var events []Event
		check(d.History(ctx, pairN(i).Phone, func(e Event) error {
			events = append(events, e)
			return nil
		}))
		c.History = append(c.History, events)
	}
	for _, realm := range []string{"realm", "other", AnyRealm} {
		for _, sender := range []phone.Sender{"", "12345", "777", phone.AnySender} {
			got, err := d.InForce(ctx, realm, sender)
			check(err)
			untold, err := d.Untold(ctx, realm, sender)
			check(err)
			c.Counts[realm+" "+string(sender)], c.Counts["untold "+realm+" "+string(sender)] = got, untold
		}
	}
	for _, realm := range []string{"realm", "other"} {
		from, set, err := d.RelayFrom(ctx, realm)
		check(err)
		if set {
			c.Counts["relay from "+realm] = from
		}
	}
	check(d.Verify(ctx, nil))
	return c
}

func (c content) equal(o content) error {
	if !maps.Equal(c.States, o.States) {
		return fmt.Errorf("the states are\n%v\nand\n%v", c.States, o.States)
	}
	if !maps.Equal(c.Counts, o.Counts) {
		return fmt.Errorf("the counts are\n%v\nand\n%v", c.Counts, o.Counts)
	}
	if !slices.EqualFunc(c.History, o.History, slices.Equal) {
		return fmt.Errorf("the histories are\n%v\nand\n%v", c.History, o.History)
	}
	return nil
}

// anyChange is one of few changes, so that pairs come again.
func anyChange(r *rand.Rand, phones int) Change {
	c := changeN(r.IntN(phones))
	c.Realm = []string{"realm", "other", AnyRealm}[r.IntN(3)]
	c.Sender = []phone.Sender{"12345", "777", phone.AnySender}[r.IntN(3)]
	return c
}

// anyEvent records something about c's pair, or now and then about its realm.
func anyEvent(t *testing.T, d *Durable, r *rand.Rand, c Change) {
	t.Helper()
	ctx := context.Background()
	var err error
	switch r.IntN(10) {
	case 0, 1:
		_, err = d.Lift(ctx, c, 0)
	case 2, 3:
		var was row
		if was, _, err = d.index.Load().pair(c.Pair); err == nil {
			_, err = d.Told(ctx, c, was.last)
		}
	case 4:
		_, err = d.Untell(ctx, c)
	case 5:
		err = d.SetRelayFrom(ctx, Change{Pair: Pair{Realm: c.Realm}, Source: SourceCLI}, r.Uint64N(d.Health().Events+1))
	default:
		_, err = d.OptOut(ctx, c)
	}
	if err != nil && !errors.Is(err, ErrNotOptedOut) {
		t.Fatal(err)
	}
}

// An index that is built in bulk answers as the one that was written event by
// event.
func TestBulkRebuildIsTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			const phones = 8
			r := rand.New(rand.NewPCG(seed, 0))
			o := testOptions(t)
			o.segmentSize = 4000
			d := mustOpen(t, o)
			for range 1 + r.IntN(200) {
				anyEvent(t, d, r, anyChange(r, phones))
			}
			want := contentOf(t, d, phones)
			mustClose(t, d)
			if err := os.Remove(o.path(checkpointName)); err != nil {
				t.Fatal(err)
			}
			o.inlineRebuild, o.sortMemory = -1, 1<<(6+seed)
			d = mustOpen(t, o)
			waitReady(t, d)
			if err := want.equal(contentOf(t, d, phones)); err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(o.path(sortPattern)); len(left) > 0 {
				t.Fatalf("left behind: %v", left)
			}
			// It goes on from there, and comes back.
			if _, err := d.OptOut(context.Background(), changeN(phones)); err != nil {
				t.Fatal(err)
			}
			want = contentOf(t, d, phones+1)
			mustClose(t, d)
			if err := want.equal(contentOf(t, mustOpen(t, o), phones+1)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// However many senders there are, the counts come out right.
func TestCountSumsBeyondMemory(t *testing.T) {
	t.Parallel()
	c := newCountSums(t.TempDir(), 4, anyRoom)
	defer c.close()
	want := map[string]countRow{}
	for i := range 200 {
		p := Pair{Realm: fmt.Sprint("realm", i%3), Sender: phone.Sender(fmt.Sprint(i % 7))}
		r := row{inForce: i%5 != 0, told: i%5 != 0 && i%2 == 0, last: uint64(i + 1)}
		if err := c.add(p, r); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{string(appendCountKey(nil, p.Realm, p.Sender)), string(appendTotalKey(nil, p.Realm))} {
			sum := want[key]
			if r.inForce {
				sum.inForce++
				sum.untold += uint64(i % 2)
			}
			sum.pairs++
			sum.asOf = r.last
			want[key] = sum
		}
	}
	if c.spills < 10 {
		t.Fatalf("%d spills", c.spills)
	}
	last := ""
	err := c.each(func(key []byte, r countRow) error {
		if string(key) <= last {
			t.Errorf("%q behind %q", key, last)
		}
		last = string(key)
		if want[last] != r {
			t.Errorf("%q: %+v, want %+v", key, r, want[last])
		}
		delete(want, last)
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Fatalf("%v; missing: %v", err, want)
	}
}

// A rebuild in the background waits for space and says so; one that Open itself
// waits for is refused.
func TestRebuildShortOfSpace(t *testing.T) {
	t.Parallel()
	var free atomic.Uint64
	free.Store(1 << 40)
	o := testOptions(t)
	o.MinFree = 1000
	o.FreeSpace = func(string) (uint64, error) { return free.Load(), nil }
	d := mustOpen(t, o)
	fill(t, d, 0, 2*lookEvery)
	mustClose(t, d)

	forget := func() {
		t.Helper()
		if err := os.Remove(o.path(checkpointName)); err != nil {
			t.Fatal(err)
		}
	}
	forget()
	var asked atomic.Int32
	p := o
	p.FreeSpace = func(string) (uint64, error) {
		if asked.Add(1) > 1 { // Open asks first
			return 400, nil
		}
		return 1 << 40, nil
	}
	_, err := Open(p)
	wantErr(t, err, ErrNoSpace)

	o.inlineRebuild = -1
	free.Store(1000)
	d = mustOpen(t, o)
	wait(t, "it waits for space", func() bool { return d.blocked.get() != nil })
	_, _, err = d.Lookup(context.Background(), query(pairN(0)))
	wantErr(t, err, ErrNoSpace)
	free.Store(1 << 40)
	waitReady(t, d)
	wantFilled(t, d, 2*lookEvery)
	mustClose(t, d)

	// Close ends the waiting.
	forget()
	free.Store(1000)
	d = mustOpen(t, o)
	wait(t, "it waits for space", func() bool { return d.blocked.get() != nil })
	began := time.Now()
	mustClose(t, d)
	if took := time.Since(began); took > 10*time.Second {
		t.Fatalf("Close took %s", took)
	}
}

// What a crash left is gone after the next open.
func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	mustClose(t, mustOpen(t, o))
	left := []string{o.path("123" + sortSuffix), filepath.Join(o.path(nextIndexName), "MANIFEST")}
	if err := os.Mkdir(o.path(nextIndexName), dirPerm); err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if err := os.WriteFile(name, nil, filePerm); err != nil {
			t.Fatal(err)
		}
	}
	mustOpen(t, o)
	for _, name := range left {
		if there, _ := exists(osFS{}, name); there {
			t.Errorf("%s is still there", name)
		}
	}
}
