package optoutstore

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// While something waits for the disk and gets no answer, Close returns in time,
// says so, and keeps the directory locked. When the disk answers the store closes
// after all, and has what was acknowledged.
func TestCloseWhileTheDiskHangs(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]func(o *Options) (begin func(*Durable), end func(*Durable)){
		"in a sync of the journal": func(o *Options) (begin, end func(*Durable)) {
			var on atomic.Bool
			hold := make(chan struct{})
			o.fs = &faultFS{fail: func(op, name string) error {
				if on.Load() && op == "sync" && strings.HasSuffix(name, segmentSuffix) {
					<-hold
				}
				return nil
			}}
			return func(*Durable) { on.Store(true) }, func(*Durable) { close(hold) }
		},
		// The applier holds this while Badger commits.
		"in a commit of the index": func(*Options) (begin, end func(*Durable)) {
			return func(d *Durable) { d.applying.Lock() }, func(d *Durable) { d.applying.Unlock() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logLines
			o := testOptions(t)
			o.closeWait, o.Logger = 100*time.Millisecond, log.logger()
			begin, end := hang(&o)
			d, err := Open(o)
			if err != nil {
				t.Fatal(err)
			}
			fill(t, d, 0, 100)
			begin(d)
			written := make(chan error, 1)
			go func() {
				_, err := d.OptOut(context.Background(), changeN(100))
				written <- err
			}()
			wait(t, "a change is under way", func() bool { return len(d.queue) == 0 && d.gate.n.Load() > 0 })
			began := time.Now()
			wantErr(t, d.Close(), ErrUnavailable)
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("Close took %s", took)
			}
			wantErr(t, d.Close(), ErrUnavailable)
			_, err = Open(o)
			wantErr(t, err, ErrLocked)
			if _, _, err := d.Lookup(context.Background(), query(pairN(1))); err == nil {
				t.Error("a closed store answers")
			}

			end(d)
			if err := <-written; err != nil {
				t.Errorf("what was under way: %v", err)
			}
			wait(t, "it closes after all", func() bool { return strings.Contains(log.String(), "closed after all") })
			o.closeWait = 0
			d = mustOpen(t, o)
			wantFilled(t, d, 101)
			if text := log.String(); !strings.Contains(text, "the store does not close") {
				t.Errorf("the log:\n%s", text)
			}
		})
	}
}
