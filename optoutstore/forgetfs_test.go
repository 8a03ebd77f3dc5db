package optoutstore

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// forgetFS is a file system whose power is cut at a certain call: of each file it
// keeps what was there at the file's last sync, and of each directory the names at
// the directory's last sync. It is stricter than file systems are, most of which
// keep a new file's name with the file. Calls after the cut fail and change nothing.
type forgetFS struct {
	osFS

	mu      sync.Mutex
	calls   int                // changes so far
	cutAt   int                // the call at which the power is cut; 0 never
	names   map[string]*forgot // of files and directories, as programs see them
	durable map[string]*forgot // as they are on the disk
}

// forgot is a file or a directory.
type forgot struct {
	dir    bool
	synced []byte
}

func newForgetFS(cutAt int) *forgetFS {
	return &forgetFS{cutAt: cutAt, names: map[string]*forgot{}, durable: map[string]*forgot{}}
}

// change counts a call that changes something, and does it unless the power is
// off. The call at which the power is cut is not done.
func (f *forgetFS) change(do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.cutAt > 0 && f.calls >= f.cutAt {
		return syscall.EIO
	}
	return do()
}

// isCut reports whether the power is off.
func (f *forgetFS) isCut() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cutAt > 0 && f.calls >= f.cutAt
}

func (f *forgetFS) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	var inner file
	open := func() (err error) {
		inner, err = f.osFS.OpenFile(name, flag, perm)
		if err == nil && f.names[name] == nil {
			f.names[name] = &forgot{}
		}
		return err
	}
	var err error
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		err = f.change(open)
	} else {
		f.mu.Lock()
		err = open()
		f.mu.Unlock()
	}
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return &forgetFile{inner, f, name, f.names[name]}, nil
}

func (f *forgetFS) Mkdir(name string, perm fs.FileMode) error {
	return f.change(func() error {
		err := f.osFS.Mkdir(name, perm)
		if err == nil {
			f.names[name] = &forgot{dir: true}
		}
		return err
	})
}

func (f *forgetFS) Rename(from, to string) error {
	return f.change(func() error {
		err := f.osFS.Rename(from, to)
		if err == nil {
			f.names[to] = f.names[from]
			delete(f.names, from)
		}
		return err
	})
}

func (f *forgetFS) Remove(name string) error {
	return f.change(func() error {
		err := f.osFS.Remove(name)
		if err == nil {
			delete(f.names, name)
		}
		return err
	})
}

func (f *forgetFS) SyncDir(name string) error {
	return f.change(func() error {
		for n := range f.durable {
			if filepath.Dir(n) == name && f.names[n] == nil {
				delete(f.durable, n)
			}
		}
		for n, node := range f.names {
			if filepath.Dir(n) == name {
				f.durable[n] = node
			}
		}
		return nil
	})
}

type forgetFile struct {
	file
	fs   *forgetFS
	name string
	node *forgot
}

func (f *forgetFile) WriteAt(b []byte, off int64) (n int, err error) {
	err = f.fs.change(func() error {
		n, err = f.file.WriteAt(b, off)
		return err
	})
	return n, err
}

func (f *forgetFile) Truncate(size int64) error {
	return f.fs.change(func() error { return f.file.Truncate(size) })
}

func (f *forgetFile) Sync() error {
	return f.fs.change(func() error {
		info, err := f.file.Stat()
		if err != nil {
			return err
		}
		b := make([]byte, info.Size())
		if _, err := f.file.ReadAt(b, 0); err != nil && len(b) > 0 {
			return err
		}
		f.node.synced = b
		return nil
	})
}

// restore writes into the directory to what of the directory from is on the disk.
func (f *forgetFS) restore(t *testing.T, from, to string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	there := func(name string) bool {
		for ; name != from; name = filepath.Dir(name) {
			if f.durable[name] == nil {
				return false
			}
		}
		return true
	}
	for name, node := range f.durable {
		rel, err := filepath.Rel(from, name)
		if err != nil || !filepath.IsLocal(rel) || !there(name) {
			continue
		}
		path := filepath.Join(to, rel)
		if node.dir {
			err = os.MkdirAll(path, dirPerm)
		} else if err = os.MkdirAll(filepath.Dir(path), dirPerm); err == nil {
			err = os.WriteFile(path, node.synced, filePerm)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
