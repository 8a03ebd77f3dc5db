package optoutstore

import (
	"context"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// wait calls fn until it returns true.
func wait(t *testing.T, what string, fn func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !fn(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain: ", what)
		}
	}
}

func TestJournalFault(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		op   string
		err  error
		want error
	}{
		"no space at write": {"write", syscall.ENOSPC, ErrNoSpace},
		"no space at sync":  {"sync", syscall.ENOSPC, ErrNoSpace},
		"quota":             {"write", syscall.EDQUOT, ErrNoSpace},
		"write error":       {"write", syscall.EIO, ErrUnavailable},
		"sync error":        {"sync", syscall.EIO, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var on atomic.Bool
			var log logLines
			o := testOptions(t)
			o.fs, o.Logger = journalFault(&on, tc.op, &fs.PathError{Op: tc.op, Path: "x", Err: tc.err}), log.logger()
			d := mustOpen(t, o)
			optOutEach(t, d, 0, 3)

			on.Store(true)
			for range 5 {
				_, err := d.OptOut(context.Background(), changeN(3))
				wantErr(t, err, tc.want)
				if h := d.Health(); h.Writable || !h.Readable || h.Reason == "" {
					t.Fatalf("health %+v", h)
				}
				wantFilled(t, d, 3) // what is known is answered for, the rest is not
			}
			if n := strings.Count(log.String(), "cannot be recorded"); n != 1 {
				t.Fatalf("%d lines:\n%s", n, log.String())
			}

			on.Store(false)
			wait(t, "it heals", func() bool { return d.Health().Writable })
			optOutEach(t, d, 3, 6)
			mustClose(t, d)
			d = mustOpen(t, o)
			wantFilled(t, d, 6)
			if h := d.Health(); h.Events != 6 {
				t.Fatalf("%d events", h.Events)
			}
			if err := d.Verify(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A failed sync is never taken for a success at the second try: until what may
// or may not be on the disk is cut off, and that is synced, nothing is written.
func TestJournalPoisoned(t *testing.T) {
	t.Parallel()
	var on, cut atomic.Bool
	var truncated atomic.Int32
	o := testOptions(t)
	o.fs = &faultFS{fail: func(op, name string) error {
		if !strings.HasSuffix(name, segmentSuffix) {
			return nil
		}
		if op == "truncate" {
			truncated.Add(1)
			if cut.Load() {
				return syscall.EIO
			}
		}
		if op == "sync" && on.Load() {
			on.Store(false) // once: the next sync would succeed
			return syscall.EIO
		}
		return nil
	}}
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 3)
	on.Store(true)
	cut.Store(true)
	_, err := d.OptOut(context.Background(), changeN(3))
	wantErr(t, err, ErrUnavailable)
	wait(t, "it tries to cut", func() bool { return truncated.Load() > 0 })
	_, err = d.OptOut(context.Background(), changeN(4))
	wantErr(t, err, ErrUnavailable)
	cut.Store(false)
	wait(t, "it heals", func() bool { return d.Health().Writable })
	wantFilled(t, d, 3)
	e, err := d.OptOut(context.Background(), changeN(3))
	if err != nil || e.Number != 4 {
		t.Fatalf("%d, %v", e.Number, err)
	}
}

// A segment that cannot be begun loses nothing, and does not stay half made.
func TestRotationFault(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"open", "write", "sync", "syncdir"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			var on atomic.Bool
			o := testOptions(t)
			o.segmentSize = 500
			o.fs = &faultFS{fail: func(o, name string) error {
				if on.Load() && o == op && !strings.HasSuffix(name, segmentName(1)) &&
					(strings.HasSuffix(name, segmentSuffix) || strings.HasSuffix(name, journalName)) {
					return syscall.ENOSPC
				}
				return nil
			}}
			d := mustOpen(t, o)
			on.Store(true)
			n := 0
			for ; ; n++ {
				if _, err := d.OptOut(context.Background(), changeN(n)); err != nil {
					wantErr(t, err, ErrNoSpace)
					break
				}
			}
			on.Store(false)
			wait(t, "it heals", func() bool { return d.Health().Writable })
			optOutEach(t, d, n, n+5)
			mustClose(t, d)
			wantFilled(t, mustOpen(t, o), n+5)
		})
	}
}

func TestFreeSpace(t *testing.T) {
	t.Parallel()
	var free atomic.Uint64
	free.Store(1 << 40)
	var log logLines
	o := testOptions(t)
	o.Logger, o.MinFree = log.logger(), 1000<<20
	o.FreeSpace = func(string) (uint64, error) { return free.Load(), nil }
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 3)

	free.Store(999 << 20)
	wait(t, "it notices", func() bool { return !d.Health().Writable })
	for range 10 {
		_, err := d.OptOut(context.Background(), changeN(3))
		wantErr(t, err, ErrNoSpace)
	}
	wantFilled(t, d, 3)
	// Nothing left is something else than nothing known: whoever watches is told.
	free.Store(0)
	wait(t, "it sees the full disk", func() bool { return d.Health().FreeSpace < 999<<20 })
	if left := d.Health().FreeSpace; left == 0 || left > 1 {
		t.Fatalf("a full disk has %d bytes left", left)
	}
	free.Store(1000 << 20)
	wait(t, "it resumes", func() bool { return d.Health().Writable })
	optOutEach(t, d, 3, 5)
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Fatalf("%d error lines:\n%s", n, log.String())
	}
	mustClose(t, d)

	// Below the reserve it opens for reading, below half of it not at all.
	free.Store(600 << 20)
	d = mustOpen(t, o)
	wantFilled(t, d, 5)
	_, err := d.OptOut(context.Background(), changeN(5))
	wantErr(t, err, ErrNoSpace)
	mustClose(t, d)
	free.Store(499 << 20)
	_, err = Open(o)
	wantErr(t, err, ErrNoSpace)
	o.Dir += "2"
	_, err = Open(o)
	wantErr(t, err, ErrNoSpace)
	if there, _ := exists(osFS{}, o.Dir); there {
		t.Fatal("it made a directory")
	}

	// A disk that cannot say is not taken for full.
	o.FreeSpace = func(string) (uint64, error) { return 0, errSpaceUnknown }
	optOutEach(t, mustOpen(t, o), 0, 1)
}

// The checkpoint and the witness are not needed to record.
func TestKeeperFault(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	var log logLines
	o := testOptions(t)
	o.Logger = log.logger()
	o.fs = &faultFS{fail: func(op, name string) error {
		if on.Load() && op == "rename" {
			return syscall.EIO
		}
		return nil
	}}
	o.Witness = fileWitness{o.fs, o.Witness.(fileWitness).dir}
	d := mustOpen(t, o)
	on.Store(true)
	optOutEach(t, d, 0, 5)
	wait(t, "it says so", func() bool { return strings.Contains(log.String(), "witness cannot be saved") })
	if err := d.Close(); err == nil {
		t.Fatal("Close says that all is saved")
	}
	on.Store(false)
	d = mustOpen(t, o)
	wantFilled(t, d, 5)
}
