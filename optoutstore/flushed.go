package optoutstore

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// flushTracker knows up to which event everything is in Badger's tables.
//
// Badger writes a memtable into a table, syncs the table, notes it in the synced
// MANIFEST, and only then removes the memtable's log, NNNNN.mem (badger
// v4.9.6, db.go, flushMemtable). Memtables are written out in order. So the names
// of the logs tell: when the oldest that is left is k, everything that was applied
// before k was begun is in tables.
//
// What is still in memtables is applied again from the journal, and their logs
// are neither synced nor believed: a flipped byte in one silently drops all that
// follows in it, and DB.Sync would sync the newest only (docs/storage.md, 12, "logs").
type flushTracker struct {
	floor chain         // everything up to here is in tables
	last  chain         // what was applied when the logs were listed last
	born  map[int]chain // for each log: applied for certain before it was begun
}

// newFlushTracker begins with what the checkpoint says.
func newFlushTracker(floor chain) *flushTracker {
	return &flushTracker{floor: floor, last: floor, born: map[int]chain{}}
}

// observe takes note of the logs that are there now, and of what had been applied
// before they were listed, and returns what is in tables.
func (t *flushTracker) observe(applied chain, logs []int) chain {
	seen := make(map[int]chain, len(logs))
	oldest := -1
	for _, k := range logs {
		b, ok := t.born[k]
		if !ok {
			b = t.last // it was not there then, so all of that is in older ones
		}
		seen[k] = b
		if oldest < 0 || k < oldest {
			oldest = k
		}
	}
	t.born, t.last = seen, applied
	if oldest >= 0 && seen[oldest].number > t.floor.number {
		t.floor = seen[oldest]
	}
	return t.floor
}

// memtableSuffix ends the names of the memtable logs.
const memtableSuffix = ".mem"

// memtableLogs are the numbers of the memtable logs in an index's directory.
func memtableLogs(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var logs []int
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), memtableSuffix)
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(digits); err == nil {
			logs = append(logs, n)
		}
	}
	return logs, nil
}

// sumManifest syncs and reads the MANIFEST of the index in dir.
func sumManifest(dir string) (manifestSum, error) {
	f, err := os.OpenFile(filepath.Join(dir, "MANIFEST"), os.O_RDWR, 0) // Windows syncs no other
	if err != nil {
		return manifestSum{}, err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return manifestSum{}, err
	}
	return hashManifest(f, 1<<40)
}

// grewFrom reports whether the MANIFEST of the index in dir begins with what was
// summed.
func (m manifestSum) grewFrom(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, "MANIFEST"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	now, err := hashManifest(f, m.Size)
	return now == m, err
}

func hashManifest(r io.Reader, most int64) (manifestSum, error) {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, most))
	return manifestSum{Size: n, Hash: Hash(h.Sum(nil))}, err
}
