package optoutstore

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// checkpointName is the file that says from where the index needs the journal.
const checkpointName = "checkpoint"

// checkpointFormat is the version of that file.
const checkpointFormat = 1

// checkpoint says up to which event everything is in Badger's tables, which are
// synced and checksummed, and no longer in its memtables, whose logs are neither
// synced nor trusted. At open the journal is applied from there on. It is always
// the end of a frame.
type checkpoint struct {
	Format   int    `json:"format"`
	Store    ID     `json:"store"`
	Number   uint64 `json:"number"`
	Position uint64 `json:"position"`
	Hash     Hash   `json:"hash"`
	// Index is the name of the index's directory, where it is not the usual one: it
	// was built beside a damaged one, and the store was not closed and opened since.
	Index string `json:"index,omitempty"`
	// Manifest is the state of Badger's MANIFEST at that time. It only grows, so
	// one that is missing, shorter or older shows: Badger itself would open it
	// without an error and delete the tables that it does not name (docs/storage.md,
	// 12, "MANIFEST").
	Manifest manifestSum `json:"manifest"`
}

// manifestSum is the length and the hash of the beginning of a MANIFEST.
type manifestSum struct {
	Size int64 `json:"size"`
	Hash Hash  `json:"sha256"`
}

func (c checkpoint) chain() chain {
	return chain{number: c.Number, position: c.Position, hash: c.Hash}
}

// readCheckpoint reads the checkpoint. A checkpoint that is missing or damaged
// costs a rebuild, nothing else: then ok is false and why says so.
func readCheckpoint(fsys fsys, name string) (c checkpoint, ok bool, why string, err error) {
	err = readSealed(fsys, name, checkpointFormat, &c)
	switch {
	case err == nil:
		return c, true, "", nil
	case errors.Is(err, ErrNewerFormat):
		return c, false, "", err
	case errors.Is(err, fs.ErrNotExist):
		return c, false, "there is no checkpoint", nil
	case errors.Is(err, errSeal):
		return c, false, "the checkpoint is damaged", nil
	default:
		return c, false, "", unavailable("the checkpoint cannot be read", err)
	}
}

// writeCheckpoint saves that everything up to flushed is in the tables of the index
// in dir.
func writeCheckpoint(o *Options, id ID, dir string, flushed chain) error {
	name := filepath.Base(dir)
	if name == indexName {
		name = ""
	}
	sum, err := sumManifest(dir)
	if err == nil {
		// Badger does not sync the directory after it made a table of a memtable.
		err = syncDir(dir)
	}
	if err == nil {
		err = writeSealed(o.fs, o.path(checkpointName), checkpoint{
			Format:   checkpointFormat,
			Store:    id,
			Number:   flushed.number,
			Position: flushed.position,
			Hash:     flushed.hash,
			Index:    name,
			Manifest: sum,
		})
	}
	if err != nil {
		return unavailable("the checkpoint cannot be saved", err)
	}
	return nil
}
