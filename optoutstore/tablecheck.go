package optoutstore

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/table"
)

// Badger's own check of a table at open cannot be used: it runs in goroutines of
// Badger's in which a damaged footer ends the process (table.go, readNoFail) and
// a damaged block panics (table.go, block and VerifyChecksum), which nobody can
// recover. So the tables are checked here before Badger sees them, and Badger is
// told not to.
//
// A table is: blocks; index; length of the index, 4 bytes; checksum of the index;
// length of that checksum, 4 bytes. A block ends with its checksum and the
// checksum's length, 4 bytes. The index is a flatbuffer that lists the blocks
// (badger v4.9.6, table/builder.go).

// tableCheckers is how many tables are read at once.
const tableCheckers = 2

// checkTables verifies every table that the MANIFEST in dir names: all of it, or,
// of one that was verified before and is as it was then, its index only. It returns
// the stamps of all. Its error is errIndex.
func checkTables(dir string, opt badger.Options, before verifiedTables) (verifiedTables, error) {
	ids, err := manifestTables(dir, opt)
	if err != nil {
		return nil, err
	}
	stamps := make(verifiedTables, len(ids))
	for _, id := range ids {
		if s, ok := stampOf(dir, id); ok { // before it is read
			stamps[id] = s
		}
	}
	var wg sync.WaitGroup
	todo := make(chan uint64)
	errs := make(chan error, tableCheckers)
	for range tableCheckers {
		wg.Go(func() {
			var first error
			for id := range todo {
				if first == nil {
					first = checkTable(table.NewFilename(id, dir), !before.has(dir, id), nil)
				}
			}
			errs <- first
		})
	}
	for _, id := range ids {
		todo <- id
	}
	close(todo)
	wg.Wait()
	for range tableCheckers {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	return stamps, nil
}

// manifestTables are the numbers of the tables that the MANIFEST in dir names.
func manifestTables(dir string, opt badger.Options) (ids []uint64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: its MANIFEST is damaged", errIndex)
		}
	}()
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if err != nil {
		return nil, fmt.Errorf("%w: its MANIFEST cannot be read: %s", errIndex, scrub(err))
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, opt.ExternalMagicVersion, opt)
	if err != nil {
		return nil, fmt.Errorf("%w: its MANIFEST is damaged", errIndex)
	}
	for id := range m.Tables {
		ids = append(ids, id)
	}
	return ids, nil
}

// Bounds of what is read of a table at once, in bytes, whatever a damaged length
// says: a block has 4 KiB and at most one row more, an index some 2 % of its table.
const (
	maxBlock      = 1 << 20
	maxTableIndex = 64 << 20
)

// checkTable verifies the checksum of a table's index, and those of all blocks
// unless only the index is asked for, at p's pace. Its errors are errIndex, and
// p's.
func checkTable(name string, blocksToo bool, p *pacer) (err error) {
	damaged := fmt.Errorf("%w: the table %s is damaged", errIndex, filepath.Base(name))
	defer func() {
		if p := recover(); p != nil {
			err = damaged
		}
	}()
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%w: the table %s cannot be read: %s", errIndex, filepath.Base(name), scrub(err))
	}
	defer f.Close()
	ti, blocks, err := tableIndex(f)
	if err != nil {
		return damaged
	}
	if !blocksToo {
		return nil
	}
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, blocks), 1<<20)
	var buf []byte
	var at int64
	for i := range ti.OffsetsLength() {
		var b fb.BlockOffset
		if !ti.Offsets(&b, i) || int64(b.Offset()) != at || int64(b.Len()) > blocks-at || b.Len() > maxBlock {
			return damaged
		}
		n := int(b.Len())
		if err := p.took(n); err != nil {
			return err
		}
		if cap(buf) < n {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(in, buf[:n]); err != nil {
			return damaged
		}
		body, sum, ok := cutChecksum(buf[:n])
		if !ok || crc32.Checksum(body, castagnoli) != sum {
			return damaged
		}
		at += int64(n)
	}
	if at != blocks || at == 0 {
		return damaged
	}
	return nil
}

// tableIndex reads and verifies a table's index, and returns it with the number
// of bytes in front of it.
func tableIndex(f *os.File) (*fb.TableIndex, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	// The index's checksum is small: look at the last bytes first.
	size := info.Size()
	foot := make([]byte, min(size, 64))
	if _, err := f.ReadAt(foot, size-int64(len(foot))); err != nil {
		return nil, 0, err
	}
	body, sum, ok := cutChecksum(foot)
	if !ok || len(body) < 4 {
		return nil, 0, errIndex
	}
	length := int64(binary.BigEndian.Uint32(body[len(body)-4:]))
	end := size - int64(len(foot)-len(body)) - 4
	if length > end || length > maxTableIndex {
		return nil, 0, errIndex
	}
	index := make([]byte, length)
	if _, err := f.ReadAt(index, end-length); err != nil {
		return nil, 0, err
	}
	if crc32.Checksum(index, castagnoli) != sum {
		return nil, 0, errIndex
	}
	return fb.GetRootAsTableIndex(index, 0), end - length, nil
}

// cutChecksum cuts off what ends a block and an index: a checksum and its length.
// The checksum is protobuf: field 1 is the algorithm, absent for CRC32C, the only
// one that Badger writes here; field 2 the sum.
func cutChecksum(b []byte) (body []byte, sum uint32, ok bool) {
	if len(b) < 4 {
		return nil, 0, false
	}
	n := binary.BigEndian.Uint32(b[len(b)-4:])
	b = b[:len(b)-4]
	if uint64(n) > uint64(len(b)) {
		return nil, 0, false
	}
	body, text := b[:len(b)-int(n)], b[len(b)-int(n):]
	if len(text) == 0 {
		return body, 0, true // a sum of zero is not written
	}
	const sumField = 2 << 3 // field 2, varint: protobuf's tag is the field's number and type 0
	if text[0] != sumField {
		return nil, 0, false
	}
	v, m := binary.Uvarint(text[1:])
	return body, uint32(v), m == len(text)-1 && v <= 1<<32-1
}
