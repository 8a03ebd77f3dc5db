package optoutstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The values of the index. Integers are big-endian; each value begins with its
// version and ends with a CRC32C of its key and of all of its bytes before, so
// that a value that strayed to another key shows as well.
//
//	pair:  0  1  version
//	       1  1  1 in force, 0 lifted
//	       2  8  number of the event that made it so
//	      10  8  position of that event's record in the journal
//	      18  8  effective_at of that event, microseconds since 1970 UTC, signed
//	      26  8  recorded_at, likewise
//	      34  4  CRC32C
//
//	count, total:
//	       0  1  version
//	       1  8  opt-outs in force
//	       9  8  number of the newest event that is counted
//	      17  4  CRC32C
//
//	applied:
//	       0  1  version
//	       1 16  store ID
//	      17  8  number of the newest event applied
//	      25  8  position behind its frame
//	      33 32  its hash
//	      65  4  CRC32C
const (
	rowVersion = 1

	pairRowSize    = 38
	countRowSize   = 21
	appliedRowSize = 69
)

// errRow: a value is damaged.
var errRow = errors.New("a row of the index is damaged")

// row is the value of a pair: its state and where the journal says why.
type row struct {
	inForce   bool
	number    uint64
	position  uint64
	effective int64 // microseconds since 1970 UTC
	recorded  int64
}

// state is the row as callers see it.
func (r row) state(p Pair) State {
	return State{
		Pair:        p,
		InForce:     r.inForce,
		Number:      r.number,
		EffectiveAt: microTime(r.effective),
		RecordedAt:  microTime(r.recorded),
	}
}

func appendPairRow(dst, key []byte, r row) []byte {
	start := len(dst)
	force := byte(0)
	if r.inForce {
		force = 1
	}
	dst = append(dst, rowVersion, force)
	dst = binary.BigEndian.AppendUint64(dst, r.number)
	dst = binary.BigEndian.AppendUint64(dst, r.position)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.effective))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.recorded))
	return appendRowCRC(dst, start, key)
}

// parsePairRow reads a pair's value. Its errors are errRow and ErrNewerFormat.
func parsePairRow(key, v []byte) (row, error) {
	if err := checkRow(key, v, pairRowSize); err != nil {
		return row{}, err
	}
	if v[1] > 1 {
		return row{}, errRow
	}
	return row{
		inForce:   v[1] == 1,
		number:    binary.BigEndian.Uint64(v[2:]),
		position:  binary.BigEndian.Uint64(v[10:]),
		effective: int64(binary.BigEndian.Uint64(v[18:])),
		recorded:  int64(binary.BigEndian.Uint64(v[26:])),
	}, nil
}

// countRow is how many opt-outs are in force, after the event asOf. Events up to
// asOf are in it, so that applying an event twice counts it once.
type countRow struct {
	count, asOf uint64
}

func appendCountRow(dst, key []byte, r countRow) []byte {
	start := len(dst)
	dst = append(dst, rowVersion)
	dst = binary.BigEndian.AppendUint64(dst, r.count)
	dst = binary.BigEndian.AppendUint64(dst, r.asOf)
	return appendRowCRC(dst, start, key)
}

func parseCountRow(key, v []byte) (countRow, error) {
	if err := checkRow(key, v, countRowSize); err != nil {
		return countRow{}, err
	}
	return countRow{count: binary.BigEndian.Uint64(v[1:]), asOf: binary.BigEndian.Uint64(v[9:])}, nil
}

// appliedRow says up to where a store's events are in the index.
type appliedRow struct {
	store ID
	chain
}

func appendAppliedRow(dst []byte, r appliedRow) []byte {
	start := len(dst)
	dst = append(dst, rowVersion)
	dst = append(dst, r.store[:]...)
	dst = binary.BigEndian.AppendUint64(dst, r.number)
	dst = binary.BigEndian.AppendUint64(dst, r.position)
	dst = append(dst, r.hash[:]...)
	return appendRowCRC(dst, start, appliedKey)
}

func parseAppliedRow(v []byte) (appliedRow, error) {
	var r appliedRow
	if err := checkRow(appliedKey, v, appliedRowSize); err != nil {
		return r, err
	}
	copy(r.store[:], v[1:])
	r.number = binary.BigEndian.Uint64(v[17:])
	r.position = binary.BigEndian.Uint64(v[25:])
	copy(r.hash[:], v[33:])
	return r, nil
}

// appendRowCRC ends the value that begins at start.
func appendRowCRC(dst []byte, start int, key []byte) []byte {
	return binary.BigEndian.AppendUint32(dst, rowCRC(key, dst[start:]))
}

func rowCRC(key, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body)
}

// checkRow checks a value's checksum, version and size.
func checkRow(key, v []byte, size int) error {
	if len(v) < 5 || binary.BigEndian.Uint32(v[len(v)-4:]) != rowCRC(key, v[:len(v)-4]) {
		return errRow
	}
	if v[0] > rowVersion {
		return fmt.Errorf("%w: the index has rows of version %d, this program reads up to %d",
			ErrNewerFormat, v[0], rowVersion)
	}
	if v[0] != rowVersion || len(v) != size {
		return errRow
	}
	return nil
}
