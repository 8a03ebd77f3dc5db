package optoutstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// chain is a place between two frames of the journal.
type chain struct {
	number   uint64 // of the event before the place, 0 at the very beginning
	position uint64 // of the place, in bytes from the beginning of the journal
	hash     Hash   // of the event before the place, zero at the very beginning
}

// errTorn: a frame is cut short or damaged, so that reading cannot go on.
var errTorn = errors.New("a frame is cut short or damaged")

// scanBuffer is how much is read at once, in bytes.
const scanBuffer = 256 << 10

// visitor is called for each event with the position of its record and its hash.
type visitor func(position uint64, r *record, hash Hash) error

// scanFrames reads the frames of s from at, which lies in it, up to its byte to,
// and checks everything that can be checked: checksums, numbers, the chain of
// hashes. It returns the place behind the last good frame. Its errors are
// errTorn, ErrDamaged for a whole frame that does not follow, ErrNewerFormat,
// ErrUnavailable, and visit's. A nil visit only checks.
func scanFrames(r io.ReaderAt, s *segment, at chain, to int64, visit visitor) (chain, error) {
	from := int64(at.position - s.start)
	in := bufio.NewReaderSize(io.NewSectionReader(r, from, to-from), scanBuffer)
	var buf []byte
	for from < to {
		head, err := in.Peek(frameHeader)
		if err != nil && !errors.Is(err, io.EOF) {
			return at, unavailable(s.name+" cannot be read", err)
		}
		h, ok := parseFrameHead(head)
		if !ok || int64(h.length) > to-from {
			return at, errTorn
		}
		if cap(buf) < h.length {
			buf = make([]byte, h.length)
		}
		buf = buf[:h.length]
		if _, err := io.ReadFull(in, buf); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return at, errTorn
			}
			return at, unavailable(s.name+" cannot be read", err)
		}
		if _, ok := wholeFrame(buf, s.id); !ok {
			return at, errTorn
		}
		if at, err = scanFrame(buf, h, s, at, visit); err != nil {
			return at, err
		}
		from += int64(h.length)
	}
	return at, nil
}

// scanFrame reads the events of one whole frame that begins at at.
func scanFrame(b []byte, h frameHead, s *segment, at chain, visit visitor) (chain, error) {
	next := at
	err := eachRecord(b, h, func(off int, raw []byte) error {
		rec, err := parseRecord(raw)
		if err != nil {
			return err
		}
		if rec.Number != next.number+1 || rec.before != next.hash {
			return errRecord
		}
		next.number, next.hash = rec.Number, hashRecord(raw)
		if visit == nil {
			return nil
		}
		return visit(at.position+uint64(off), &rec, next.hash)
	})
	if err == nil && h.first != at.number+1 {
		err = errRecord
	}
	if errors.Is(err, errRecord) {
		return at, fmt.Errorf("%w: %s, byte %d: what stands there does not follow event %d",
			ErrDamaged, s.name, at.position-s.start, next.number)
	}
	if err != nil {
		return at, err
	}
	next.position = at.position + uint64(h.length)
	return next, nil
}

// frameBehind reports whether a whole frame of the store begins anywhere in the
// bytes from..to of r: then what is in front of it was once acknowledged, and is
// not the end that a crash tore.
func frameBehind(r io.ReaderAt, id ID, from, to int64) (bool, error) {
	buf := make([]byte, scanBuffer)
	for from+frameHeader <= to {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if n < frameHeader {
			return false, nil
		}
		for off := 0; ; off++ {
			i := bytes.Index(buf[off:n], frameMagic[:])
			if i < 0 {
				break
			}
			off += i
			whole, err := frameAt(r, id, from+int64(off), to)
			if whole || err != nil {
				return whole, err
			}
		}
		// A magic may straddle two reads.
		from += int64(n - len(frameMagic) + 1)
	}
	return false, nil
}

// frameAt reports whether a whole frame of the store begins at byte off of r and
// ends before byte to.
func frameAt(r io.ReaderAt, id ID, off, to int64) (bool, error) {
	var head [frameHeader]byte
	if to-off < frameHeader {
		return false, nil
	}
	if _, err := r.ReadAt(head[:], off); err != nil {
		return false, err
	}
	h, ok := parseFrameHead(head[:])
	if !ok || int64(h.length) > to-off {
		return false, nil
	}
	b := make([]byte, h.length)
	if _, err := r.ReadAt(b, off); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	_, ok = wholeFrame(b, id)
	return ok, nil
}
