package optoutstore

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// plenty is a disk that is never short, so that tests do not depend on the one
// they run on.
func plenty(string) (uint64, error) { return 1 << 40, nil }

// testOptions are a store in a directory of the test's own, with a witness.
func testOptions(t testing.TB) Options {
	t.Helper()
	dir := t.TempDir()
	return Options{
		Dir:             filepath.Join(dir, "store"),
		Witness:         FileWitness(filepath.Join(dir, "witness")),
		FreeSpace:       plenty,
		checkpointEvery: 20 * time.Millisecond,
	}
}

// mustOpen opens a store that is closed with the test.
func mustOpen(t testing.TB, o Options) *Durable {
	t.Helper()
	d, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func mustClose(t testing.TB, d *Durable) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// pairN is the n-th pair of a test.
func pairN(n int) Pair {
	digits := []byte("12060000000")
	for i := len(digits) - 1; n > 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	num, err := phone.ParseNumber(digits)
	if err != nil {
		panic(err)
	}
	return Pair{Realm: "realm", Sender: "12345", Phone: num}
}

func changeN(n int) Change {
	return Change{Pair: pairN(n), Source: SourceAPIWeb, Remote: "192.0.2.1", RequestID: "0123456789abcdef"}
}

// fill opts the pairs from..to-1 out, 64 at a time.
func fill(t testing.TB, d *Durable, from, to int) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for w := range 64 {
		wg.Go(func() {
			for n := from + w; n < to; n += 64 {
				if _, err := d.OptOut(context.Background(), changeN(n)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		t.Fatalf("OptOut: %v", err)
	default:
	}
}

// optedOut asks about one pair.
func optedOut(t testing.TB, d *Durable, p Pair) bool {
	t.Helper()
	_, found, err := d.Lookup(context.Background(), query(p))
	if err != nil {
		t.Fatalf("Lookup: %v", err)
	}
	return found
}

func query(p Pair) Query {
	return Query{Realm: p.Realm, Senders: []phone.Sender{p.Sender}, Phones: []phone.Number{p.Phone}}
}

// wantFilled checks that exactly the pairs 0..n-1 are opted out, and the count.
func wantFilled(t testing.TB, d *Durable, n int) {
	t.Helper()
	for i := range n {
		if !optedOut(t, d, pairN(i)) {
			t.Fatalf("pair %d of %d is not opted out", i, n)
		}
	}
	if optedOut(t, d, pairN(n)) {
		t.Fatalf("pair %d is opted out", n)
	}
	if got, err := d.InForce(context.Background(), "realm", "12345"); err != nil || got != uint64(n) {
		t.Fatalf("InForce: %d, %v; want %d", got, err, n)
	}
}

// wantErr checks for a sentinel.
func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// waitReady waits until the index is built.
func waitReady(t testing.TB, d *Durable) {
	t.Helper()
	for end := time.Now().Add(120 * time.Second); !d.Health().Readable; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not ready: %+v", d.Health())
		}
	}
}
