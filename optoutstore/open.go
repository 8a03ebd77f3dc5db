package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// base is a store below its index: locked, identified, its journal open.
type base struct {
	o       Options
	lock    *flock.Flock // of LOCK
	second  *flock.Flock // of STORE
	id      identity
	journal *journal

	checkpoint    checkpoint
	hasCheckpoint bool
	noCheckpoint  string // why there is none

	mark  Mark // what the witness says
	known bool // whether it says anything

	// loss is what is missing, in an operator's words; empty if nothing is.
	loss    string
	indexed uint64 // number of the newest event in an index that is ahead
}

// Open opens the store in o.Dir, or creates it where the witness knows of none.
// The store of one directory can be open once at a time.
//
// When the index has to be built again Open returns at once; until that is done
// Lookup and the changes return ErrNotReady.
//
// Its errors are ErrLocked, ErrLoss, ErrDamaged, ErrNewerFormat, ErrNoSpace and
// ErrUnavailable.
func Open(o Options) (*Durable, error) {
	b, err := openBase(o, false)
	if err != nil {
		return nil, err
	}
	d, err := b.open()
	if err != nil {
		b.close()
		return nil, err
	}
	return d, nil
}

// openBase opens a store up to its journal and looks for what is missing. Unless
// accept is set a loss is an error, and nothing is created in place of a store
// that was lost. On success the caller closes the base.
func openBase(o Options, accept bool) (*base, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &base{o: o}
	if err := b.askWitness(); err != nil {
		return nil, err
	}
	if err := b.checkSpace(); err != nil {
		return nil, err
	}
	there, err := exists(o.fs, o.path(identityName))
	if err != nil {
		return nil, unavailable(o.Dir+" cannot be read", err)
	}
	if !there {
		// A journal without its identity is no store that got lost, but a damaged one.
		if err := orphaned(o.fs, o.path(journalName)); err != nil {
			return nil, err
		}
	}
	if !there && b.known {
		b.loss = fmt.Sprintf("%s holds no store; the one that was there had acknowledged %s events", o.Dir, grouped(b.mark.Number))
		if !accept {
			return nil, b.lossError()
		}
	}
	if !there && !b.known {
		for _, name := range []string{indexName, checkpointName} {
			if left, err := exists(o.fs, o.path(name)); err != nil || left {
				return nil, fmt.Errorf("%w: %s holds %s, but the file %s is missing; restore the directory from a copy of the store",
					ErrDamaged, o.Dir, name, identityName)
			}
		}
	}
	if !there && !b.known && accept {
		return nil, fmt.Errorf("%w: %s holds no store, and nothing is remembered of one", ErrInvalid, o.Dir)
	}
	if err := makeDir(o.fs, o.Dir); err != nil {
		return nil, unavailable(o.Dir+" cannot be made", err)
	}
	if b.lock, err = lockDir(o.Dir); err != nil {
		return nil, err
	}
	// Whoever had the lock may have told the witness more meanwhile.
	err = b.askWitness()
	if err == nil {
		err = b.openLocked(accept)
	}
	if err == nil {
		// LOCK can be removed by hand, and made again beside one that is held.
		b.second, err = lockFile(o.path(identityName))
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *base) close() {
	if b.journal != nil {
		_ = b.journal.close()
	}
	if b.second != nil {
		_ = b.second.Close()
	}
	_ = b.lock.Close()
}

func (b *base) askWitness() error {
	if b.o.Witness == nil {
		return nil
	}
	var err error
	if b.mark, b.known, err = b.o.Witness.Load(b.o.Dir); err == nil {
		return nil
	}
	if errors.Is(err, ErrNewerFormat) {
		return err
	}
	return unavailable("what is known about "+b.o.Dir+" cannot be read; without it a loss would not be noticed", err)
}

// checkSpace refuses to open where Badger would soon run out of space, which ends
// the process: below half of the reserve. In between, only changes are refused.
func (b *base) checkSpace() error {
	dir := b.o.Dir
	for {
		if there, err := exists(b.o.fs, dir); err != nil || there || filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	return shortOf(b.o.FreeSpace, dir, b.o.MinFree/2)
}

// openLocked reads or makes what is below the index.
func (b *base) openLocked(accept bool) error {
	var err error
	var from chain // what the index needs no journal for
	b.id, err = readIdentity(b.o.fs, b.o.path(identityName))
	if errors.Is(err, fs.ErrNotExist) {
		err = b.create()
	}
	if err != nil {
		return sentinel(b.o.path(identityName)+" cannot be read", err)
	}
	b.checkpoint, b.hasCheckpoint, b.noCheckpoint, err = readCheckpoint(b.o.fs, b.o.path(checkpointName))
	if err != nil {
		return err
	}
	if b.hasCheckpoint && b.checkpoint.Store != b.id.ID {
		b.hasCheckpoint, b.noCheckpoint = false, "the checkpoint is another store's"
	}
	if err := b.bringHome(); err != nil {
		return err
	}
	b.removeLeftovers()
	if b.hasCheckpoint {
		from = b.checkpoint.chain()
	}
	b.journal, err = openDamagedJournal(b.o.fs, b.o.path(journalName), b.id.ID, b.o.segmentSize, b.o.Now, from)
	if err != nil {
		return err
	}
	if damage := b.journal.damage; damage != nil && (accept || from.position < b.journal.wholeFrom) {
		return damage
	}
	if err := b.findLoss(); err != nil {
		return err
	}
	if b.loss != "" && !accept {
		return b.lossError()
	}
	return nil
}

// removeLeftovers removes what a rebuild or an import left that did not end. All
// that it costs is space.
func (b *base) removeLeftovers() {
	err := removeRuns(b.o.Dir)
	spares, gerr := filepath.Glob(b.o.path(spareIndex + "*"))
	err = errors.Join(err, gerr)
	for _, dir := range spares {
		if rerr := os.RemoveAll(dir); rerr != nil {
			err = errors.Join(err, unavailable(dir+" cannot be removed", rerr))
		}
	}
	if err != nil {
		b.o.Logger.Warn("what an interrupted rebuild or import left stays where it is", "error", err)
	}
}

// create makes a new store. The identity comes last: a directory without one, and
// without events, is not a store yet.
func (b *base) create() error {
	dir := b.o.path(journalName)
	there, err := exists(b.o.fs, dir)
	if err != nil {
		return err
	}
	if there {
		if err := clearUnborn(b.o.fs, dir); err != nil {
			return err
		}
	}
	now := b.o.Now()
	b.id = newIdentity(now)
	if err := createJournal(b.o.fs, dir, b.id.ID, now); err != nil {
		return err
	}
	if err := writeSealed(b.o.fs, b.o.path(identityName), b.id); err != nil {
		return unavailable("the store cannot be made", err)
	}
	b.o.Logger.Info("made a new opt-out store", "dir", b.o.Dir, "store", b.id.ID.String())
	return nil
}

// clearUnborn removes the journal of a store whose creation was cut short.
func clearUnborn(fsys fsys, dir string) error {
	if err := orphaned(fsys, dir); err != nil {
		return err
	}
	firsts, err := listSegments(fsys, dir)
	if err != nil {
		return err
	}
	for _, first := range firsts {
		if err := fsys.Remove(filepath.Join(dir, segmentName(first))); err != nil {
			return err
		}
	}
	return nil
}

// orphaned returns an error if there is a journal with events at dir: without its
// identity it is a store that lost it.
func orphaned(fsys fsys, dir string) error {
	if there, err := exists(fsys, dir); err != nil || !there {
		return err
	}
	firsts, err := listSegments(fsys, dir)
	if err != nil {
		return err
	}
	for _, first := range firsts {
		name := filepath.Join(dir, segmentName(first))
		info, err := fsys.Stat(name)
		if err != nil {
			return err
		}
		if first != 1 || info.Size() > segmentHeader {
			return fmt.Errorf("%w: %s holds events, but the file %s is missing; restore it from a copy of the store",
				ErrDamaged, dir, identityName)
		}
	}
	return nil
}

// open adds the index, and starts the store.
func (b *base) open() (*Durable, error) {
	ix, why, err := b.openIndex()
	if err != nil {
		return nil, err
	}
	if err = b.journal.trim(); err == nil {
		err = b.journal.settle()
	}
	if err != nil {
		if ix != nil {
			_ = ix.close()
		}
		return nil, err
	}
	d := &Durable{
		o:       b.o,
		id:      b.id.ID,
		log:     b.o.Logger.With("store", b.o.Dir),
		locks:   []*flock.Flock{b.second, b.lock},
		gate:    newGate(),
		journal: b.journal,
		queue:   make(chan *request, b.o.MaxPending),
		toApply: make(chan *batch, 1),
		damage:  map[string]bool{},
	}
	d.minFree.Store(b.o.MinFree)
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.written.Store(b.journal.end.number)
	d.applied.Store(&chain{})
	tail := b.journal.end
	d.tail.Store(&tail)
	err = d.ready(b, ix, why)
	if err == nil {
		err = d.firstWitness(b.known)
	}
	if err != nil {
		d.cancel()
		d.workers.Wait()
		for _, ix := range []*index{d.index.Load(), d.doubted.Load()} {
			if ix != nil {
				_ = ix.close()
			}
		}
		return nil, err
	}
	d.start()
	return d, nil
}

// firstWitness saves the witness of a store that has none: from then on a loss
// shows. One that is there already may be behind for a while.
func (d *Durable) firstWitness(known bool) error {
	if err := d.saveWitness(); err != nil && !known {
		return err
	}
	return nil
}

// ready applies what the index lacks, or has it built again.
func (d *Durable) ready(b *base, ix *index, why string) error {
	end := b.journal.end
	if ix != nil {
		if err := d.catchUpFrom(ix, b.checkpoint.chain()); err == nil {
			d.publish(ix, b.checkpoint.chain(), end)
			return nil
		} else if errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewerFormat) ||
			errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNoSpace) {
			_ = ix.close()
			return err
		} else {
			why = err.Error()
			_ = ix.close()
		}
	}
	if damage := b.journal.damage; damage != nil {
		return fmt.Errorf("%w; and the index, which would need it, is damaged as well: %s", damage, why)
	}
	if end.number > 0 {
		d.log.Warn("the index is built again from the journal", "why", why, "events", end.number)
	}
	if size := int64(end.position); size <= d.o.inlineRebuild || end.number == 0 {
		return d.rebuild(d.ctx, end, d.batchFill(end))
	}
	d.workers.Add(1)
	go d.runRebuild(end)
	return nil
}

// publish lets lookups and changes use ix, which holds everything up to applied,
// and has everything up to flushed in tables.
func (d *Durable) publish(ix *index, flushed, applied chain) {
	ix.flushed = newFlushTracker(flushed)
	ix.checkpointed = flushed
	d.applied.Store(&applied)
	d.index.Store(ix)
	d.moved.ring()
	d.workers.Add(1)
	go d.runSummary(ix)
}

// start starts the goroutines of a store.
func (d *Durable) start() {
	w := &writer{d: d, space: spaceGuard{
		dir: d.o.Dir, minFree: d.minFree.Load, free: d.o.FreeSpace, log: d.log, left: &d.space,
	}}
	d.writeFault.set(w.space.check())
	if d.journal.damage != nil {
		d.reportJournal(nil)
	}
	d.writers.Go(w.run)
	d.writers.Go(d.runApplier)
	d.workers.Add(2)
	go d.runKeeper()
	go d.runScrub()
}

// sentinel makes err, if it is not one of this package's errors, ErrUnavailable.
func sentinel(what string, err error) error {
	for _, own := range []error{ErrDamaged, ErrNewerFormat, ErrUnavailable, ErrNoSpace, ErrLoss, ErrLocked} {
		if errors.Is(err, own) {
			return err
		}
	}
	return unavailable(what, err)
}
