package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
)

// first is the place in front of event 1.
func (j *journal) first() chain {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if s := j.segs[0]; s.first != 1 {
		return chain{} // the segments before it are missing: a scan says so
	}
	return j.segs[0].begin()
}

// scan reads all committed events behind at, oldest first, checking everything.
// Its errors are ErrDamaged, ErrNewerFormat, ErrUnavailable, ctx's and visit's.
func (j *journal) scan(ctx context.Context, at chain, visit visitor) (chain, error) {
	return j.scanTo(ctx, at, math.MaxUint64, visit)
}

// scanTo is scan up to the position to, the end of a frame: more may be committed
// meanwhile.
func (j *journal) scanTo(ctx context.Context, at chain, to uint64, visit visitor) (chain, error) {
	j.mu.RLock()
	segs := j.segs
	last := j.segs[len(j.segs)-1].size
	j.mu.RUnlock()
	i := sort.Search(len(segs), func(i int) bool { return segs[i].start > at.position }) - 1
	if i < 0 {
		return at, fmt.Errorf("%w: there is no position %d", ErrDamaged, at.position)
	}
	for ; i < len(segs) && segs[i].start < to; i++ {
		s, size := segs[i], last
		if i < len(segs)-1 {
			size = s.size
		}
		if to < s.start+uint64(size) {
			size = int64(to - s.start)
		}
		if at.position > s.start+uint64(size) {
			return at, fmt.Errorf("%w: %s ends in front of position %d", ErrDamaged, s.name, at.position)
		}
		if at.position <= s.start {
			begin := s.begin()
			if at.number != begin.number || at.hash != begin.hash {
				return at, fmt.Errorf("%w: %s does not follow event %d", ErrDamaged, s.name, at.number)
			}
			at = begin
		}
		var err error
		if at, err = j.scanSegment(ctx, s, at, size, visit); err != nil {
			return at, err
		}
	}
	return at, nil
}

// scanSegment reads the frames of s from at up to its byte size.
func (j *journal) scanSegment(ctx context.Context, s *segment, at chain, size int64, visit visitor) (chain, error) {
	f, done, err := s.read(j.fs)
	if err != nil {
		return at, unavailable(s.name+" cannot be opened", err)
	}
	defer done()
	seen := 0
	at, err = scanFrames(f, s, at, size, func(position uint64, r *record, hash Hash) error {
		if seen++; seen%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if visit == nil {
			return nil
		}
		return visit(position, r, hash)
	})
	if errors.Is(err, errTorn) {
		return at, damagedAt(s, at)
	}
	return at, err
}

// record reads the record at position. It is checked by its own checksum.
func (j *journal) record(position uint64) (record, error) {
	s := j.segmentAt(position)
	if s == nil {
		return record{}, fmt.Errorf("%w: there is no position %d", ErrDamaged, position)
	}
	f, done, err := s.read(j.fs)
	if err != nil {
		return record{}, unavailable(s.name+" cannot be opened", err)
	}
	defer done()
	var buf [maxRecord]byte
	n, err := f.ReadAt(buf[:], int64(position-s.start))
	if err != nil && !errors.Is(err, io.EOF) {
		return record{}, unavailable(s.name+" cannot be read", err)
	}
	length, err := recordLength(buf[:n])
	if err == nil && length > n {
		err = errRecord
	}
	var r record
	if err == nil {
		r, err = parseRecord(buf[:length])
	}
	if errors.Is(err, errRecord) {
		err = fmt.Errorf("%w: %s, byte %d: no event stands there", ErrDamaged, s.name, position-s.start)
	}
	return r, err
}

// segmentAt is the segment that position lies in, nil if there is none.
func (j *journal) segmentAt(position uint64) *segment {
	j.mu.RLock()
	defer j.mu.RUnlock()
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].start > position }) - 1
	if i < 0 || position >= j.segs[i].end() {
		return nil
	}
	return j.segs[i]
}

// errFound ends a scan.
var errFound = errors.New("found")

// hashOf is the hash of the event of that number, which the journal holds.
func (j *journal) hashOf(number uint64) (Hash, error) {
	if number == j.end.number {
		return j.end.hash, nil
	}
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].first > number+1 }) - 1
	s := j.segs[max(i, 0)]
	if number+1 == s.first {
		return s.before, nil
	}
	at := s.begin()
	if j.resume.position > s.start && j.resume.number <= number {
		at = j.resume
	}
	if number == at.number {
		return at.hash, nil
	}
	var found Hash
	_, err := j.scanSegment(context.Background(), s, at, s.size, func(_ uint64, r *record, hash Hash) error {
		if r.Number != number {
			return nil
		}
		found = hash
		return errFound
	})
	if errors.Is(err, errFound) {
		return found, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: %s does not hold event %d", ErrDamaged, s.name, number)
	}
	return Hash{}, err
}

// has reports whether at is a place in the journal: whether it is the end, or the
// event behind it begins there and follows the one in front of it. It reads one
// record. The copy of a store that went another way has none of the other's places
// behind the one where they parted.
func (j *journal) has(at chain) (bool, error) {
	if at.number >= j.end.number {
		return at.number == j.end.number && at.hash == j.end.hash, nil
	}
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].start > at.position }) - 1
	if i < 0 {
		return false, nil
	}
	s := j.segs[i]
	if at.position <= s.start {
		begin := s.begin()
		return at.number == begin.number && at.hash == begin.hash, nil
	}
	r, err := j.record(at.position + frameHeader)
	if errors.Is(err, ErrDamaged) {
		return false, nil
	}
	return err == nil && r.Number == at.number+1 && r.before == at.hash, err
}
