package optoutstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// createJournal makes the journal of a new store: one segment without an event.
func createJournal(fsys fsys, dir string, id ID, now time.Time) error {
	if err := makeDir(fsys, dir); err != nil {
		return unavailable(dir+" cannot be made", err)
	}
	s, err := createSegment(fsys, dir, segmentHead{id: id, first: 1, created: now})
	if err != nil {
		return unavailable("the journal cannot be begun", err)
	}
	if err := s.close(); err != nil {
		return unavailable("the journal cannot be begun", err)
	}
	return nil
}

// openJournal opens the journal in dir. It checks that the segments join without
// a gap, and every frame of the last; those of the older ones are checked by
// Verify, and by whatever reads them. It changes nothing: see trim. Its errors
// are ErrDamaged, ErrNewerFormat and ErrUnavailable.
func openJournal(fsys fsys, dir string, id ID, segmentSize int64, now func() time.Time) (*journal, error) {
	j, err := openDamagedJournal(fsys, dir, id, segmentSize, now, chain{})
	if err == nil && j.damage != nil {
		_ = j.close()
		return nil, j.damage
	}
	return j, err
}

// openDamagedJournal opens a journal that may be damaged in front of its newest
// segment, or in front of the place from within it, and says so in j.damage: who
// has an index that is whole up to from needs what is behind only.
func openDamagedJournal(fsys fsys, dir string, id ID, segmentSize int64, now func() time.Time, from chain) (*journal, error) {
	j := &journal{fs: fsys, dir: dir, id: id, segmentSize: segmentSize, now: now}
	firsts, err := listSegments(fsys, dir)
	if err != nil {
		return nil, unavailable("the journal cannot be read", err)
	}
	ok := false
	defer func() {
		if !ok {
			_ = j.close()
		}
	}()
	for i, first := range firsts {
		if err := j.openSegment(first, i == len(firsts)-1); err != nil {
			return nil, err
		}
	}
	if len(j.segs) == 0 {
		return nil, fmt.Errorf("%w: %s holds no segment", ErrDamaged, dir)
	}
	if err := j.findEnd(from); err != nil {
		return nil, err
	}
	if next := j.end.number + 1; j.leftover != "" && j.leftover != filepath.Join(dir, segmentName(next)) {
		return nil, fmt.Errorf("%w: %s was begun behind events that are missing; the journal ends with event %d",
			ErrDamaged, j.leftover, j.end.number)
	}
	ok = true
	return j, nil
}

// listSegments returns the numbers in the names of dir's segments, ascending.
func listSegments(fsys fsys, dir string) ([]uint64, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var firsts []uint64
	for _, e := range entries {
		if first, ok := segmentFirst(e.Name()); ok {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// openSegment reads a segment's header, checks that it joins the segment before,
// and adds it.
func (j *journal) openSegment(first uint64, last bool) error {
	s := &segment{name: filepath.Join(j.dir, segmentName(first))}
	f, err := s.open(j.fs, os.O_RDWR)
	if err != nil {
		return unavailable(s.name+" cannot be opened", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = s.close()
		return unavailable(s.name+" cannot be read", err)
	}
	s.size = info.Size()
	var b [segmentHeader]byte
	if _, err = f.ReadAt(b[:], 0); err != nil && !errors.Is(err, io.EOF) {
		_ = s.close()
		return unavailable(s.name+" cannot be read", err)
	}
	if s.segmentHead, err = parseSegmentHead(b[:]); err != nil {
		_ = s.close()
		if errors.Is(err, ErrNewerFormat) {
			return err
		}
		if last && len(j.segs) > 0 && s.size <= segmentHeader {
			// It was being created: there was nothing in it yet.
			j.leftover = s.name
			return nil
		}
		return j.without(s, last, fmt.Errorf("%w: the header of %s is damaged", ErrDamaged, s.name))
	}
	switch err := j.joins(s, first); {
	case err != nil && (s.id != j.id || s.first != first):
		_ = s.close()
		return j.without(s, last, err)
	case err != nil:
		j.found(err)
		j.wholeFrom = s.start
		if len(j.segs) > 0 && s.start < j.active().end() && s.start >= j.active().start+segmentHeader {
			j.active().size = int64(s.start - j.active().start)
		}
	}
	j.segs = append(j.segs, s)
	if !last {
		_ = s.close() // opened again when it is read; a long journal has many
	}
	return nil
}

// found notes that the journal is damaged.
func (j *journal) found(damage error) {
	if j.damage == nil {
		j.damage = damage
	}
}

// without leaves a segment out of a journal, unless it is the last, in which the
// newest events should be.
func (j *journal) without(s *segment, last bool, damage error) error {
	if last {
		return damage
	}
	j.found(damage)
	return nil
}

// joins checks that s, whose name says that it begins with event first, goes on
// where the segment before ended.
func (j *journal) joins(s *segment, first uint64) error {
	switch {
	case s.id != j.id:
		return fmt.Errorf("%w: %s belongs to the store %s, this is %s", ErrDamaged, s.name, s.id, j.id)
	case s.first != first:
		return fmt.Errorf("%w: %s begins with event %d by its header", ErrDamaged, s.name, s.first)
	case len(j.segs) == 0 && (s.first != 1 || s.start != 0 || s.before != Hash{}):
		return fmt.Errorf("%w: the segments before %s are missing: events 1 to %d", ErrDamaged, s.name, s.first-1)
	case len(j.segs) == 0:
		return nil
	}
	before := j.active()
	switch {
	case s.start > before.end():
		return fmt.Errorf("%w: between %s and %s, %d bytes are missing, of events %d to %d",
			ErrDamaged, before.name, s.name, s.start-before.end(), before.first, s.first-1)
	case s.start < before.end():
		return fmt.Errorf("%w: %s is longer than it was when %s was begun", ErrDamaged, before.name, s.name)
	}
	return nil
}

// findEnd reads the last segment to its end, if need be from the place from on.
func (j *journal) findEnd(from chain) error {
	s := j.active()
	f, err := s.open(j.fs, os.O_RDWR)
	if err != nil {
		return unavailable(s.name+" cannot be opened", err)
	}
	size := s.size
	j.end, err = scanFrames(f, s, s.begin(), size, nil)
	damage := err
	if errors.Is(err, errTorn) {
		damage, err = j.tornOrDamaged(f, size)
	}
	if errors.Is(damage, ErrDamaged) && from.position > j.end.position && from.position <= s.start+uint64(size) {
		j.found(damage)
		j.wholeFrom, j.resume = from.position, from
		j.spoiled.Store(true) // what is to come goes into a file that is whole
		j.end, err = scanFrames(f, s, from, size, nil)
		damage = err
		if errors.Is(err, errTorn) {
			damage, err = j.tornOrDamaged(f, size)
		}
	}
	s.size = int64(j.end.position - s.start)
	if err == nil {
		err = damage
	}
	return err
}

// tornOrDamaged tells what follows the last frame of the last segment, of that
// size, that could be read: zeros written ahead, the trace of a crash, or damage.
func (j *journal) tornOrDamaged(f file, size int64) (damage, err error) {
	s := j.active()
	whole := int64(j.end.position - s.start)
	zeros, err := onlyZeros(f, whole, size)
	if err != nil {
		return nil, unavailable(s.name+" cannot be read", err)
	}
	if zeros {
		s.room = size // written ahead
		return nil, nil
	}
	behind, err := frameBehind(f, j.id, whole+1, size)
	if err != nil {
		return nil, unavailable(s.name+" cannot be read", err)
	}
	if behind {
		return damagedAt(s, j.end), nil
	}
	j.torn = size - whole
	return nil, nil
}

// begin is the place behind the segment's header.
func (s *segment) begin() chain {
	return chain{number: s.first - 1, position: s.start + segmentHeader, hash: s.before}
}

// damagedAt is ErrDamaged for a frame of s that cannot be read, with more behind.
func damagedAt(s *segment, at chain) error {
	return fmt.Errorf("%w: %s, byte %d: the events behind %d cannot be read; "+
		"restore the file from a copy of the store", ErrDamaged, s.name, at.position-s.start, at.number)
}
