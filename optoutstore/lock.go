package optoutstore

import (
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockName is the file whose lock means that a process has the store open. The
// operating system drops the lock when the process ends, however it ends.
const lockName = "LOCK"

// lockDir takes the store's lock, without waiting.
func lockDir(dir string) (*flock.Flock, error) {
	return lockFile(filepath.Join(dir, lockName))
}

// lockFile takes the lock of a file in a store's directory.
func lockFile(name string) (*flock.Flock, error) {
	l := flock.New(name, flock.SetPermissions(filePerm))
	ok, err := l.TryLock()
	if err != nil {
		return nil, unavailable("the lock "+name+" cannot be taken", err)
	}
	if !ok {
		_ = l.Close()
		return nil, lockedError(filepath.Dir(name))
	}
	return l, nil
}

// lockedError says who may hold a store, and what to do.
func lockedError(dir string) error {
	return fmt.Errorf("%w: %s is held by another Caddy or by a command that is running on it; "+
		"stop that one, or give this one a directory of its own", ErrLocked, dir)
}
