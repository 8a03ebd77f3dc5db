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
	l := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(filePerm))
	ok, err := l.TryLock()
	if err != nil {
		return nil, unavailable("the lock of "+dir+" cannot be taken", err)
	}
	if !ok {
		_ = l.Close()
		return nil, fmt.Errorf("%w: %s is held by another Caddy or by a command that is running on it; "+
			"stop that one, or give this one a directory of its own", ErrLocked, dir)
	}
	return l, nil
}
