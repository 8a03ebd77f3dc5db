package optoutstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
)

// before is a place in front of the event behind event number, not far: the
// beginning of its segment.
func (j *journal) before(number uint64) chain {
	j.mu.RLock()
	defer j.mu.RUnlock()
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].first > number+1 }) - 1
	return j.segs[max(i, 0)].begin()
}

// walk calls fn for each event from from, which may lie between any two events, up
// to the end of a frame that was committed, with the place behind the event. It
// reads what was written, event by event, without the frames' checksums: each
// record has its own, and the chain of hashes holds them together. Its errors are
// ErrDamaged, ErrNewerFormat, ErrUnavailable and fn's.
func (j *journal) walk(from, end chain, fn func(r *record, behind chain) error) error {
	j.mu.RLock()
	segs := j.segs
	j.mu.RUnlock()
	i := sort.Search(len(segs), func(i int) bool { return segs[i].start > from.position }) - 1
	for at := from; at.number < end.number; i++ {
		if i < 0 || i >= len(segs) {
			return fmt.Errorf("%w: there is no event behind %d", ErrDamaged, at.number)
		}
		s := segs[i]
		if at.position <= s.start {
			if begin := s.begin(); at.number != begin.number || at.hash != begin.hash {
				return fmt.Errorf("%w: %s does not follow event %d", ErrDamaged, s.name, at.number)
			}
			at = s.begin()
		}
		to := end.position
		if i+1 < len(segs) {
			to = min(to, segs[i+1].start)
		}
		var err error
		if at, err = j.walkSegment(s, at, to, fn); err != nil {
			return err
		}
	}
	return nil
}

// walkSegment walks the events of s from from up to the position to, and returns
// the place there.
func (j *journal) walkSegment(s *segment, at chain, to uint64, fn func(r *record, behind chain) error) (chain, error) {
	f, done, err := s.read(j.fs)
	if err != nil {
		return at, unavailable(s.name+" cannot be opened", err)
	}
	defer done()
	if at.position > to {
		return at, damagedAt(s, at)
	}
	in := bufio.NewReaderSize(io.NewSectionReader(f, int64(at.position-s.start), int64(to-at.position)), scanBuffer)
	for pos := at.position; pos < to; {
		// What is shorter is neither a record nor a frame with one.
		head, err := in.Peek(recordOverhead)
		if err != nil {
			return at, walkError(s, at, err)
		}
		// No record begins like a frame: its length would be above a thousand million.
		n := frameHeader
		if !bytes.Equal(head[:len(frameMagic)], frameMagic[:]) {
			if n, err = recordLength(head); err != nil {
				return at, damagedAt(s, at)
			}
			raw, err := in.Peek(n)
			if err != nil {
				return at, walkError(s, at, err)
			}
			r, err := parseRecord(raw)
			if errors.Is(err, errRecord) || err == nil && (r.Number != at.number+1 || r.before != at.hash) {
				return at, damagedAt(s, at)
			}
			if err != nil {
				return at, err
			}
			next := chain{number: r.Number, position: pos + uint64(n), hash: hashRecord(raw)}
			if err := fn(&r, next); err != nil {
				return at, err
			}
			at = next
		}
		if _, err := in.Discard(n); err != nil {
			return at, walkError(s, at, err)
		}
		pos += uint64(n)
	}
	return at, nil
}

// walkError is what an error of reading s behind at means.
func walkError(s *segment, at chain, err error) error {
	if errors.Is(err, io.EOF) {
		return damagedAt(s, at)
	}
	return unavailable(s.name+" cannot be read", err)
}
