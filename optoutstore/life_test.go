package optoutstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLocked(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	_, err := Open(o)
	wantErr(t, err, ErrLocked)
	if !strings.Contains(err.Error(), "another Caddy") {
		t.Fatal(err)
	}
	wantErr(t, AcceptLoss(o, "ann", "x"), ErrLocked)
	mustClose(t, d)
	mustClose(t, mustOpen(t, o))
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	for _, name := range []string{identityName, checkpointName} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			mustClose(t, mustOpen(t, o))
			if err := writeSealed(osFS{}, o.path(name), map[string]any{"format": 99, "new": true}); err != nil {
				t.Fatal(err)
			}
			_, err := Open(o)
			wantErr(t, err, ErrNewerFormat)
		})
	}
	t.Run("witness", func(t *testing.T) {
		o := testOptions(t)
		mustClose(t, mustOpen(t, o))
		w := o.Witness.(fileWitness)
		if err := writeSealed(osFS{}, w.name(o.Dir), map[string]any{"format": 99}); err != nil {
			t.Fatal(err)
		}
		_, err := Open(o)
		wantErr(t, err, ErrNewerFormat)
	})
}

func TestOptionsDir(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "relative", "/a/../b", "/a/"} {
		_, err := Open(Options{Dir: dir})
		wantErr(t, err, ErrUnavailable)
	}
}

// While 32 write, Close lets each finish or refuses it, and what was acknowledged
// is there.
func TestCloseAmidWriters(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	for round := range 5 {
		d := mustOpen(t, o)
		var wg sync.WaitGroup
		var acked sync.Map
		for w := range 32 {
			wg.Go(func() {
				for i := 0; ; i++ {
					n := round*1_000_000 + w*10_000 + i
					_, err := d.OptOut(context.Background(), changeN(n))
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					acked.Store(n, true)
					if _, found, err := d.Lookup(context.Background(), query(pairN(n))); !found && !errors.Is(err, ErrClosed) {
						t.Errorf("not seen after its acknowledgement: %v", err)
					}
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		mustClose(t, d)
		wg.Wait()
		d = mustOpen(t, o)
		acked.Range(func(n, _ any) bool {
			if !optedOut(t, d, pairN(n.(int))) {
				t.Errorf("%d is lost", n)
			}
			return true
		})
		mustClose(t, d)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	hold := make(chan struct{})
	o := testOptions(t)
	o.MaxPending = 2
	o.fs = &faultFS{fail: func(op, name string) error {
		if on.Load() && op == "sync" && strings.HasSuffix(name, segmentSuffix) {
			<-hold
		}
		return nil
	}}
	d := mustOpen(t, o)
	on.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	var busy, late atomic.Int32
	for n := range 20 {
		wg.Go(func() {
			switch _, err := d.OptOut(ctx, changeN(n)); {
			case errors.Is(err, ErrBusy):
				busy.Add(1)
			case errors.Is(err, context.DeadlineExceeded):
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	on.Store(false)
	close(hold)
	if busy.Load() == 0 || late.Load() == 0 {
		t.Fatalf("%d busy, %d late", busy.Load(), late.Load())
	}
}
