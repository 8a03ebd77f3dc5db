package optoutstore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Mark is how far a store had come.
type Mark struct {
	Store ID
	// Number of the newest acknowledged event, and its hash.
	Number uint64
	Hash   Hash
}

// Witness remembers, outside of a store's directory, which store belongs there
// and how far it had come. Without it a directory that was emptied, replaced by
// an older copy or not mounted looks like a new one.
type Witness interface {
	// Load returns what was saved for the store at dir, and whether there is
	// anything. An error means "not known", which is not "nothing".
	Load(dir string) (Mark, bool, error)
	// Save replaces what is remembered, so that it outlives a power cut.
	Save(dir string, m Mark) error
}

// witnessFormat is the version of a witness file.
const witnessFormat = 1

// witnessFile is the content of a witness file.
type witnessFile struct {
	Format int    `json:"format"`
	Path   string `json:"path"`
	Store  ID     `json:"store"`
	Number uint64 `json:"number"`
	Hash   Hash   `json:"hash"`
}

// fileWitness keeps one file per store in a directory.
type fileWitness struct {
	fs  fsys
	dir string
}

// FileWitness remembers in dir, in one small file per store. The directory is
// made at the first Save. It should not lie on the store's own disk, and must
// not lie in a store's directory.
func FileWitness(dir string) Witness { return fileWitness{osFS{}, dir} }

// name is the file for the store at dir: its path, hashed, so that any path
// makes a file name.
func (w fileWitness) name(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(w.dir, hex.EncodeToString(sum[:16])+".witness")
}

func (w fileWitness) Load(dir string) (Mark, bool, error) {
	var c witnessFile
	err := readSealed(w.fs, w.name(dir), witnessFormat, &c)
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, false, nil
	}
	if err == nil && c.Path != dir {
		err = fmt.Errorf("%s is about another store", w.name(dir))
	}
	if err != nil {
		return Mark{}, false, err
	}
	return Mark{Store: c.Store, Number: c.Number, Hash: c.Hash}, true, nil
}

func (w fileWitness) Save(dir string, m Mark) error {
	if err := makeDir(w.fs, w.dir); err != nil {
		return err
	}
	return writeSealed(w.fs, w.name(dir), witnessFile{
		Format: witnessFormat, Path: dir, Store: m.Store, Number: m.Number, Hash: m.Hash,
	})
}
