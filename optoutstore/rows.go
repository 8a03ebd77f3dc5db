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
//	       1  1  bit 0: in force, else lifted; bit 1: the backend was told of it
//	       2  8  number of the event that made it so, in force or lifted
//	      10  8  effective_at of that event, microseconds since 1970 UTC, signed
//	      18  8  recorded_at, likewise
//	      26  8  number of the pair's newest event of any kind
//	      34  8  position of the newest event's record in the journal
//	      42  4  CRC32C
//
//	count, total:
//	       0  1  version
//	       1  8  opt-outs in force
//	       9  8  those of them that the backend has not been told of
//	      17  8  pairs that ever had an opt-out: all that have a row
//	      25  8  number of the newest event that is counted
//	      33  4  CRC32C
//
//	relay: 0  1  version
//	       1  8  number of the event behind which opt-outs are relayed
//	       9  8  number of the event that says so
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

	pairRowSize    = 46
	countRowSize   = 37
	relayRowSize   = 21
	appliedRowSize = 69
)

// errRow: a value is damaged.
var errRow = errors.New("a row of the index is damaged")

// The bits of a pair's row.
const (
	rowInForce = 1 << iota
	rowTold
)

// row is the value of a pair: its state and where the journal says why. The zero
// row is that of a pair without events.
type row struct {
	inForce   bool
	told      bool   // only where in force
	number    uint64 // of the newest opt-out or lift
	effective int64  // of that event, microseconds since 1970 UTC
	recorded  int64
	last      uint64 // number of the newest event of any kind
	position  uint64 // of that event's record
}

// untold reports whether the backend has to be told of the pair's opt-out.
func (r row) untold() bool { return r.inForce && !r.told }

// state is the row as callers see it.
func (r row) state(p Pair) State {
	return State{
		Pair:        p,
		InForce:     r.inForce,
		Number:      r.number,
		EffectiveAt: microTime(r.effective),
		RecordedAt:  microTime(r.recorded),
		Told:        r.told,
		Last:        r.last,
	}
}

func appendPairRow(dst, key []byte, r row) []byte {
	start := len(dst)
	var bits byte
	if r.inForce {
		bits |= rowInForce
	}
	if r.told {
		bits |= rowTold
	}
	dst = append(dst, rowVersion, bits)
	dst = binary.BigEndian.AppendUint64(dst, r.number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.effective))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.recorded))
	dst = binary.BigEndian.AppendUint64(dst, r.last)
	dst = binary.BigEndian.AppendUint64(dst, r.position)
	return appendRowCRC(dst, start, key)
}

// parsePairRow reads a pair's value. Its errors are errRow and ErrNewerFormat.
func parsePairRow(key, v []byte) (row, error) {
	if err := checkRow(key, v, pairRowSize); err != nil {
		return row{}, err
	}
	if v[1] > rowInForce|rowTold || v[1] == rowTold {
		return row{}, errRow
	}
	return row{
		inForce:   v[1]&rowInForce != 0,
		told:      v[1]&rowTold != 0,
		number:    binary.BigEndian.Uint64(v[2:]),
		effective: int64(binary.BigEndian.Uint64(v[10:])),
		recorded:  int64(binary.BigEndian.Uint64(v[18:])),
		last:      binary.BigEndian.Uint64(v[26:]),
		position:  binary.BigEndian.Uint64(v[34:]),
	}, nil
}

// tally counts opt-outs.
type tally struct {
	inForce uint64
	untold  uint64 // those of them that the backend has not been told of
	pairs   uint64 // pairs that have a row, in force or lifted
}

func (t *tally) add(by delta) {
	t.inForce += uint64(by.inForce) // wraps back for -1
	t.untold += uint64(by.untold)
	t.pairs += uint64(by.pairs)
}

// countRow is how many opt-outs there are, after the event asOf. Events up to
// asOf are in it, so that applying an event twice counts it once.
type countRow struct {
	tally
	asOf uint64
}

func appendCountRow(dst, key []byte, r countRow) []byte {
	start := len(dst)
	dst = append(dst, rowVersion)
	dst = binary.BigEndian.AppendUint64(dst, r.inForce)
	dst = binary.BigEndian.AppendUint64(dst, r.untold)
	dst = binary.BigEndian.AppendUint64(dst, r.pairs)
	dst = binary.BigEndian.AppendUint64(dst, r.asOf)
	return appendRowCRC(dst, start, key)
}

func parseCountRow(key, v []byte) (countRow, error) {
	if err := checkRow(key, v, countRowSize); err != nil {
		return countRow{}, err
	}
	return countRow{
		tally: tally{
			inForce: binary.BigEndian.Uint64(v[1:]),
			untold:  binary.BigEndian.Uint64(v[9:]),
			pairs:   binary.BigEndian.Uint64(v[17:]),
		},
		asOf: binary.BigEndian.Uint64(v[25:]),
	}, nil
}

// relayRow says from where on a realm's opt-outs are relayed.
type relayRow struct {
	from   uint64 // opt-outs behind this event are
	number uint64 // of the event that says so
}

func appendRelayRow(dst, key []byte, r relayRow) []byte {
	start := len(dst)
	dst = append(dst, rowVersion)
	dst = binary.BigEndian.AppendUint64(dst, r.from)
	dst = binary.BigEndian.AppendUint64(dst, r.number)
	return appendRowCRC(dst, start, key)
}

func parseRelayRow(key, v []byte) (relayRow, error) {
	if err := checkRow(key, v, relayRowSize); err != nil {
		return relayRow{}, err
	}
	return relayRow{from: binary.BigEndian.Uint64(v[1:]), number: binary.BigEndian.Uint64(v[9:])}, nil
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
