package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ImportSummary is what an import did.
type ImportSummary struct {
	// Rows were read, of which Recorded became events, and Known did not: the pair
	// was in force already, or was lifted at the time of the row or later.
	Rows, Recorded, Known uint64
	Took                  time.Duration
}

// ImportOffline records many opt-outs in a store that nobody has open, at some
// hundreds of thousands a second and with bounded memory. It makes the store
// where Open would. Rows returns one opt-out after the other, and io.EOF behind
// the last; any other error of it ends the import with that error.
//
// The rows are sorted by pair and merged with the index into a new one, which
// replaces it at the end, while the events are appended to the journal. So events
// have numbers in the order of their pairs, not of the rows. Of several rows of a
// pair the first counts. A row whose opt-out the store knows records nothing:
// importing the same rows again adds nothing.
//
// Nothing is recorded before all rows were read. When the import fails or is
// cancelled after that, even by a power cut, some rows are recorded and some are
// not: the store opens, its index is built again from the journal, and importing
// the same rows again completes it.
//
// It calls progress, unless it is nil, every now and then with the number of rows
// read, and at the end. Its errors are Open's, ErrInvalid for a row that cannot
// be stored, rows', and ctx's.
func ImportOffline(ctx context.Context, o Options, rows func() (Change, error), progress func(rows uint64)) (ImportSummary, error) {
	im := &importer{began: time.Now(), progress: progress}
	if im.progress == nil {
		im.progress = func(uint64) {}
	}
	// What the index lacks is applied, or all of it built, as for a server.
	if err := settleStore(ctx, o); err != nil {
		return im.summary(), err
	}
	b, err := openBase(o, false)
	if err != nil {
		return im.summary(), err
	}
	defer b.close()
	im.b = b
	err = im.run(ctx, rows)
	return im.summary(), err
}

// settleStore opens a store, waits until its index holds everything, and closes it.
func settleStore(ctx context.Context, o Options) error {
	d, err := Open(o)
	if err != nil {
		return err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for err == nil && !d.Health().Readable {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-tick.C:
			err = d.blocked.get()
		}
	}
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// importer is an import under way.
type importer struct {
	b        *base
	ix       *index // as it was before
	began    time.Time
	progress func(rows uint64)

	rows, recorded, known uint64
	forgotten             bool // the checkpoint was removed
}

func (im *importer) summary() ImportSummary {
	return ImportSummary{Rows: im.rows, Recorded: im.recorded, Known: im.known, Took: time.Since(im.began)}
}

// room returns ErrNoSpace where the disk has not so many bytes beside the reserve.
func (im *importer) room(need uint64) error {
	return shortOf(im.b.o.FreeSpace, im.b.o.Dir, im.b.o.MinFree+need)
}

// run imports into the base, which was just opened.
func (im *importer) run(ctx context.Context, rows func() (Change, error)) error {
	if damage := im.b.journal.damage; damage != nil {
		return damage
	}
	s := newSorter(im.b.o.Dir, im.b.o.sortMemory, im.room)
	defer s.close()
	if err := im.sortRows(ctx, s, rows); err != nil {
		return err
	}
	if im.rows == 0 {
		return nil
	}
	ix, why, err := im.b.openIndex()
	if err != nil {
		return err
	}
	if ix == nil {
		return fmt.Errorf("%w: the index was whole, and now is not: %s", ErrUnavailable, why)
	}
	im.ix = ix
	defer func() {
		if im.ix != nil {
			_ = im.ix.close()
		}
	}()
	if err = im.b.journal.trim(); err == nil {
		err = im.b.journal.settle()
	}
	if err != nil {
		return err
	}
	next := im.b.o.path(nextIndexName)
	n, err := newBulkIndex(&im.b.o, next, im.room)
	if err == nil {
		err = im.merge(ctx, s, n)
	}
	if err == nil && im.recorded > 0 {
		err = im.replaceIndex(n)
	} else if n != nil {
		n.abort()
	}
	if errors.Is(err, errIndex) {
		err = unavailable("the new index", err)
	}
	if rerr := os.RemoveAll(next); err == nil && rerr != nil {
		err = unavailable("what the import left", rerr)
	}
	return err
}

// sortRows reads all rows into s.
func (im *importer) sortRows(ctx context.Context, s *sorter, rows func() (Change, error)) error {
	var buf keyBuffer
	var payload []byte
	for {
		c, err := rows()
		if errors.Is(err, io.EOF) {
			im.progress(im.rows)
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.validate(); err != nil {
			return fmt.Errorf("row %d: %w", im.rows+1, err)
		}
		payload = appendImport(payload[:0], &c)
		if err := s.add(appendPairKey(buf[:0], c.Phone, c.Realm, c.Sender), im.rows, payload); err != nil {
			return err
		}
		if im.rows++; im.rows%lookEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			im.progress(im.rows)
		}
	}
}

// replaceIndex puts the new index in the place of the old, and tells the witness.
// A crash anywhere in it leaves no checkpoint, and so an index that is built again.
func (im *importer) replaceIndex(n *bulkIndex) error {
	b, end := im.b, im.b.journal.end
	if err := n.finish(appliedRow{b.id.ID, end}); err != nil {
		return err
	}
	err := im.ix.close()
	im.ix = nil
	if err != nil {
		return unavailable("the index", err)
	}
	if err := removeIndex(b.o.path(indexName)); err != nil {
		return err
	}
	if err := b.o.fs.Rename(b.o.path(nextIndexName), b.o.path(indexName)); err != nil {
		return unavailable("the new index", err)
	}
	if err := b.o.fs.SyncDir(b.o.Dir); err != nil {
		return unavailable("the new index", err)
	}
	if err := writeCheckpoint(&b.o, b.id.ID, b.o.path(indexName), end); err != nil {
		return err
	}
	if b.o.Witness != nil {
		if err := b.o.Witness.Save(b.o.Dir, Mark{Store: b.id.ID, Number: end.number, Hash: end.hash}); err != nil {
			return unavailable("the witness cannot be saved", err)
		}
	}
	return nil
}
