package optoutstore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/stopgate/stopgate/phone"
)

// indexName is the directory of the index.
const indexName = "index"

// nextIndexName is the directory of an index that will replace it. Other names
// that begin with spareIndex are those of indexes that were built beside a doubted
// one, and end with a number.
const (
	nextIndexName = spareIndex + "new"
	spareIndex    = indexName + "."
)

// memTableSize is the size of one of Badger's memtables, in bytes. It bounds
// what is applied again after an unclean stop: up to three memtables' events.
const memTableSize = 8 << 20

// closeWait bounds the wait for Badger to close, which retries a flush that fails
// for ever, and for a store as a whole.
const closeWait = 30 * time.Second

// index is the state of every pair, in Badger. Everything in it can be made again
// from the journal, so nothing in it is synced at a write.
type index struct {
	db  *badger.DB
	dir string
	log *slog.Logger

	newest atomic.Pointer[snapshot] // what readers see
	held   *gate                    // has the snapshots that are not discarded inside

	retired atomic.Bool // it is about to be closed while the store is open
	over    *badger.Txn // discarded: Badger refuses to read in it

	// alarm has an entry once a reader has met what cannot be right.
	alarm chan struct{}

	// verified are the tables whose every checksum was right, and listed those that
	// the list says so of. They belong to the scrubber.
	verified, listed verifiedTables

	phones  *summary                // has the phone of everything that was applied since the open
	summary atomic.Pointer[summary] // phones, once it has those of all rows

	// counts are the count rows that were read or written, by key. They belong to
	// the goroutine that applies.
	counts map[string]*countEntry

	// What follows belongs to the keeper.

	flushed      *flushTracker
	checkpointed chain // what the checkpoint says
	manifest     fs.FileInfo
}

// manifestChanged reports whether the MANIFEST is another than when it was asked
// last.
func (ix *index) manifestChanged() (bool, error) {
	now, err := os.Stat(filepath.Join(ix.dir, "MANIFEST"))
	if err != nil {
		return false, err
	}
	was := ix.manifest
	ix.manifest = now
	return was == nil || now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime()), nil
}

// errIndex: the index cannot be trusted and must be built again; the text says why.
var errIndex = errors.New("the index cannot be used")

// errStillRunning: Badger was told to close, and has not yet.
var errStillRunning = errors.New("the index is not closed")

// badgerOptions are for rows of some 80 bytes; docs/storage.md, 12, "settings", has
// what was measured of them. No writes are synced: the journal is. The tables'
// checksums are verified by checkTables; if Badger verified them at each read, a bad
// block would answer "not found" (there, "bad block").
func badgerOptions(dir string, memTable int64, log badger.Logger) badger.Options {
	return badger.DefaultOptions(dir).
		WithSyncWrites(false).
		WithMemTableSize(memTable).
		WithValueThreshold(64 << 10). // no value of ours is near it: none goes to the value log
		WithNumMemtables(2).
		WithNumCompactors(2).
		WithNumLevelZeroTables(4).
		WithNumLevelZeroTablesStall(10).
		WithValueLogFileSize(16 << 20).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		WithChecksumVerificationMode(options.NoVerification).
		WithDetectConflicts(false). // one goroutine writes
		WithMetricsEnabled(false).
		WithLogger(log)
}

// openIndex opens the index of a store in dir, creating an empty one. Its errors
// are errIndex and ErrLocked.
func openIndex(o *Options, dir string) (ix *index, err error) {
	log := o.Logger
	defer func() {
		// Badger's readers of damaged files can panic.
		if p := recover(); p != nil {
			ix, err = nil, fmt.Errorf("%w: badger stopped in a panic", errIndex)
		}
	}()
	if err := os.MkdirAll(dir, dirPerm); err != nil {
		return nil, fmt.Errorf("%w: %s", errIndex, systemCause(err))
	}
	bl := &badgerLog{log: log}
	opt := badgerOptions(dir, o.memTableSize, bl)
	listed := readTableList(o.fs, o.path(tableListName))
	var verified verifiedTables
	if _, err := os.Stat(filepath.Join(dir, badger.ManifestFilename)); err == nil {
		if verified, err = checkTables(dir, opt, listed); err != nil {
			return nil, err
		}
	}
	// Where this fails Badger leaves up to four goroutines behind (v4.9.6, db.go: the
	// two of newOracle, monitorCache, updateSize), and gives nothing to end them with.
	// What can be wrong with its files was looked at above, so that it fails rarely;
	// and it is tried twice at an open, and once in an attempt to build an index, of
	// which there is at most one a minute after a while.
	db, err := openBadger(opt)
	if errors.Is(err, ErrLocked) {
		return nil, lockedError(o.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: badger does not open it: %s", errIndex, scrub(err))
	}
	ix = &index{
		db: db, dir: dir, log: log, phones: newSummary(), counts: map[string]*countEntry{},
		held: newGate(), alarm: make(chan struct{}, 1), verified: verified, listed: listed,
	}
	ix.over = db.NewTransaction(false)
	ix.over.Discard()
	if bl.ignored.Load() {
		_ = ix.close()
		return nil, fmt.Errorf("%w: a table is damaged", errIndex)
	}
	ix.refresh()
	return ix, nil
}

// scrub is what of an error of Badger's can be shown: what the operating system
// said, or Badger's words up to the first quoted key.
func scrub(err error) string {
	if s := systemCause(err); s != "" {
		return s
	}
	return staticText(err.Error())
}

// close closes Badger, which writes its memtables into tables. It waits no longer
// than closeWait.
func (ix *index) close() error {
	if s := ix.newest.Load(); s != nil {
		s.release() // there are no readers any more
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- errIndex
			}
		}()
		done <- ix.db.Close()
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("%w: badger does not close: %s", errIndex, scrub(err))
		}
		// A log that is left is a memtable that is not in a table.
		logs, err := memtableLogs(ix.dir)
		if err != nil || len(logs) > 0 {
			return fmt.Errorf("%w: badger closed with %d memtables left", errIndex, len(logs))
		}
		return nil
	case <-time.After(closeWait):
		return fmt.Errorf("%w: badger did not close in %s", errStillRunning, closeWait)
	}
}

// errUnreadable is what a reader gets for anything but a clean answer.
var errUnreadable = fmt.Errorf("%w: the index cannot be read", ErrUnavailable)

// pairIn returns a pair's row within a transaction, and whether there is one. Any
// answer but a whole row or a clean "not found" is errUnreadable.
func pairIn(txn *badger.Txn, buf *keyBuffer, n phone.Number, realm string, sender phone.Sender) (r row, found bool, err error) {
	key := appendPairKey(buf[:0], n, realm, sender)
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return row{}, false, nil
	}
	if err != nil {
		return row{}, false, errUnreadable
	}
	err = item.Value(func(v []byte) error {
		r, err = parsePairRow(key, v)
		return err
	})
	if err != nil {
		return row{}, false, rowError(err)
	}
	return r, true, nil
}

// rowError maps the error of reading a row to one that leaves the package.
func rowError(err error) error {
	if errors.Is(err, ErrNewerFormat) {
		return err
	}
	return errUnreadable
}

// pair returns a pair's row, and whether there is one.
func (ix *index) pair(p Pair) (r row, found bool, err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	var buf keyBuffer
	s := ix.read()
	defer s.release()
	return pairIn(s.txn, &buf, p.Phone, p.Realm, p.Sender)
}

// count returns a count row, zero if there is none.
func countIn(txn *badger.Txn, key []byte) (countRow, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return countRow{}, nil
	}
	if err != nil {
		return countRow{}, errUnreadable
	}
	var r countRow
	err = item.Value(func(v []byte) error {
		r, err = parseCountRow(key, v)
		return err
	})
	if err != nil {
		return countRow{}, rowError(err)
	}
	return r, nil
}

// applied returns the row that says how far the index is, and whether there is
// one. Its errors are errIndex and ErrNewerFormat.
func (ix *index) applied() (r appliedRow, found bool, err error) {
	err = ix.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(appliedKey)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		return item.Value(func(v []byte) error {
			r, err = parseAppliedRow(v)
			return err
		})
	})
	if err != nil && !errors.Is(err, ErrNewerFormat) {
		err = fmt.Errorf("%w: its state cannot be read", errIndex)
	}
	return r, found, err
}

// removeIndex removes the index in dir, whatever is in it.
func removeIndex(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return unavailable("the damaged index cannot be removed", err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return unavailable("the damaged index cannot be removed", err)
	}
	return nil
}
