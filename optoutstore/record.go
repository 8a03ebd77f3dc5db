package optoutstore

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// A record is one event in the journal. Integers are big-endian.
//
//	offset size
//	     0    4  length of the record, this field included
//	     4    4  CRC32C of everything behind this field
//	     8    1  version of the record
//	     9    1  kind
//	    10    1  flags; bit 0: before this event the pair was in force and the
//	             backend not told of it
//	    11    8  number
//	    19    8  effective_at, microseconds since 1970 UTC, signed
//	    27    8  recorded_at, likewise
//	    35    8  position of the record before of the same pair, 0 for none; of a
//	             relay_from, the event behind which opt-outs are relayed
//	    43   32  hash of the record before in the journal
//	    75       realm, sender, phone, source, remote, request ID, actor: each a
//	             byte with its length and its bytes; then the reason: two bytes
//	             with its length and its bytes
//
// The hash of a record is the SHA-256 of all of its bytes.
const (
	recordVersion   = 1
	recordFixed     = 75
	recordOverhead  = recordFixed + 7 + 2
	recordCRCOffset = 4

	flagWasUntold = 1
)

// The longest fields that are stored, in bytes. They bound a record and so what
// a damaged length can make the reader allocate.
const (
	maxRealm     = 128
	maxSender    = phone.MaxSender
	maxSource    = 32
	maxRemote    = 64
	maxRequestID = 64
	maxActor     = 128
	maxReason    = 1024

	maxRecord = recordOverhead + maxRealm + maxSender + phone.MaxDigits + maxSource +
		maxRemote + maxRequestID + maxActor + maxReason
)

// errRecord: these bytes are not a whole, undamaged record.
var errRecord = errors.New("not a record")

// record is an event with its links.
type record struct {
	Event
	prev   uint64 // position of the record before of the same pair, 0 for none
	before Hash   // hash of the record before in the journal

	// wasUntold: before this event the pair was in force and the backend not told of
	// it. With the kind it says how the counts change, whatever else is known.
	wasUntold bool
}

// validate reports whether c, which asks for an event about a pair, can be
// stored, as ErrInvalid with the field's name.
func (c *Change) validate() error {
	if c.Phone.IsZero() {
		return fmt.Errorf("%w: it has no phone", ErrInvalid)
	}
	return c.validateFields(true)
}

// validateRealm is validate of a change that asks for an event about a realm.
func (c *Change) validateRealm() error {
	if !c.Phone.IsZero() || c.Sender != "" {
		return fmt.Errorf("%w: it is about a realm, and has a sender or a phone", ErrInvalid)
	}
	return c.validateFields(false)
}

func (c *Change) validateFields(sender bool) error {
	for _, f := range [...]struct {
		name     string
		n        int
		max      int
		required bool
	}{
		{"realm", len(c.Realm), maxRealm, true},
		{"sender", len(c.Sender), maxSender, sender},
		{"source", len(c.Source), maxSource, false},
		{"remote address", len(c.Remote), maxRemote, false},
		{"request ID", len(c.RequestID), maxRequestID, false},
		{"actor", len(c.Actor), maxActor, false},
		{"reason", len(c.Reason), maxReason, false},
	} {
		if f.required && f.n == 0 {
			return fmt.Errorf("%w: it has no %s", ErrInvalid, f.name)
		}
		if f.n > f.max {
			return fmt.Errorf("%w: its %s has %d bytes, at most %d are stored", ErrInvalid, f.name, f.n, f.max)
		}
	}
	if y := c.EffectiveAt.Year(); !c.EffectiveAt.IsZero() && (y < minYear || y > maxYear) {
		return fmt.Errorf("%w: its time is not between the years %d and %d", ErrInvalid, minYear, maxYear)
	}
	return nil
}

// The years of a time that is stored. Any fits the format; these are also what
// RFC 3339 can write.
const (
	minYear = 0
	maxYear = 9999
)

// appendRecord appends r's bytes to dst. The fields must be within their bounds.
func appendRecord(dst []byte, r *record) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0) // length and CRC, filled in below
	var flags byte
	if r.wasUntold {
		flags = flagWasUntold
	}
	link := r.prev
	if r.Kind == RelayFrom {
		link = r.From
	}
	dst = append(dst, recordVersion, byte(r.Kind), flags)
	dst = binary.BigEndian.AppendUint64(dst, r.Number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.EffectiveAt.UnixMicro()))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.RecordedAt.UnixMicro()))
	dst = binary.BigEndian.AppendUint64(dst, link)
	dst = append(dst, r.before[:]...)
	dst = appendShort(dst, r.Realm)
	dst = appendShort(dst, string(r.Sender))
	n := len(dst)
	dst = r.Phone.AppendDigits(append(dst, 0))
	dst[n] = byte(len(dst) - n - 1)
	dst = appendShort(dst, string(r.Source))
	dst = appendShort(dst, r.Remote)
	dst = appendShort(dst, r.RequestID)
	dst = appendShort(dst, r.Actor)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.Reason)))
	dst = append(dst, r.Reason...)

	b := dst[start:]
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	binary.BigEndian.PutUint32(b[recordCRCOffset:], crc32.Checksum(b[8:], castagnoli))
	return dst
}

func appendShort(dst []byte, s string) []byte {
	return append(append(dst, byte(len(s))), s...)
}

// hashRecord is the hash of the record whose bytes these are.
func hashRecord(b []byte) Hash { return sha256.Sum256(b) }

// recordLength is the length of the record at the beginning of b, in bytes.
func recordLength(b []byte) (int, error) {
	if len(b) < recordOverhead {
		return 0, errRecord
	}
	n := binary.BigEndian.Uint32(b)
	if n < recordOverhead || n > maxRecord {
		return 0, errRecord
	}
	return int(n), nil
}

// parseRecord reads the record that b is, whole. Its errors are errRecord and
// ErrNewerFormat.
func parseRecord(b []byte) (record, error) {
	n, err := recordLength(b)
	if err != nil || n != len(b) {
		return record{}, errRecord
	}
	if binary.BigEndian.Uint32(b[recordCRCOffset:]) != crc32.Checksum(b[8:], castagnoli) {
		return record{}, errRecord
	}
	if b[8] > recordVersion {
		return record{}, fmt.Errorf("%w: the journal has records of version %d, this program reads up to %d",
			ErrNewerFormat, b[8], recordVersion)
	}
	if b[8] != recordVersion {
		return record{}, errRecord
	}
	var r record
	r.Kind = Kind(b[9])
	r.wasUntold = b[10] == flagWasUntold
	r.Number = binary.BigEndian.Uint64(b[11:])
	r.EffectiveAt = microTime(int64(binary.BigEndian.Uint64(b[19:])))
	r.RecordedAt = microTime(int64(binary.BigEndian.Uint64(b[27:])))
	link := binary.BigEndian.Uint64(b[35:])
	copy(r.before[:], b[43:])

	f := fields{rest: string(b[recordFixed:])} // one allocation for all
	r.Realm = f.short(maxRealm)
	r.Sender = phone.Sender(f.short(maxSender))
	digits := f.short(phone.MaxDigits)
	r.Source = Source(f.short(maxSource))
	r.Remote = f.short(maxRemote)
	r.RequestID = f.short(maxRequestID)
	r.Actor = f.short(maxActor)
	r.Reason = f.take(int(f.byte())<<8|int(f.byte()), maxReason)
	if f.bad || f.rest != "" || b[10] > flagWasUntold {
		return record{}, errRecord
	}
	switch {
	case r.Kind.aboutPair():
		r.prev = link
		if r.Phone, err = phone.ParseNumber(digits); err != nil || r.Realm == "" || r.Sender == "" {
			return record{}, errRecord
		}
	case r.Kind == LossAccepted:
		if digits != "" || r.Realm != "" || r.Sender != "" || link != 0 || r.wasUntold {
			return record{}, errRecord
		}
	case r.Kind == RelayFrom:
		r.From = link
		if digits != "" || r.Realm == "" || r.Sender != "" || r.wasUntold {
			return record{}, errRecord
		}
	default:
		return record{}, errRecord
	}
	return r, nil
}

// fields cuts length-prefixed strings off rest. Once bad, it yields nothing more.
type fields struct {
	rest string
	bad  bool
}

func (f *fields) byte() byte {
	s := f.take(1, 1)
	if f.bad {
		return 0
	}
	return s[0]
}

func (f *fields) short(most int) string { return f.take(int(f.byte()), most) }

func (f *fields) take(n, most int) string {
	if f.bad || n > most || n > len(f.rest) {
		f.bad = true
		return ""
	}
	s := f.rest[:n]
	f.rest = f.rest[n:]
	return s
}

// microTime is the time of a stored number of microseconds.
func microTime(us int64) time.Time { return time.UnixMicro(us).UTC() }
