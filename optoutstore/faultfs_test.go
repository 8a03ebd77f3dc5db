package optoutstore

import (
	"io/fs"
	"strings"
	"sync/atomic"
)

// faultFS is a file system whose calls fail while fail says so. Operations are
// "open", "write", "sync", "truncate", "rename", "remove", "syncdir".
type faultFS struct {
	osFS
	fail func(op, name string) error
}

func (f *faultFS) check(op, name string) error {
	if f.fail == nil {
		return nil
	}
	return f.fail(op, name)
}

func (f *faultFS) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	if err := f.check("open", name); err != nil {
		return nil, err
	}
	inner, err := f.osFS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultFile{inner, f, name}, nil
}

func (f *faultFS) Rename(from, to string) error {
	if err := f.check("rename", to); err != nil {
		return err
	}
	return f.osFS.Rename(from, to)
}

func (f *faultFS) SyncDir(name string) error {
	if err := f.check("syncdir", name); err != nil {
		return err
	}
	return f.osFS.SyncDir(name)
}

type faultFile struct {
	file
	fs   *faultFS
	name string
}

// WriteAt writes half of what it was given when it fails, as a full disk does.
func (f *faultFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.fs.check("write", f.name); err != nil {
		n, _ := f.file.WriteAt(b[:len(b)/2], off)
		return n, err
	}
	return f.file.WriteAt(b, off)
}

func (f *faultFile) Sync() error {
	if err := f.fs.check("sync", f.name); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.fs.check("truncate", f.name); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

// journalFault fails one operation on the journal while on is set.
func journalFault(on *atomic.Bool, op string, err error) *faultFS {
	return &faultFS{fail: func(o, name string) error {
		if on.Load() && o == op && strings.HasSuffix(name, segmentSuffix) {
			return err
		}
		return nil
	}}
}
