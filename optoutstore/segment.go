package optoutstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A segment is one file of the journal, named for the number of its first event
// in 20 digits. It begins with a header, integers big-endian:
//
//	offset size
//	     0    8  magic "SGjrnl\r\n"
//	     8    2  version of the segment
//	    10    2  reserved, zero
//	    12   16  store ID
//	    28    8  number of its first event
//	    36    8  position of the header's first byte in the whole journal
//	    44   32  hash of the event before its first, zero where there is none
//	    76    8  created, microseconds since 1970 UTC, signed
//	    84    4  CRC32C of the 84 bytes before
//
// and goes on with frames to the end of the file, or, in the last segment, to the
// zeros that were written ahead: see makeRoom.
const (
	segmentVersion   = 1
	segmentHeader    = 88
	segmentCRCOffset = 84
	segmentSuffix    = ".seg"

	// defaultSegmentSize is the size from which on a new segment is begun, in
	// bytes. A segment is longer by at most one frame.
	defaultSegmentSize = 64 << 20
)

var segmentMagic = [8]byte{'S', 'G', 'j', 'r', 'n', 'l', '\r', '\n'}

// segmentHead is the header of a segment.
type segmentHead struct {
	id      ID
	first   uint64 // number of the first event
	start   uint64 // position of the header
	before  Hash   // hash of the event before the first
	created time.Time
}

// segment is a file of the journal.
type segment struct {
	segmentHead
	name string // full path
	size int64  // bytes that hold whole frames; behind them is nothing that counts

	// Of the active segment, and the writer's: up to where the file has zeros behind
	// its frames, if that is more than size, and that the disk had no space for more.
	room   int64
	noRoom bool

	mu sync.Mutex
	f  file // what it is written through, opened when needed
}

// end is the position behind the segment's last byte.
func (s *segment) end() uint64 { return s.start + uint64(s.size) }

// attached returns an error unless the open file is the one that its name leads
// to. What is written to a file that was removed is gone with the process, however
// well it is synced.
func (s *segment) attached(fsys fsys) error {
	s.mu.Lock()
	f := s.f
	s.mu.Unlock()
	if own, ok := f.(osFile); ok && leadsTo(own.File, s.name) {
		return nil
	}
	open, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := fsys.Stat(s.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && os.SameFile(open, open) && !os.SameFile(open, named) {
		return fmt.Errorf("%s was removed, replaced or unmounted while the store is open; put the directory back", s.name)
	}
	return err
}

// open returns the segment's file, opening it if it is not.
func (s *segment) open(fsys fsys, flag int) (file, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f != nil {
		return s.f, nil
	}
	f, err := fsys.OpenFile(s.name, flag, filePerm)
	if err != nil {
		return nil, err
	}
	s.f = f
	return f, nil
}

// read returns a file to read the segment from, and what is called when that is
// done. Those that were written to since the open, one for every 64 MiB, are open
// anyway; the older ones, which may be many, are open only while they are read.
func (s *segment) read(fsys fsys) (file, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f != nil {
		return s.f, func() {}, nil
	}
	f, err := fsys.OpenFile(s.name, os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil
}

func (s *segment) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	return f.Close()
}

func appendSegmentHead(dst []byte, h segmentHead) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic[:]...)
	dst = binary.BigEndian.AppendUint16(dst, segmentVersion)
	dst = append(dst, 0, 0)
	dst = append(dst, h.id[:]...)
	dst = binary.BigEndian.AppendUint64(dst, h.first)
	dst = binary.BigEndian.AppendUint64(dst, h.start)
	dst = append(dst, h.before[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.created.UnixMicro()))
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseSegmentHead reads a header. Its errors are errRecord and ErrNewerFormat.
func parseSegmentHead(b []byte) (segmentHead, error) {
	if len(b) < segmentHeader || !bytes.Equal(b[:8], segmentMagic[:]) ||
		binary.BigEndian.Uint32(b[segmentCRCOffset:]) != crc32.Checksum(b[:segmentCRCOffset], castagnoli) {
		return segmentHead{}, errRecord
	}
	if v := binary.BigEndian.Uint16(b[8:]); v > segmentVersion {
		return segmentHead{}, fmt.Errorf("%w: the journal has segments of version %d, this program reads up to %d",
			ErrNewerFormat, v, segmentVersion)
	} else if v != segmentVersion {
		return segmentHead{}, errRecord
	}
	var h segmentHead
	copy(h.id[:], b[12:])
	h.first = binary.BigEndian.Uint64(b[28:])
	h.start = binary.BigEndian.Uint64(b[36:])
	copy(h.before[:], b[44:])
	h.created = microTime(int64(binary.BigEndian.Uint64(b[76:])))
	return h, nil
}

// segmentName is the file name of the segment whose first event has that number.
func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// segmentFirst is the number in a segment's file name, and whether it is one.
func segmentFirst(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

// createSegment makes a segment with nothing but its header, durably. A left-over
// of an attempt that failed, which holds no frame, is replaced.
func createSegment(fsys fsys, dir string, h segmentHead) (*segment, error) {
	s := &segment{segmentHead: h, name: filepath.Join(dir, segmentName(h.first)), size: segmentHeader}
	if info, err := fsys.Stat(s.name); err == nil && info.Size() > segmentHeader {
		return nil, fmt.Errorf("%w: %s is there already", ErrDamaged, s.name)
	}
	f, err := fsys.OpenFile(s.name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, filePerm)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteAt(appendSegmentHead(nil, h), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		_ = f.Close()
		_ = fsys.Remove(s.name)
		return nil, err
	}
	s.f = f
	return s, nil
}
