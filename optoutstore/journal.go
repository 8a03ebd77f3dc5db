package optoutstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// journalName is the directory of the journal's segments.
const journalName = "journal"

// healEvery is how long the journal waits between two attempts to become
// writable again after an error.
const healEvery = time.Second

// journal is the truth: every event, in the order of its number, in segments
// that are only ever appended to. One goroutine writes (stage, commit, discard);
// any may read what was committed.
type journal struct {
	fs          fsys
	dir         string
	id          ID
	segmentSize int64
	now         func() time.Time

	mu   sync.RWMutex // guards segs and the size of the last
	segs []*segment

	// What follows belongs to the writer.

	end   chain  // behind the last committed frame
	next  chain  // behind the last staged record; its position is end's
	buf   []byte // the staged frame
	count int    // events in it

	committed int // bytes of the last frame that was committed

	// fault is why nothing can be written: the last write or sync failed, and it
	// is not known what of it is on the disk. It is mended by cutting the file
	// back to the last good frame, which must itself be synced.
	fault   error
	retryAt time.Time

	// spoiled is set when the active segment was found damaged: the next frame goes
	// into a new one. Anybody sets it.
	spoiled atomic.Bool

	// damage is what was found wrong at open in front of the position wholeFrom. What
	// is behind it is whole. Where it is within the last segment, resume is a place
	// behind it.
	damage    error
	wholeFrom uint64
	resume    chain

	// torn is how many bytes behind the last good frame the file has at open, and
	// leftover a segment whose creation was cut short.
	torn     int64
	leftover string

	zeros []byte // what makeRoom writes
	used  bool   // it was written to since the open
}

// active is the segment that is written to.
func (j *journal) active() *segment { return j.segs[len(j.segs)-1] }

// ready makes the journal writable if it can be: it mends a fault, and begins a
// new segment when the last is long enough. Its errors are ErrNoSpace and
// ErrUnavailable. Nothing may be staged.
func (j *journal) ready() error {
	if j.fault != nil {
		if time.Now().Before(j.retryAt) {
			return j.fault
		}
		if err := j.heal(); err != nil {
			return j.fail(err)
		}
		j.fault = nil
	}
	full := j.active().size >= j.segmentSize
	if full || j.spoiled.Load() && j.active().size > segmentHeader {
		if err := j.rotate(); err != nil {
			return j.fail(err)
		}
		j.spoiled.Store(false)
	}
	j.buf, j.count, j.next = openFrame(j.buf[:0]), 0, j.end
	return nil
}

// rotate begins a new segment. The old one is whole and synced.
func (j *journal) rotate() error {
	if err := j.endRoom(); err != nil {
		return err
	}
	s, err := createSegment(j.fs, j.dir, segmentHead{
		id:      j.id,
		first:   j.end.number + 1,
		start:   j.end.position,
		before:  j.end.hash,
		created: j.now(),
	})
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.segs = append(j.segs, s)
	j.mu.Unlock()
	j.end.position += segmentHeader
	return nil
}

// stage appends an event to the frame, giving it its number and its link, and
// returns the position that its record will have.
func (j *journal) stage(r *record) uint64 {
	r.Number, r.before = j.next.number+1, j.next.hash
	off := len(j.buf)
	j.buf = appendRecord(j.buf, r)
	j.count++
	j.next.number, j.next.hash = r.Number, hashRecord(j.buf[off:])
	return j.end.position + uint64(off)
}

// commit writes the staged frame and syncs it. When it returns without an error
// the events are on the disk. After an error they may be, until heal has cut
// them off; they must not be acknowledged.
func (j *journal) commit() error {
	if j.count == 0 {
		return nil
	}
	closeFrame(j.buf, j.id, j.end.number+1, j.count)
	s := j.active()
	f, err := s.open(j.fs, os.O_RDWR)
	if err == nil {
		err = s.attached(j.fs)
	}
	if err == nil {
		j.used = true
		err = j.makeRoom(f, int64(len(j.buf)))
	}
	if err == nil {
		_, err = f.WriteAt(j.buf, s.size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = s.attached(j.fs) // it still is
	}
	if err != nil {
		return j.fail(err)
	}
	j.mu.Lock()
	s.size += int64(len(j.buf))
	j.mu.Unlock()
	j.end = j.next
	j.end.position = s.end()
	j.committed = len(j.buf)
	if cap(j.buf) > maxKeptFrame {
		j.buf = nil
	}
	return nil
}

// maxKeptFrame is the largest frame buffer that is kept for the next, in bytes.
const maxKeptFrame = 1 << 20

// fail remembers why the journal cannot be written, and returns it as an error
// of this package.
func (j *journal) fail(err error) error {
	j.retryAt = time.Now().Add(healEvery)
	if isNoSpace(err) {
		j.fault = fmt.Errorf("%w: the journal cannot be written: %v", ErrNoSpace, err)
	} else {
		j.fault = unavailable("the journal cannot be written", err)
	}
	return j.fault
}

// heal cuts the active segment back to its last good frame. Only what was never
// acknowledged lies behind it.
func (j *journal) heal() error {
	s := j.active()
	f, err := s.open(j.fs, os.O_RDWR)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < s.size {
		return fmt.Errorf("%s has %d bytes, %d were written", s.name, info.Size(), s.size)
	}
	if err := s.attached(j.fs); err != nil {
		return err
	}
	if err := j.cutRoom(f); err != nil {
		return err
	}
	return f.Sync()
}

// trim cuts off what a crash left behind the last good frame. It is called once,
// at open, when it is certain that nothing acknowledged is cut.
func (j *journal) trim() error {
	if j.leftover != "" {
		if err := j.fs.Remove(j.leftover); err != nil {
			return unavailable("the journal cannot be written", err)
		}
		if err := j.fs.SyncDir(j.dir); err != nil {
			return unavailable("the journal cannot be written", err)
		}
		j.leftover = ""
	}
	if j.torn > 0 {
		if err := j.heal(); err != nil {
			return unavailable("the journal cannot be written", err)
		}
		j.torn = 0
	}
	return nil
}

// settle makes certain that what was read at open is on the disk. A frame that a
// process wrote and died before syncing, or whose sync failed, is whole in the
// page cache and may be nowhere else; it must not be applied, witnessed, or built
// upon before it is. Linux may have marked its pages clean, so that a sync alone
// does nothing: the bytes are written again where they are. Only the last frame
// can be meant, for each is synced before the next is written; but a segment's
// name may be as new.
func (j *journal) settle() error {
	s := j.active()
	j.used = true
	f, err := s.open(j.fs, os.O_RDWR)
	if err != nil {
		return unavailable(s.name+" cannot be opened", err)
	}
	from := max(0, s.size-maxFrame)
	last := make([]byte, s.size-from)
	_, err = f.ReadAt(last, from)
	if err == nil || errors.Is(err, io.EOF) {
		_, err = f.WriteAt(last, from)
	}
	if err == nil {
		err = f.Sync()
	}
	for _, dir := range []string{j.dir, filepath.Dir(j.dir), filepath.Dir(filepath.Dir(j.dir))} {
		if err == nil {
			err = j.fs.SyncDir(dir)
		}
	}
	if err != nil {
		return unavailable("the end of the journal cannot be made durable", err)
	}
	return nil
}

// close closes the files. Nobody reads or writes any more.
func (j *journal) close() error {
	if j.used && j.fault == nil {
		_ = j.endRoom() // zeros that stay do no harm
	}
	var err error
	for _, s := range j.segs {
		if cerr := s.close(); err == nil {
			err = cerr
		}
	}
	return err
}
