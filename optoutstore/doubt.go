package optoutstore

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// An index that is damaged, or that is suspected of it, is doubted: what it does
// not find may have been there, so it says nothing of that, and nothing is changed
// upon its word. But what it finds in force was recorded once, for each row has a
// checksum that its key is part of; and that stays enforced until another index is
// built. Where a part of it came off, an older row may show that was lifted since,
// which errs on the safe side. The other index is built in a directory of its own,
// so that nothing of this one is lost where the journal cannot be read either.

// replace doubts an index, and builds another from the journal.
func (d *Durable) replace(ix *index, why error) {
	d.log.Error("the index is damaged; it is built again from the journal, and until then only the opt-outs that it still shows are known",
		"why", why, "events", d.applied.Load().number)
	d.doubt(ix, why)
	d.workers.Add(1) // runRebuild's own
	d.runRebuild(*d.tail.Load())
}

// doubt leaves an index to lookups alone, for what they find in force.
func (d *Durable) doubt(ix *index, why error) {
	d.blocked.set(fmt.Errorf("%w: %v", ErrNotReady, why))
	d.keeping.Lock() // or its checkpoint could be saved again
	defer d.keeping.Unlock()
	d.applying.Lock()
	defer d.applying.Unlock()
	d.doubted.Store(ix) // first, so that no lookup finds neither
	d.index.Store(nil)
}

// lookupDoubted answers from the doubted index, if there is one, what it can.
func (d *Durable) lookupDoubted(q *Query) (State, bool, error) {
	if ix := d.doubted.Load(); ix != nil {
		if s, found, err := ix.lookup(q); err == nil && found {
			return s, true, nil
		}
	}
	return State{}, false, d.notReady()
}

// buildDir is where an index is built: in its place or, beside a doubted one, in
// another, whose name the checkpoint has until the store is opened again.
func (d *Durable) buildDir() string {
	if d.doubted.Load() == nil {
		return d.o.path(indexName)
	}
	return d.o.path(fmt.Sprintf("%s%d", spareIndex, d.builds.Add(1)))
}

// isSpare reports whether a name is one that buildDir gives.
func isSpare(name string) bool {
	n, ok := strings.CutPrefix(name, spareIndex)
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

// dismiss closes and removes the doubted index, now that there is another. Badger
// may not close: it retries for ever to write what it cannot. Then it is left.
func (d *Durable) dismiss() {
	ix := d.doubted.Swap(nil)
	if ix == nil {
		return
	}
	ix.retire()
	err := d.closeIndex(ix)
	for errors.Is(err, ErrNoSpace) && d.ctx.Err() == nil {
		select {
		case <-d.ctx.Done():
		case <-time.After(spaceEvery):
			err = d.closeIndex(ix)
		}
	}
	if errors.Is(err, errStillRunning) {
		d.lingering.Store(true)
		d.log.Warn("the damaged index is not removed before the next start", "dir", ix.dir, "error", err)
		return
	}
	// Whatever else is wrong with it.
	if err := removeIndex(ix.dir); err != nil {
		d.log.Warn("the damaged index is not removed before the next start", "dir", ix.dir, "error", err)
	}
}

// retire lets nobody read the index any more, and waits until all who are reading
// it have done so. Who comes later gets an error.
func (ix *index) retire() {
	ix.retired.Store(true)
	dead := &snapshot{txn: ix.over}
	dead.refs.Store(retiredRefs)
	if old := ix.newest.Swap(dead); old != nil {
		old.release()
	}
	ix.held.shut()
}

// retiredRefs keeps the snapshot of a retired index from being discarded again.
const retiredRefs = 1 << 40
