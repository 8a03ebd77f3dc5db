package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	progressEvery = 5 * time.Second // between two log lines of a rebuild
	lookEvery     = 4096            // events between two looks at clock and disk
)

// runRebuild builds the index again while the store is open. What fails is tried
// again after a while, unless it is the journal itself that cannot be read; until
// then the store is not ready, and says why.
func (d *Durable) runRebuild(end chain) {
	defer d.workers.Done()
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		err := d.rebuild(d.ctx, end, d.bulkFill(end, d.room(true)))
		switch {
		case err == nil:
			d.blocked.set(nil)
			return
		case d.ctx.Err() != nil:
			d.log.Info("building the index was interrupted; it begins anew at the next start")
			return
		}
		d.blocked.set(err)
		d.log.Error("the index cannot be built from the journal", "error", err)
		if errors.Is(err, ErrDamaged) {
			d.journalFault.set(err)
		}
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewerFormat) {
			return
		}
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// filler makes the index of all events in dir, and closes it: all of it is in tables.
type filler func(ctx context.Context, dir string) error

// batchFill is the filler for a short journal: the events are written in order.
func (d *Durable) batchFill(end chain) filler {
	return func(ctx context.Context, dir string) error {
		ix, err := openIndex(&d.o, dir)
		if err != nil {
			return unavailable("the new index", err)
		}
		if err := d.replay(ctx, ix, d.journal.first(), end); err != nil {
			_ = ix.close()
			return err
		}
		if err := ix.close(); err != nil {
			return unavailable("the new index", err)
		}
		return nil
	}
}

// bulkFill is the filler for a long journal: the events are sorted by pair.
func (d *Durable) bulkFill(end chain, room func(need uint64) error) filler {
	return func(ctx context.Context, dir string) error {
		return d.bulkBuild(ctx, dir, end, room)
	}
}

// rebuild makes the index from the whole journal, whose every checksum and hash
// it checks on the way, and publishes it.
func (d *Durable) rebuild(ctx context.Context, end chain, fill filler) (err error) {
	began := time.Now()
	// Without a checkpoint an index that is half built is never believed.
	if err := dropFile(d.o.fs, d.o.path(checkpointName)); err != nil {
		return unavailable("the checkpoint cannot be removed", err)
	}
	dir := d.buildDir()
	if err := removeIndex(dir); err != nil {
		return err
	}
	defer func() {
		if err != nil && d.doubted.Load() != nil {
			_ = os.RemoveAll(dir) // the next attempt takes another
		}
	}()
	if end.number > 0 {
		err := fill(ctx, dir)
		if errors.Is(err, errIndex) {
			err = unavailable("the new index", err)
		}
		if err != nil {
			return err
		}
	}
	ix, err := openIndex(&d.o, dir) // which verifies the tables
	if err != nil {
		return unavailable("the new index", err)
	}
	if err := d.saveCheckpoint(ix, end); err != nil {
		_ = ix.close()
		return err
	}
	d.publish(ix, end, end)
	if end.number > 0 {
		d.log.Info("the index is built", "events", end.number, "took", time.Since(began).Round(time.Millisecond).String())
	}
	d.dismiss()
	return nil
}

// catchUpFrom applies to an index that was opened what the journal holds behind
// the checkpoint. What the index knows of that is written again: it may hold the
// newer and lack the older, where a power cut took the end of one memtable's log
// and left the next.
func (d *Durable) catchUpFrom(ix *index, from chain) error {
	if from.number == d.journal.end.number {
		return nil
	}
	return d.replay(d.ctx, ix, from, d.journal.end)
}

// replay writes all events from from to end into ix, in their order. Until it is
// done rows may hold older events than before; nobody reads them meanwhile.
func (d *Durable) replay(ctx context.Context, ix *index, from, end chain) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: badger stopped in a panic", errIndex)
		}
	}()
	p := newReplayer(d, ix, from, end)
	p.begin()
	defer p.finish()
	at, err := d.journal.scan(ctx, from, p.event)
	if err != nil {
		return err
	}
	if at.number != end.number || at.hash != end.hash {
		return fmt.Errorf("%w: it ends with event %d, not %d", ErrDamaged, at.number, end.number)
	}
	var dirty []*countEntry
	for _, c := range ix.counts {
		if c.dirty {
			dirty = append(dirty, c)
		}
	}
	err = setCounts(p.wb, dirty)
	if err == nil {
		err = p.wb.Set(appliedKey, appendAppliedRow(nil, appliedRow{d.id, end}))
	}
	if err == nil {
		err = p.wb.Flush()
	}
	if err != nil {
		return fmt.Errorf("%w: badger does not take it: %s", errIndex, scrub(err))
	}
	ix.refresh()
	if len(ix.counts) > maxCounts {
		clear(ix.counts)
	}
	return nil
}

// room returns what asks whether the disk has room for so many bytes beside half
// of the reserve. If it has not, that waits until it has or the store is closed,
// which is for who builds in the background; or it returns ErrNoSpace.
func (d *Durable) room(wait bool) func(need uint64) error {
	return func(need uint64) error {
		told := false
		for {
			short := shortOf(d.o.FreeSpace, d.o.Dir, d.minFree.Load()/2+need)
			if short == nil || !wait {
				return short
			}
			if !told {
				told = true
				d.blocked.set(short)
				defer d.blocked.set(nil)
				d.log.Error("building the index waits for space", "error", short)
			}
			select {
			case <-d.ctx.Done():
				return d.ctx.Err()
			case <-time.After(spaceEvery):
			}
		}
	}
}

// dropFile removes a file, if it is there, durably.
func dropFile(fsys fsys, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsys.SyncDir(filepath.Dir(name))
}
