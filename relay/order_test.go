package relay

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stopgate/stopgate/phone"
)

func number(t testing.TB, digits string) phone.Number {
	t.Helper()
	n, err := phone.ParseNumber(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A subscribe waits for the delivery that is under way, and holds back the next.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := NewOrder()
		ann, bob := number(t, "12065551212"), number(t, "13105550000")
		unexpected := func() { t.Error("a delivery was put off that had begun") }
		done, ok := o.begin(ann, unexpected)
		if !ok {
			t.Fatal("a delivery does not begin although nothing goes on")
		}
		again, ok := o.begin(ann, unexpected) // of another sender
		if !ok {
			t.Fatal("two deliveries about one phone do not go together")
		}

		var held, second func()
		go func() { held, _ = o.Hold(t.Context(), []phone.Number{ann, bob, ann}) }()
		go func() { second, _ = o.Hold(t.Context(), []phone.Number{ann}) }()
		synctest.Wait()
		done()
		synctest.Wait()
		if held != nil || second != nil {
			t.Fatal("a subscribe passes a delivery")
		}
		readied := 0
		if _, ok := o.begin(ann, func() { readied++ }); ok {
			t.Fatal("a delivery begins while a subscribe waits for the one before")
		}
		again()
		synctest.Wait()
		if held == nil || second == nil {
			t.Fatal("subscribes still wait although nothing is under way")
		}
		held()
		held() // more than once does no harm
		if readied != 0 {
			t.Error("a delivery is let go while another subscribe holds the phone")
		}
		if done, ok := o.begin(bob, unexpected); !ok {
			t.Error("a phone that nobody holds any more cannot be told about")
		} else {
			done()
		}
		second()
		if readied != 1 {
			t.Errorf("the delivery that waited was let go %d times", readied)
		}
		if len(o.phones) != 0 {
			t.Errorf("%d phones are kept", len(o.phones))
		}
	})
}

// A subscribe that gives up holds nothing.
func TestOrderGivesUp(t *testing.T) {
	t.Parallel()
	o := NewOrder()
	ann := number(t, "12065551212")
	done, _ := o.begin(ann, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if release, err := o.Hold(ctx, []phone.Number{ann}); !errors.Is(err, context.Canceled) || release != nil {
		t.Fatalf("%v", err)
	}
	again, ok := o.begin(ann, nil)
	if !ok {
		t.Fatal("the phone is still held")
	}
	done()
	again()
	if len(o.phones) != 0 {
		t.Errorf("%d phones are kept", len(o.phones))
	}
}

// Subscribes of a phone that never cease do not keep the backend from hearing of a
// stop: a client that asks and hangs up, again and again, would block the fan-outs.
func TestOrderNeverCeasing(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		ann := numbered(t, 1)
		_, stop := b.start()
		var held atomic.Int64
		go func() {
			for range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				if release, err := b.order.Hold(ctx, []phone.Number{ann}); err == nil {
					held.Add(1)
					time.AfterFunc(10*time.Second, release) // as of a client that has gone
				}
				cancel()
				time.Sleep(4 * time.Second)
			}
		}()
		synctest.Wait()
		b.optOut(ann)
		time.Sleep(patience + 15*time.Second)
		b.wantUntold(0)
		time.Sleep(5 * time.Minute)
		if n := held.Load(); n < 39 {
			t.Errorf("%d subscribes of 40 were let through", n)
		}
		stop()
		synctest.Wait()
		if n := len(b.order.phones); n != 0 {
			t.Errorf("%d phones are kept", n)
		}
	})
}

// A turn that no delivery takes ends, and so do the waits for it that are given up.
func TestOrderTurnNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := NewOrder()
		ann, bob := number(t, "12065551212"), number(t, "13105550000")
		first, err := o.Hold(t.Context(), []phone.Number{ann})
		if err != nil {
			t.Fatal(err)
		}
		ready := 0
		if _, ok := o.begin(ann, func() { ready++ }); ok {
			t.Fatal("a delivery begins although the phone is held")
		}
		time.Sleep(patience + time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := o.Hold(ctx, []phone.Number{bob, ann}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a subscribe goes before a delivery that has waited too long: %v", err)
		}
		if n := o.Holds(bob); n != 0 {
			t.Errorf("what was given up holds another phone %d times", n)
		}
		began := time.Now()
		time.AfterFunc(time.Second, first)
		second, err := o.Hold(t.Context(), []phone.Number{ann, ann})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if took := time.Since(began); took != time.Second+turnTime || ready != 1 {
			t.Errorf("it waited %s, the delivery was let go %d times", took, ready)
		}
		second()
		if len(o.phones) != 0 {
			t.Errorf("%d phones are kept", len(o.phones))
		}
	})
}
