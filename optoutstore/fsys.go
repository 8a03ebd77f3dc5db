package optoutstore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fsys is what the journal, the identity, the checkpoint and the witness use of
// a file system. It is an interface so that a test can put a file system under
// them that fails, or that forgets what was not synced. Badger is outside of it:
// it maps its files into memory by itself.
type fsys interface {
	OpenFile(name string, flag int, perm fs.FileMode) (file, error)
	Mkdir(name string, perm fs.FileMode) error
	ReadDir(name string) ([]fs.DirEntry, error)
	Stat(name string) (fs.FileInfo, error)
	Rename(oldName, newName string) error
	Remove(name string) error
	// SyncDir makes the names in a directory durable: those of new, renamed and
	// removed files.
	SyncDir(name string) error
}

// file is an open file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	// Sync returns once the content of the file and its size are on the disk.
	// After an error nothing is known about what was written since the last
	// successful Sync: Linux may have dropped the pages and marked them clean, so
	// that a second Sync succeeds without them.
	Sync() error
}

// Permissions of what the store creates: phones are nobody else's business.
const (
	dirPerm  fs.FileMode = 0o700
	filePerm fs.FileMode = 0o600
)

// osFS is the operating system's file system.
type osFS struct{}

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Mkdir(name string, perm fs.FileMode) error  { return os.Mkdir(name, perm) }
func (osFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (osFS) Stat(name string) (fs.FileInfo, error)      { return os.Stat(name) }
func (osFS) Rename(oldName, newName string) error       { return os.Rename(oldName, newName) }
func (osFS) Remove(name string) error                   { return os.Remove(name) }
func (osFS) SyncDir(name string) error                  { return syncDir(name) }

// makeDir makes the directory name and its parents where they are missing, and
// makes their names durable.
func makeDir(fsys fsys, name string) error {
	there, err := exists(fsys, name)
	if err != nil || there {
		return err
	}
	parent := filepath.Dir(name)
	if parent != name {
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.Mkdir(name, dirPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fsys.SyncDir(parent)
}

// exists reports whether there is something of that name.
func exists(fsys fsys, name string) (bool, error) {
	_, err := fsys.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// osFile is *os.File with the cheapest Sync that keeps the promise of [file].
type osFile struct{ *os.File }

func (f osFile) Sync() error { return datasync(f.File) }
