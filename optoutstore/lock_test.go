package optoutstore

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// A lock that a forked process still holds for a moment is waited for; one that is
// held is an error.
func TestLockHeldForAMoment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		file string // what is locked, in the directory
		take func(dir string) (release func() error, err error)
	}{
		{"the store's", lockName, func(dir string) (func() error, error) {
			l, err := lockDir(dir)
			if err != nil {
				return nil, err
			}
			return l.Close, nil
		}},
		{"the index's", "", func(dir string) (func() error, error) {
			db, err := openBadger(badger.DefaultOptions(dir).WithLogger(nil))
			if err != nil {
				return nil, err
			}
			return db.Close, nil
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tc.file != "" {
				if err := os.WriteFile(filepath.Join(dir, tc.file), nil, filePerm); err != nil {
					t.Fatal(err)
				}
			}
			f, err := os.Open(filepath.Join(dir, tc.file))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			fd := int(f.Fd())
			if err := syscall.Flock(fd, syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			if _, err := tc.take(dir); !errors.Is(err, ErrLocked) {
				t.Fatalf("held: %v", err)
			}
			unlocked := time.AfterFunc(4*lockRetry, func() { _ = syscall.Flock(fd, syscall.LOCK_UN) })
			release, err := tc.take(dir)
			if err != nil {
				unlocked.Stop()
				t.Fatalf("held for a moment: %v", err)
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		})
	}
}
