package optoutstore

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A frame is one write to the journal: the events of one group commit, which are
// durable together or not at all. Integers are big-endian.
//
//	offset size
//	     0    4  magic "SGfr"
//	     4    4  length of the frame, header included
//	     8    8  number of its first event
//	    16    4  count of its events
//	    20    4  CRC32C of the store ID, of the 20 bytes before and of everything
//	             behind
//	    24       the records, one behind the other
//
// The store ID is in the checksum so that nobody who can choose a field of an
// event can put bytes into it that pass for a frame.
const (
	frameHeader    = 24
	frameCRCOffset = 20

	// maxFrame bounds a frame, and so what a damaged length can make the reader
	// allocate, in bytes.
	maxFrame = 16 << 20
)

var frameMagic = [4]byte{'S', 'G', 'f', 'r'}

// frameHead is the header of a frame.
type frameHead struct {
	length int
	first  uint64
	count  uint32
	crc    uint32
}

// openFrame appends room for a header to dst; records are appended behind it.
func openFrame(dst []byte) []byte { return append(dst, make([]byte, frameHeader)...) }

// closeFrame fills in the header of the frame that b is.
func closeFrame(b []byte, id ID, first uint64, count int) {
	copy(b, frameMagic[:])
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)))
	binary.BigEndian.PutUint64(b[8:], first)
	binary.BigEndian.PutUint32(b[16:], uint32(count))
	binary.BigEndian.PutUint32(b[frameCRCOffset:], frameCRC(b, id))
}

// frameCRC is the checksum of the frame that b is.
func frameCRC(b []byte, id ID) uint32 {
	sum := crc32.Checksum(id[:], castagnoli)
	sum = crc32.Update(sum, castagnoli, b[:frameCRCOffset])
	return crc32.Update(sum, castagnoli, b[frameHeader:])
}

// parseFrameHead reads a frame's header, and whether it can be one.
func parseFrameHead(b []byte) (frameHead, bool) {
	if len(b) < frameHeader || !bytes.Equal(b[:4], frameMagic[:]) {
		return frameHead{}, false
	}
	h := frameHead{
		length: int(binary.BigEndian.Uint32(b[4:])),
		first:  binary.BigEndian.Uint64(b[8:]),
		count:  binary.BigEndian.Uint32(b[16:]),
		crc:    binary.BigEndian.Uint32(b[frameCRCOffset:]),
	}
	ok := h.length > frameHeader && h.length <= maxFrame && h.count > 0 && h.first > 0
	return h, ok
}

// wholeFrame reports whether b is an undamaged frame of the store from its first
// byte to its last.
func wholeFrame(b []byte, id ID) (frameHead, bool) {
	h, ok := parseFrameHead(b)
	return h, ok && h.length == len(b) && h.crc == frameCRC(b, id)
}

// eachRecord calls fn with the bytes of each record of the whole frame b, and
// their offset in it. Its errors are errRecord and fn's.
func eachRecord(b []byte, h frameHead, fn func(offset int, record []byte) error) error {
	off := frameHeader
	for range h.count {
		n, err := recordLength(b[off:])
		if err != nil || n > len(b)-off {
			return errRecord
		}
		if err := fn(off, b[off:off+n]); err != nil {
			return err
		}
		off += n
	}
	if off != len(b) {
		return errRecord
	}
	return nil
}
