package optoutstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// openIndex opens the index if it can be trusted. If not, it returns none, and
// why, and the index has to be built again. Its errors are ErrLoss, ErrLocked,
// ErrNewerFormat and ErrUnavailable.
func (b *base) openIndex() (ix *index, why string, err error) {
	if !b.hasCheckpoint {
		return nil, b.noCheckpoint, nil
	}
	if b.checkpoint.Number > b.journal.end.number {
		// Only where a loss was accepted; else findLoss has refused it.
		return nil, "the index is ahead of the journal", nil
	}
	follows, err := b.journal.has(b.checkpoint.chain())
	if err != nil {
		return nil, "", err
	}
	if !follows {
		return nil, "the checkpoint was made from another journal", nil
	}
	dir := b.o.path(indexName)
	grew, err := b.checkpoint.Manifest.grewFrom(dir)
	if err != nil {
		return nil, "its MANIFEST cannot be read", nil
	}
	if !grew {
		return nil, "its MANIFEST is missing, or older than the checkpoint", nil
	}
	ix, err = b.openIndexFiles()
	if errors.Is(err, ErrLocked) {
		return nil, "", err
	}
	if err != nil {
		return nil, err.Error(), nil
	}
	why, err = b.distrust(ix)
	if why != "" || err != nil {
		_ = ix.close()
		return nil, why, err
	}
	return ix, "", nil
}

// openIndexFiles opens the index with Badger, if need be without the logs of its
// memtables. Its errors are errIndex and ErrLocked.
func (b *base) openIndexFiles() (*index, error) {
	dir := b.o.path(indexName)
	if err := removeLogs(dir, func(size int64) bool { return size == 0 }); err != nil {
		return nil, err
	}
	ix, err := openIndex(&b.o, dir)
	if err == nil || errors.Is(err, ErrLocked) {
		return ix, err
	}
	if lerr := removeLogs(dir, func(int64) bool { return true }); lerr != nil {
		return nil, lerr
	}
	// Whatever is wrong with the logs, nothing depends on them.
	b.o.Logger.Warn("the index is opened without what Badger had in memory", "why", err)
	return openIndex(&b.o, dir)
}

// distrust says why the opened index cannot be used, empty if it can be.
func (b *base) distrust(ix *index) (why string, err error) {
	at, found, err := ix.applied()
	switch {
	case errors.Is(err, ErrNewerFormat):
		return "", err
	case err != nil:
		return err.Error(), nil
	case !found && b.checkpoint.Number > 0:
		return "it is empty", nil
	case !found:
		return "", nil
	case at.store != b.id.ID:
		return "it is another store's", nil
	case at.number < b.checkpoint.Number:
		return fmt.Sprintf("it holds events up to %s, the checkpoint says %s",
			grouped(at.number), grouped(b.checkpoint.Number)), nil
	case at.number > b.journal.end.number:
		b.loss = b.shorter(at.number)
		return "", b.lossError()
	}
	follows, err := b.journal.has(at.chain)
	if err == nil && !follows {
		why = "it was made from another journal"
	}
	return why, err
}

// removeLogs removes the memtable logs in an index's directory whose size is one
// that which says so. An empty one is what a power cut can leave of a new one,
// and keeps Badger from opening.
func removeLogs(dir string, which func(size int64) bool) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"+memtableSuffix))
	if err != nil {
		return err
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil && which(info.Size()) {
			err = os.Remove(name)
		}
		if err != nil {
			return fmt.Errorf("%w: its logs cannot be removed: %s", errIndex, scrub(err))
		}
	}
	return nil
}

// bringHome gives an index that was built beside a doubted one the usual name. A
// crash in the middle leaves a checkpoint that names what is not there any more:
// then the index has been brought home already, or does not continue the MANIFEST.
func (b *base) bringHome() error {
	name := b.checkpoint.Index
	if !b.hasCheckpoint || name == "" {
		return nil
	}
	if !isSpare(name) {
		b.hasCheckpoint, b.noCheckpoint = false, "the checkpoint names no index"
		return nil
	}
	there, err := exists(b.o.fs, b.o.path(name))
	if err == nil && there {
		if err = removeIndex(b.o.path(indexName)); err == nil {
			err = b.o.fs.Rename(b.o.path(name), b.o.path(indexName))
		}
		if err == nil {
			err = b.o.fs.SyncDir(b.o.Dir)
		}
	}
	if err == nil {
		b.checkpoint.Index = ""
		err = writeSealed(b.o.fs, b.o.path(checkpointName), b.checkpoint)
	}
	if err != nil {
		return sentinel("the index cannot be given its name", err)
	}
	return nil
}
