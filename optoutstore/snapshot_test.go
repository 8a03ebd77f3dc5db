package optoutstore

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Readers hold on to a snapshot while newer ones take its place.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	d := mustOpen(t, testOptions(t))
	optOutEach(t, d, 0, 1)
	ix := d.index.Load()
	held := ix.read()
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				if !optedOut(t, d, pairN(0)) {
					t.Error("a snapshot without what was there before")
					return
				}
			}
		})
	}
	optOutEach(t, d, 1, 200)
	stop.Store(true)
	wg.Wait()
	var buf keyBuffer
	if _, found, err := pairIn(held.txn, &buf, pairN(150).Phone, "realm", "12345"); found || err != nil {
		t.Fatalf("the held snapshot moved: %v", err)
	}
	if _, found, err := pairIn(held.txn, &buf, pairN(0).Phone, "realm", "12345"); !found || err != nil {
		t.Fatalf("the held snapshot ended: %v", err)
	}
	held.release()
	wantFilled(t, d, 200)
}

// When the index takes nothing any more, changes and lookups are errors until it
// is built again, with what the journal has.
func TestIndexFault(t *testing.T) {
	t.Parallel()
	var log logLines
	o := testOptions(t)
	o.Logger = log.logger()
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 5)
	if err := d.index.Load().db.Close(); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		_, found, err := d.Lookup(context.Background(), query(pairN(n)))
		if err == nil && !found {
			t.Fatalf("%d is said not to have opted out", n)
		}
		if err != nil && strings.Contains(err.Error(), "1206") {
			t.Fatalf("a phone in %q", err)
		}
	}
	wait(t, "it recovers", func() bool {
		_, err := d.OptOut(context.Background(), changeN(5))
		return err == nil
	})
	if !strings.Contains(log.String(), "the index is damaged") {
		t.Fatal(log.String())
	}
	for n := range 6 {
		if !optedOut(t, d, pairN(n)) {
			t.Fatalf("%d is lost", n)
		}
	}
	mustClose(t, d)
	d = mustOpen(t, o)
	for n := range 6 {
		if !optedOut(t, d, pairN(n)) {
			t.Fatalf("%d is lost", n)
		}
	}
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "1206000") {
		t.Fatalf("a phone in the log:\n%s", log.String())
	}
}
