package optoutstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// A run is a temporary file of sorted entries, in blocks:
//
//	offset size
//	     0    4  length of what follows the header
//	     4    4  its CRC32C
//	     8       whole entries
//
// The checksum is there because what is read back goes into the journal.
const (
	sortBlockHeader = 8
	sortBlock       = 64 << 10 // bytes of entries in a block, at most
)

// sortRun is a run that is being written, and then read once.
type sortRun struct {
	f    *os.File
	size int64
	buf  []byte // the block that is being filled, or what is left of the one read

	left  int64  // what has not been read
	block []byte // the memory of the block that was read
}

func createRun(dir string) (*sortRun, error) {
	f, err := os.CreateTemp(dir, sortPattern) // mode 0600
	if err != nil {
		return nil, sortError(err)
	}
	return &sortRun{f: f, buf: make([]byte, sortBlockHeader, sortBlockHeader+sortBlock)}, nil
}

// sortError is err as one of this package's.
func sortError(err error) error {
	if isNoSpace(err) {
		return fmt.Errorf("%w: it became full while sorting; make room and begin again", ErrNoSpace)
	}
	return unavailable("a temporary file in the store's directory", err)
}

func (r *sortRun) append(e sortEntry) error {
	if len(r.buf)+sortEntryHeader+len(e.key)+len(e.payload) > cap(r.buf) {
		if err := r.flush(); err != nil {
			return err
		}
	}
	r.buf = appendSortEntry(r.buf, e.key, e.number, e.payload)
	return nil
}

// flush writes the block.
func (r *sortRun) flush() error {
	body := r.buf[sortBlockHeader:]
	if len(body) == 0 {
		return nil
	}
	binary.BigEndian.PutUint32(r.buf, uint32(len(body)))
	binary.BigEndian.PutUint32(r.buf[4:], crc32.Checksum(body, castagnoli))
	n, err := r.f.WriteAt(r.buf, r.size)
	r.size += int64(n)
	r.buf = r.buf[:sortBlockHeader]
	if err != nil {
		return sortError(err)
	}
	return nil
}

// rewind makes the run ready to be read.
func (r *sortRun) rewind() error {
	r.buf, r.left = nil, r.size
	if _, err := r.f.Seek(0, io.SeekStart); err != nil {
		return sortError(err)
	}
	return nil
}

// next returns the next entry, which holds until it is called again.
func (r *sortRun) next() (sortEntry, bool, error) {
	if len(r.buf) == 0 {
		if ok, err := r.read(); !ok || err != nil {
			return sortEntry{}, false, err
		}
	}
	e, n := cutSortEntry(r.buf)
	r.buf = r.buf[n:]
	return e, true, nil
}

// read reads the next block, and reports whether there is one.
func (r *sortRun) read() (bool, error) {
	if r.left == 0 {
		return false, nil
	}
	var head [sortBlockHeader]byte
	if _, err := io.ReadFull(r.f, head[:]); err != nil {
		return false, sortError(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	r.left -= sortBlockHeader + int64(n)
	if n == 0 || n > sortBlock {
		return false, errRun
	}
	if r.block == nil {
		r.block = make([]byte, sortBlock)
	}
	r.buf = r.block[:n]
	if _, err := io.ReadFull(r.f, r.buf); err != nil {
		return false, sortError(err)
	}
	if crc32.Checksum(r.buf, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return false, errRun
	}
	return true, nil
}

// errRun: what was written to the disk came back as something else.
var errRun = fmt.Errorf("%w: a temporary file in the store's directory does not hold what was written to it", ErrUnavailable)

func (r *sortRun) remove() error {
	err := r.f.Close()
	if rerr := os.Remove(r.f.Name()); err == nil {
		err = rerr
	}
	if err != nil {
		return unavailable("a temporary file cannot be removed", err)
	}
	return nil
}

// sortMerge merges runs. It is a heap whose top is the run with the least entry.
type sortMerge struct {
	heap    []mergeHead
	started bool
}

// mergeHead is a run and its first entry.
type mergeHead struct {
	run    *sortRun
	hi, lo uint64
	sortEntry
}

func newMerge(runs []*sortRun) (*sortMerge, error) {
	m := &sortMerge{}
	for _, r := range runs {
		if err := r.rewind(); err != nil {
			return nil, err
		}
		h := mergeHead{run: r}
		ok, err := h.advance()
		if err != nil {
			return nil, err
		}
		if ok {
			m.heap = append(m.heap, h)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m, nil
}

func (h *mergeHead) advance() (ok bool, err error) {
	h.sortEntry, ok, err = h.run.next()
	if ok {
		h.hi, h.lo = keyStart(h.key)
	}
	return ok, err
}

// next implements [sortSource].
func (m *sortMerge) next() (sortEntry, bool, error) {
	// The entry that was returned last is still the top: its bytes were in use.
	if m.started && len(m.heap) > 0 {
		ok, err := m.heap[0].advance()
		if err != nil {
			return sortEntry{}, false, err
		}
		if !ok {
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		}
		m.down(0)
	}
	m.started = true
	if len(m.heap) == 0 {
		return sortEntry{}, false, nil
	}
	return m.heap[0].sortEntry, true, nil
}

// down moves the head at i to its place.
func (m *sortMerge) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.heap); c++ {
			if m.heap[c].less(&m.heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

func (h *mergeHead) less(o *mergeHead) bool {
	if h.hi != o.hi {
		return h.hi < o.hi
	}
	if h.lo != o.lo {
		return h.lo < o.lo
	}
	return compareEntries(h.sortEntry, o.sortEntry) < 0
}
