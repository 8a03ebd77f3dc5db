package optoutstore

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"github.com/dgraph-io/badger/v4/table"
)

// The scrubber reads, while the store is open, what nothing else reads: every
// table of the index and every segment of the journal, slowly, again and again.
// What a disk does to a file shows before the next start, at which it would be in
// the way, and before Badger answers "not found" from it.

const (
	// scrubSoon is when the first pass begins after the index is there, and how
	// often the scrubber looks for tables that nobody has read yet.
	scrubSoon = 5 * time.Second

	// scrubEvery is the time between the end of a pass and the next.
	scrubEvery = time.Hour

	// scrubRate is how fast a pass reads, in bytes a second. The 3.5 GB of ten
	// million opt-outs take it less than four minutes.
	scrubRate = 16 << 20
)

// runScrub reads what the store stands on until it closes.
func (d *Durable) runScrub() {
	defer d.workers.Done()
	tick := time.NewTicker(d.o.scrubSoon)
	defer tick.Stop()
	next := time.Now().Add(d.o.scrubSoon)
	for {
		ix := d.index.Load()
		var alarm chan struct{}
		if ix != nil {
			alarm = ix.alarm
		}
		var err error
		select {
		case <-d.ctx.Done():
			return
		case <-alarm:
			err = errAlarm
		case <-tick.C:
			if ix == nil {
				continue // it is being built
			}
			whole := !time.Now().Before(next)
			err = d.scrubIndex(ix, whole)
			if err == nil && whole {
				err = d.scrubJournal(ix)
			}
			if err == nil && whole {
				next = time.Now().Add(d.o.scrubEvery)
			}
		}
		if errors.Is(err, errIndex) {
			d.replace(ix, err)
			next = time.Now().Add(d.o.scrubSoon)
		}
	}
}

// errAlarm: a reader has met what cannot be right.
var errAlarm = fmt.Errorf("%w: a row in it is damaged, or cannot be read", errIndex)

// scrubIndex verifies the tables that are in use, or only those that were not
// verified yet, and that the MANIFEST names them. It remembers those that are
// right. Its errors are errIndex, errInterrupted and the context's.
func (d *Durable) scrubIndex(ix *index, whole bool) error {
	p := &pacer{ctx: d.ctx, rate: d.o.scrubRate, alarm: ix.alarm}
	ids, err := ix.liveTables()
	if err != nil {
		return err
	}
	verified := make(verifiedTables, len(ids))
	for _, id := range ids {
		known := ix.verified.has(ix.dir, id)
		if known {
			verified[id] = ix.verified[id]
		}
		if known && !whole {
			continue
		}
		stamp, told := stampOf(ix.dir, id)
		if err := checkTable(table.NewFilename(id, ix.dir), true, p); err != nil {
			if !errors.Is(err, errIndex) {
				return err
			}
			if gone, lerr := ix.compacted(id); gone || lerr != nil {
				continue
			}
			return err
		}
		if told {
			verified[id] = stamp
		}
	}
	ix.verified = verified
	fresh := !maps.Equal(verified, ix.listed)
	if whole || fresh {
		if err := ix.manifestNames(); err != nil {
			return err
		}
	}
	if !fresh {
		return nil
	}
	if err := verified.save(d.o.fs, d.o.path(tableListName)); err != nil {
		d.log.Debug("which tables were verified cannot be saved; the next start reads them again", "error", err)
		return nil
	}
	ix.listed = verified
	return nil
}

// liveTables are the numbers of the tables that Badger reads from.
func (ix *index) liveTables() (ids []uint64, err error) {
	fault := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(fault)
		if p := recover(); p != nil { // it looks into each
			err = fmt.Errorf("%w: a table is damaged", errIndex)
		}
	}()
	for _, t := range ix.db.Tables() {
		ids = append(ids, t.ID)
	}
	return ids, nil
}

// compacted reports whether Badger has put another table in the place of this one.
func (ix *index) compacted(id uint64) (bool, error) {
	ids, err := ix.liveTables()
	if err != nil {
		return false, err
	}
	for _, live := range ids {
		if live == id {
			return false, nil
		}
	}
	return true, nil
}

// manifestLooks is how often the MANIFEST is compared with the tables in use, and
// manifestPause the time between, before they are taken to differ: for a moment in
// each compaction they do.
const (
	manifestLooks = 20
	manifestPause = 50 * time.Millisecond
)

// manifestNames checks that the MANIFEST names every table that is in use. At its
// next start Badger deletes the others without a word (docs/storage.md, 12,
// "MANIFEST"). Its error is errIndex.
func (ix *index) manifestNames() error {
	var err error
	for range manifestLooks {
		if err = ix.unnamed(); err == nil {
			return nil
		}
		time.Sleep(manifestPause)
	}
	return err
}

func (ix *index) unnamed() error {
	live, err := ix.liveTables()
	if err != nil {
		return err
	}
	named, err := manifestTables(ix.dir, badgerOptions(ix.dir, memTableSize, nil))
	if err != nil {
		return err
	}
	has := make(map[uint64]bool, len(named))
	for _, id := range named {
		has[id] = true
	}
	for _, id := range live {
		if !has[id] {
			return fmt.Errorf("%w: its MANIFEST does not name all of its tables", errIndex)
		}
	}
	return nil
}

// guarded ends a reading of the index, with what debug.SetPanicOnFault(true) has
// returned at its beginning. A panic of Badger's amid damaged bytes means "not
// known", and so does a fault: Badger reads through maps of its files, and where a
// file was cut, or its disk fails, the kernel would end the process. The scrubber
// is told of either.
func (ix *index) guarded(fault bool, err *error) {
	debug.SetPanicOnFault(fault)
	if p := recover(); p != nil {
		*err = errUnreadable
	}
	if *err == errUnreadable {
		ix.raise()
	}
}

// raise tells the scrubber that a reader has met what cannot be right.
func (ix *index) raise() {
	if ix.retired.Load() {
		return
	}
	select {
	case ix.alarm <- struct{}{}:
	default:
	}
}
