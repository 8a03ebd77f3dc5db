package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// Durable is the store: a journal that is the truth and an index that is made
// from it. docs/storage.md describes its files.
type Durable struct {
	o     Options
	id    ID
	log   *slog.Logger
	locks []*flock.Flock
	gate  *gate

	minFree atomic.Uint64 // Options.MinFree, or what it was set to since

	journal *journal
	index   atomic.Pointer[index] // nil until it holds everything
	doubted atomic.Pointer[index] // what is asked while index is nil: see doubt
	blocked fault                 // why index is nil

	builds    atomic.Int64 // indexes that were begun beside a doubted one
	lingering atomic.Bool  // an index that was dismissed did not close

	queue   chan *request
	toApply chan *batch
	answers sync.Pool // of chan result, empty and with nobody who sends

	written atomic.Uint64         // number of the newest event in the journal
	applied atomic.Pointer[chain] // behind the newest frame in the index
	newest  atomic.Int64          // when that one's last event was recorded, in microseconds; 0 if unknown
	moved   bell                  // rung when applied has moved

	lastWrite atomic.Int64  // when a frame was written last, microseconds since 1970 UTC; 0 if none
	space     atomic.Uint64 // see Health.FreeSpace

	tail atomic.Pointer[chain] // behind the newest frame in the journal

	writeFault   fault // why the journal is not written
	applyFault   fault // why the index is not written
	journalFault fault // what of the journal is damaged

	applying sync.Mutex // held while a frame is applied, or the index taken away
	keeping  sync.Mutex // held while the checkpoint is saved, or taken away

	ctx     context.Context // ends when the store closes
	cancel  context.CancelFunc
	workers sync.WaitGroup // rebuild and keeper
	writers sync.WaitGroup // writer and applier

	saved  Mark            // what the witness has; the keeper's
	damage map[string]bool // what was logged of the journal; the scrubber's

	closeOnce sync.Once
	closeErr  error
}

var _ Store = (*Durable)(nil)

// fault is an error that comes and goes.
type fault struct{ p atomic.Pointer[error] }

func (f *fault) set(err error) {
	if err == nil {
		f.p.Store(nil)
		return
	}
	f.p.Store(&err)
}

func (f *fault) get() error {
	if p := f.p.Load(); p != nil {
		return *p
	}
	return nil
}

// SetMinFree changes the reserve of free space, in bytes, from the next write on.
// Zero means DefaultMinFree.
func (d *Durable) SetMinFree(n uint64) {
	if n == 0 {
		n = DefaultMinFree
	}
	d.minFree.Store(n)
}

// now is the time in the store's resolution.
func (d *Durable) now() time.Time { return microTime(d.o.Now().UnixMicro()) }

// notReady is why there is no index.
func (d *Durable) notReady() error {
	if err := d.blocked.get(); err != nil {
		return err
	}
	return fmt.Errorf("%w", ErrNotReady)
}

// Health implements [Store].
func (d *Durable) Health() Health {
	h := Health{
		Readable: true, Writable: true,
		Events: d.written.Load(), Applied: d.applied.Load().number, FreeSpace: d.space.Load(),
	}
	if us := d.lastWrite.Load(); us != 0 {
		h.LastWrite = microTime(us)
	}
	ix := d.index.Load()
	h.InMemory = ix != nil && ix.summary.Load() != nil
	var why error
	switch {
	case d.gate.isShut():
		why, h.Readable, h.Writable, h.InMemory = ErrClosed, false, false, false
	case ix == nil:
		why, h.Readable, h.Writable = d.notReady(), false, false
	default:
		if why = d.writeFault.get(); why == nil {
			why = d.applyFault.get()
		}
		h.Writable = why == nil
	}
	if damage := d.journalFault.get(); damage != nil {
		h.Damaged = true
		if why == nil {
			why = damage
		}
	}
	if why != nil {
		h.Reason = why.Error()
	}
	return h
}

// Close implements [Store]. Readers under way end first, long ones with ErrClosed.
//
// A disk that hangs can hold up a write, a sync or a reader for ever. Then Close
// returns ErrUnavailable after half a minute, and the closing goes on behind it: the
// directory stays locked until it is done, or the process ends. Nothing that was
// acknowledged depends on it.
func (d *Durable) Close() error {
	d.closeOnce.Do(func() { d.closeErr = d.closeInTime() })
	return d.closeErr
}

// closeInTime closes the store, and waits for that no longer than Options.closeWait.
func (d *Durable) closeInTime() error {
	done := make(chan error, 1)
	var late atomic.Bool
	go func() {
		err := d.close()
		if done <- err; late.Load() {
			d.log.Info("the store is closed after all", "error", err)
		}
	}()
	limit := time.NewTimer(d.o.closeWait)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
	}
	late.Store(true)
	err := fmt.Errorf("%w: it did not close in %s, for something waits for its disk; "+
		"nothing that was acknowledged is lost, and its directory stays locked until it closes or this process ends",
		ErrUnavailable, d.o.closeWait)
	d.log.Error("the store does not close", "error", err)
	return err
}

func (d *Durable) close() error {
	d.gate.shut()
	d.cancel()
	d.workers.Wait()
	close(d.queue) // nobody sends any more
	d.writers.Wait()

	var errs []error
	running := d.lingering.Load() // Badger is, in spite of all
	if ix := d.doubted.Swap(nil); ix != nil && errors.Is(d.closeIndex(ix), errStillRunning) {
		running = true
	}
	if ix := d.index.Load(); ix != nil {
		if err := d.closeIndex(ix); err != nil {
			running = running || errors.Is(err, errStillRunning)
			errs = append(errs, sentinel("the index", err))
		} else {
			// Badger has written all memtables into tables.
			errs = append(errs, d.saveCheckpoint(ix, *d.applied.Load()))
		}
	}
	errs = append(errs, d.saveWitness(), d.journal.close())
	if running {
		// It would go on writing under the next store of this directory. The locks
		// end with the process.
		return errors.Join(errs...)
	}
	for _, l := range d.locks {
		if err := l.Close(); err != nil {
			errs = append(errs, unavailable("the lock", err))
		}
	}
	return errors.Join(errs...)
}
