package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/gofrs/flock"
)

// lockName is the file whose lock means that a process has the store open. The
// operating system drops the lock when the process ends, however it ends.
const lockName = "LOCK"

// A lock that is held is tried again for lockPatience, every lockRetry. A flock
// belongs to the open file, so that a program which this process starts holds a copy
// of every lock from the fork to the exec, flock(2): a lock that was just given up is
// held for some milliseconds then, by nobody whom anyone could stop.
const (
	lockPatience = 250 * time.Millisecond
	lockRetry    = 5 * time.Millisecond
)

// lockDir takes the store's lock.
func lockDir(dir string) (*flock.Flock, error) {
	return lockFile(filepath.Join(dir, lockName))
}

// lockFile takes the lock of a file in a store's directory.
func lockFile(name string) (*flock.Flock, error) {
	l := flock.New(name, flock.SetPermissions(filePerm))
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	ok, err := l.TryLockContext(ctx, lockRetry)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
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

// openBadger opens a database of Badger, which locks its directory as well.
func openBadger(opt badger.Options) (*badger.DB, error) {
	for end := time.Now().Add(lockPatience); ; time.Sleep(lockRetry) {
		db, err := badger.Open(opt)
		if err == nil {
			return db, nil
		}
		// Badger has no error value for it (v4.9.6, dir_unix.go).
		if !strings.Contains(err.Error(), "Cannot acquire directory lock") {
			return nil, err
		}
		if time.Now().After(end) {
			return nil, ErrLocked
		}
	}
}
