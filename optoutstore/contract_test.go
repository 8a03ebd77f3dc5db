package optoutstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
)

func TestContract(t *testing.T) {
	storetest.Contract(t, func(t *testing.T) optoutstore.Store {
		root := t.TempDir()
		s, err := optoutstore.Open(optoutstore.Options{
			Dir:     filepath.Join(root, "store"),
			Witness: optoutstore.FileWitness(filepath.Join(root, "witness")),
			MinFree: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// TestRandom compares the store with the model, over closes only.
func TestRandom(t *testing.T) {
	t.Parallel()
	storetest.Random(t, storetest.Keeper{Open: keeper{t.TempDir()}.open, Root: optoutstore.MemoryDir(t), Runs: 5})
}

// TestRandomCrash compares the store with the model, over closes and crashes.
func TestRandomCrash(t *testing.T) {
	t.Parallel()
	k := keeper{t.TempDir()}
	storetest.Random(t, storetest.Keeper{Open: k.open, Crash: k.crash, Root: optoutstore.MemoryDir(t), Runs: 10})
}

// keeper opens stores, all with one witness.
type keeper struct{ witnessed string }

func (k keeper) witness() optoutstore.Witness { return optoutstore.FileWitness(k.witnessed) }

func (k keeper) open(dir string) (optoutstore.Store, error) {
	s, err := optoutstore.Open(optoutstore.Options{Dir: dir, Witness: k.witness(), MinFree: 1})
	if err != nil {
		return nil, err // and not a Store that holds a nil
	}
	return s, nil
}

// crash copies dir as it is while s has it open, and the witness's mark for it,
// and then closes s, which knows nothing of the copy.
//
// A copy takes time, a kill does not. What may lag behind another is copied
// first: the mark, the checkpoint, the index, and then the journal, so that the
// copy is one that a kill at the end of it could have left, but for an index that
// is torn, which it has to stand as well.
func (k keeper) crash(s optoutstore.Store, dir string) (string, error) {
	defer s.Close()
	next := nextDir(dir)
	mark, known, err := k.witness().Load(dir)
	if err != nil {
		return "", err
	}
	if known {
		if err := k.witness().Save(next, mark); err != nil {
			return "", err
		}
	}
	for _, part := range []string{"checkpoint", "index", ".", "journal"} {
		if err := copyTree(filepath.Join(next, part), filepath.Join(dir, part)); err != nil {
			return "", err
		}
	}
	return next, nil
}

// nextDir is a directory beside dir that does not exist.
func nextDir(dir string) string {
	for i := 1; ; i++ {
		next := fmt.Sprintf("%s.%d", dir, i)
		if _, err := os.Lstat(next); err != nil {
			return next
		}
	}
}

// copyTree copies the file or directory at src to dst, but what dst has already.
// A file that is removed meanwhile is not copied.
func copyTree(dst, src string) error {
	return filepath.WalkDir(src, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return gone(err)
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		if entry.IsDir() {
			// The journal is the last to be copied, and not along with the rest.
			if rel == "journal" {
				return fs.SkipDir
			}
			return os.MkdirAll(to, 0o700)
		}
		if _, err := os.Lstat(to); err == nil {
			return nil
		}
		return gone(copyFile(to, path))
	})
}

func gone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// copyFile copies a file without its holes: most of Badger's are megabytes of
// nothing.
func copyFile(dst, src string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(dst), 0o700); err != nil {
		return err
	}
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	defer out.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	size := info.Size() // What is appended meanwhile is not copied.
	buf := make([]byte, 1<<12)
	for at := int64(0); at < size; {
		if runtime.GOOS == "linux" {
			const seekData = 3
			data, err := in.Seek(at, seekData)
			if errors.Is(err, syscall.ENXIO) || data >= size {
				break
			}
			if err == nil {
				at = data
			}
		}
		n, err := in.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return err
		}
		if n == 0 {
			break // It became shorter.
		}
		if !bytes.Equal(buf[:n], zeros[:n]) {
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
	}
	return out.Truncate(size)
}

var zeros [1 << 12]byte
