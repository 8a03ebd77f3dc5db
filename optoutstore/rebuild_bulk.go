package optoutstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// bulkBuild makes an index in dir, which must not exist, of all events up to end:
// they are read in order and checked, sorted by pair, folded into rows, and the
// rows written straight into tables. Nobody reads or writes it meanwhile.
func (d *Durable) bulkBuild(ctx context.Context, dir string, end chain, room func(uint64) error) error {
	s := newSorter(d.o.Dir, d.o.sortMemory, room)
	defer s.close()
	relays, err := d.sortEvents(ctx, s, end)
	if err != nil {
		return err
	}
	b, err := newBulkIndex(&d.o, dir, room)
	if err != nil {
		return err
	}
	b.relays = relays
	if err := d.foldEvents(ctx, s, b); err != nil {
		b.abort()
		return err
	}
	return b.finish(appliedRow{d.id, end})
}

// sortEvents gives all events up to end that are about a pair to s, and returns
// what the others say of the realms.
func (d *Durable) sortEvents(ctx context.Context, s *sorter, end chain) (map[string]relayRow, error) {
	var buf keyBuffer
	var payload [foldPayload]byte
	relays := map[string]relayRow{}
	told := time.Now()
	at, err := d.journal.scanTo(ctx, d.journal.first(), end.position, func(position uint64, r *record, _ Hash) error {
		if r.Number%lookEvery == 0 && time.Since(told) >= progressEvery {
			told = time.Now()
			d.log.Info("building the index: reading the journal", "event", r.Number, "of", end.number)
		}
		switch {
		case r.Kind == RelayFrom:
			relays[r.Realm] = relayRow{from: r.From, number: r.Number}
			return nil
		case !r.Kind.aboutPair():
			return nil
		}
		return s.add(appendPairKey(buf[:0], r.Phone, r.Realm, r.Sender), r.Number, appendStep(payload[:0], stepOf(r, position), r.prev))
	})
	if err != nil {
		return nil, err
	}
	if at.number != end.number || at.hash != end.hash {
		return nil, fmt.Errorf("%w: it ends with event %d, not %d", ErrDamaged, at.number, end.number)
	}
	return relays, nil
}

// foldEvents writes for each pair in s the row that its events leave.
func (d *Durable) foldEvents(ctx context.Context, s *sorter, b *bulkIndex) error {
	told := time.Now()
	return eachFolded(ctx, s, func(key []byte, p Pair, r row) error {
		if b.pairs%lookEvery == 0 && time.Since(told) >= progressEvery {
			told = time.Now()
			d.log.Info("building the index: writing it", "pairs", b.pairs, "events", s.seen)
		}
		return b.add(key, p, r)
	})
}

// eachFolded calls fn for each pair in s with its row, in the order of the keys.
func eachFolded(ctx context.Context, s *sorter, fn func(key []byte, p Pair, r row) error) error {
	var key []byte
	var now row
	done := func() error {
		if len(key) == 0 {
			return nil
		}
		p, err := parsePairKey(key)
		if err != nil {
			return errRun
		}
		return fn(key, p, now)
	}
	err := s.each(ctx, func(e sortEntry) error {
		if string(key) != string(e.key) {
			if err := done(); err != nil {
				return err
			}
			key, now = append(key[:0], e.key...), row{}
		}
		next, prev, ok := parseStep(e)
		if !ok {
			return errRun
		}
		if !next.kind.standsAlone() && (now.last == 0 || now.position != prev) {
			return fmt.Errorf("%w: event %d notes something on an opt-out that is not there", ErrDamaged, next.number)
		}
		now = next.fold(now)
		return nil
	})
	if err != nil {
		return err
	}
	return done()
}

// foldPayload is the size of what is sorted with an event's pair and number: what
// else its pair's row needs to know of it.
//
//	 0  1  kind
//	 1  8  position of the record
//	 9  8  position of the record before of the same pair
//	17  8  effective_at, microseconds since 1970 UTC, signed
//	25  8  recorded_at, likewise
const foldPayload = 33

func appendStep(dst []byte, s step, prev uint64) []byte {
	dst = append(dst, byte(s.kind))
	dst = binary.BigEndian.AppendUint64(dst, s.position)
	dst = binary.BigEndian.AppendUint64(dst, prev)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.effective))
	return binary.BigEndian.AppendUint64(dst, uint64(s.recorded))
}

// parseStep reads what appendStep wrote.
func parseStep(e sortEntry) (s step, prev uint64, ok bool) {
	p := e.payload
	if len(p) != foldPayload {
		return s, 0, false
	}
	return step{
		kind:      Kind(p[0]),
		number:    e.number,
		position:  binary.BigEndian.Uint64(p[1:]),
		effective: int64(binary.BigEndian.Uint64(p[17:])),
		recorded:  int64(binary.BigEndian.Uint64(p[25:])),
	}, binary.BigEndian.Uint64(p[9:]), true
}
