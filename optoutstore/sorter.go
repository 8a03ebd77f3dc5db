package optoutstore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// sorter sorts more than fits into memory: entries of a key, a number and a
// payload, by key and then by number. What it is given is collected up to its
// limit, sorted in the background while the next is collected, and written to a
// temporary file, a run; at the end the runs are merged.
//
// The files hold phones. They lie in the store's directory, for nobody else to
// read, and are removed by close, and after a crash by the next open.
type sorter struct {
	dir  string
	half int // bytes of entries that are collected before they are sorted
	// room returns an error while the disk has no room for so many bytes more. It
	// may wait.
	room func(need uint64) error

	fill  sortBuffer // is being filled
	spare sortBuffer // is being sorted and written, or empty
	busy  chan error // gets the outcome of that; nil if nothing is under way

	runs []*sortRun
	seen uint64
}

const (
	// sortMemory is what the sorters of a rebuild and of an import may take, in
	// bytes. Reading the runs back takes less.
	sortMemory = 128 << 20

	// sortRuns is how many runs are merged at once. More are merged into one first.
	sortRuns = 128

	// sortSuffix and sortPattern are the names of the runs.
	sortSuffix  = ".sort"
	sortPattern = "*" + sortSuffix

	sortEntryHeader = 12 // two lengths of 2 bytes and the number
)

// sortBuffer is entries in memory.
type sortBuffer struct {
	bytes []byte // the entries as they are written, one behind the other
	items []sortItem
}

// sortItem is where an entry stands, with the beginning of its key: most
// comparisons need no more.
type sortItem struct {
	hi, lo uint64
	at     int
}

// newSorter sorts in dir with so much memory, in bytes.
func newSorter(dir string, memory int, room func(need uint64) error) *sorter {
	return &sorter{dir: dir, half: memory / 2, room: room}
}

// removeRuns removes the runs that a crash left in a store's directory.
func removeRuns(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, sortPattern))
	for _, name := range names {
		if rerr := os.Remove(name); err == nil && rerr != nil {
			err = rerr
		}
	}
	if err != nil {
		return unavailable("what a crash left in "+dir+" cannot be removed", err)
	}
	return nil
}

// add takes an entry. It keeps neither slice. Its errors are ErrNoSpace,
// ErrUnavailable and room's.
func (s *sorter) add(key []byte, number uint64, payload []byte) error {
	need := sortEntryHeader + len(key) + len(payload)
	if len(key) > 1<<16-1 || len(payload) > 1<<16-1 || need > sortBlock {
		return fmt.Errorf("%w: an entry of %d bytes cannot be sorted", ErrUnavailable, need)
	}
	const itemSize = 24
	if used := len(s.fill.bytes) + itemSize*len(s.fill.items); used > 0 && used+need+itemSize > s.half {
		if err := s.spill(); err != nil {
			return err
		}
	}
	b := &s.fill
	hi, lo := keyStart(key)
	b.items = append(b.items, sortItem{hi, lo, len(b.bytes)})
	b.bytes = appendSortEntry(b.bytes, key, number, payload)
	s.seen++
	return nil
}

func appendSortEntry(dst, key []byte, number uint64, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(key)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(payload)))
	dst = binary.BigEndian.AppendUint64(dst, number)
	return append(append(dst, key...), payload...)
}

// cutSortEntry reads the entry that b begins with, and its length.
func cutSortEntry(b []byte) (e sortEntry, n int) {
	k, p := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
	n = sortEntryHeader + k + p
	return sortEntry{
		key:     b[sortEntryHeader : sortEntryHeader+k : sortEntryHeader+k],
		number:  binary.BigEndian.Uint64(b[4:]),
		payload: b[sortEntryHeader+k : n : n],
	}, n
}

// keyStart is the beginning of a key as two numbers that compare as it does.
func keyStart(key []byte) (hi, lo uint64) {
	var b [16]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
}

// sortEntry is what comes out again. The slices hold until the next is asked for.
type sortEntry struct {
	key     []byte
	number  uint64
	payload []byte
}

func (b *sortBuffer) sort() {
	slices.SortFunc(b.items, func(x, y sortItem) int {
		if x.hi != y.hi {
			return cmp.Compare(x.hi, y.hi)
		}
		if x.lo != y.lo {
			return cmp.Compare(x.lo, y.lo)
		}
		ex, _ := cutSortEntry(b.bytes[x.at:])
		ey, _ := cutSortEntry(b.bytes[y.at:])
		return compareEntries(ex, ey)
	})
}

func compareEntries(x, y sortEntry) int {
	if c := bytes.Compare(x.key, y.key); c != 0 {
		return c
	}
	return cmp.Compare(x.number, y.number)
}

func (b *sortBuffer) reset() { b.bytes, b.items = b.bytes[:0], b.items[:0] }

// spill sorts what was collected and writes it as a run, in the background.
func (s *sorter) spill() error {
	if err := s.settle(); err != nil {
		return err
	}
	// The run before is written; the disk has to have room for this one, and for
	// all together once more if they become one.
	need := uint64(len(s.fill.bytes))
	if len(s.runs)+1 >= sortRuns {
		for _, r := range s.runs {
			need += uint64(r.size)
		}
	}
	if err := s.room(need); err != nil {
		return err
	}
	if len(s.runs)+1 >= sortRuns {
		if err := s.join(); err != nil {
			return err
		}
	}
	s.fill, s.spare = s.spare, s.fill
	s.busy = make(chan error, 1)
	go func() {
		s.spare.sort()
		s.busy <- s.write(&sliceSource{b: &s.spare})
	}()
	return nil
}

// settle waits for what is under way in the background.
func (s *sorter) settle() error {
	if s.busy == nil {
		return nil
	}
	err := <-s.busy
	s.busy = nil
	s.spare.reset()
	return err
}

// join merges all runs into one.
func (s *sorter) join() error {
	old := s.runs
	s.runs = nil
	m, err := newMerge(old)
	if err == nil {
		err = s.write(m)
	}
	for _, r := range old {
		if rerr := r.remove(); err == nil {
			err = rerr
		}
	}
	return err
}

// sortSource yields entries in order; ok is false behind the last.
type sortSource interface {
	next() (e sortEntry, ok bool, err error)
}

// sliceSource yields the entries of a buffer that was sorted.
type sliceSource struct {
	b *sortBuffer
	i int
}

func (s *sliceSource) next() (sortEntry, bool, error) {
	if s.i == len(s.b.items) {
		return sortEntry{}, false, nil
	}
	e, _ := cutSortEntry(s.b.bytes[s.b.items[s.i].at:])
	s.i++
	return e, true, nil
}

// write writes a run of all that from yields.
func (s *sorter) write(from sortSource) error {
	r, err := createRun(s.dir)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, r)
	for {
		e, ok, err := from.next()
		if err != nil {
			return err
		}
		if !ok {
			return r.flush()
		}
		if err := r.append(e); err != nil {
			return err
		}
	}
}

// each calls fn for all entries in order, and ends the collecting. Its errors are
// fn's, add's and ctx's.
func (s *sorter) each(ctx context.Context, fn func(sortEntry) error) error {
	from, err := s.finish()
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		e, ok, err := from.next()
		if err != nil || !ok {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
		if n%lookEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// finish ends the collecting and returns all entries in order. What fits into
// memory is not written.
func (s *sorter) finish() (sortSource, error) {
	if err := s.settle(); err != nil {
		return nil, err
	}
	if len(s.runs) == 0 {
		s.fill.sort()
		return &sliceSource{b: &s.fill}, nil
	}
	if len(s.fill.items) > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
		if err := s.settle(); err != nil {
			return nil, err
		}
	}
	s.fill, s.spare = sortBuffer{}, sortBuffer{} // the memory is wanted elsewhere now
	return newMerge(s.runs)
}

// close removes the runs. It may be called at any time, more than once.
func (s *sorter) close() error {
	err := s.settle()
	if errors.Is(err, ErrNoSpace) {
		err = nil // whoever asked was told, or no longer cares
	}
	for _, r := range s.runs {
		if rerr := r.remove(); err == nil {
			err = rerr
		}
	}
	s.runs, s.fill, s.spare = nil, sortBuffer{}, sortBuffer{}
	return err
}
