package optoutstore

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// The clock goes back, jumps far ahead and comes back again, at times between two
// events and a restart. Events keep their order, lookups their answers, and a
// history its sequence: all go by the number.
func TestClock(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	o := testOptions(t)
	o.segmentSize = 1000
	o.Now = func() time.Time { return time.Unix(now.Load(), 0) }
	d := mustOpen(t, o)
	p := changeN(1)
	var want []int64
	for i, at := range []int64{
		1_800_000_000, 1_799_999_000, -5_000_000_000, 0, 250_000_000_000, 1_800_000_001, 1, 1_800_000_002,
	} {
		now.Store(at)
		want = append(want, at)
		var e Event
		var err error
		if i%3 == 2 {
			e, err = d.Lift(context.Background(), p, 0)
		} else {
			e, err = d.OptOut(context.Background(), p)
		}
		if err != nil || e.Number != uint64(i+1) || e.RecordedAt.Unix() != at {
			t.Fatalf("event %d: %+v, %v", i+1, e, err)
		}
		if got := optedOut(t, d, p.Pair); got != (i%3 != 2) {
			t.Fatalf("after event %d: opted out %v", i+1, got)
		}
		if i%2 == 1 {
			mustClose(t, d)
			d = mustOpen(t, o)
			if got := optedOut(t, d, p.Pair); got != (i%3 != 2) {
				t.Fatalf("after event %d and a restart: opted out %v", i+1, got)
			}
		}
	}
	var got []int64
	err := d.History(context.Background(), p.Phone, func(e Event) error {
		if e.Number != uint64(len(got)+1) {
			t.Errorf("event %d in place %d", e.Number, len(got)+1)
		}
		got = append(got, e.RecordedAt.Unix())
		return nil
	})
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("event %d was recorded at %d, want %d", i+1, got[i], want[i])
		}
	}
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}
