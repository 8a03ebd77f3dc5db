package optoutstore

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"
)

// Verify reads the whole journal and the whole index and checks everything that
// can be checked: every checksum, the chain of hashes, that the index has each
// pair's newest event, that its counts are those of its rows and those of the
// journal, and that no row's phone is missing from those held in memory. The store
// is in use meanwhile. It calls progress, unless it is nil, every now and then with
// the number of the event it has come to and of the last.
//
// Its errors are ErrDamaged for the journal, ErrUnavailable for the index,
// ErrNotReady, ErrClosed, ErrNewerFormat and ctx's.
func (d *Durable) Verify(ctx context.Context, progress func(event, last uint64)) error {
	if !d.gate.enter() {
		return fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	// What was applied before the journal is read must be in the index.
	applied := *d.applied.Load()
	ix := d.index.Load()
	last := d.written.Load()
	told := counts{}
	_, err := d.journal.scan(ctx, d.journal.first(), func(position uint64, r *record, hash Hash) error {
		if r.Number%lookEvery == 0 {
			if err := d.interrupted(ctx); err != nil {
				return err
			}
			progress(r.Number, last)
		}
		if ix == nil || r.Number > applied.number {
			return nil
		}
		if r.Kind.aboutPair() {
			told.add(r.Pair, deltaOf(r.Kind, r.wasUntold, r.prev))
		}
		return ix.holds(r, position)
	})
	if err != nil {
		return err
	}
	progress(last, last)
	if ix == nil {
		return d.notReady()
	}
	return ix.verifyCounts(told, applied.number, func() error { return d.interrupted(ctx) })
}

// holds checks that the index has the event r or a newer one in its place.
func (ix *index) holds(r *record, position uint64) error {
	var missing, other bool
	switch {
	case r.Kind == RelayFrom:
		have, err := ix.relay(r.Realm)
		if err != nil {
			return err
		}
		missing = have.number < r.Number
		other = have.number == r.Number && have.from != r.From
	case r.Kind.aboutPair():
		have, _, err := ix.pair(r.Pair)
		if err != nil {
			return err
		}
		missing = have.last < r.Number || r.Kind.standsAlone() && have.number < r.Number
		other = have.last == r.Number && have != stepOf(r, position).fold(have)
	}
	switch {
	case missing:
		return fmt.Errorf("%w: the index does not hold event %d; stop, remove the directory %s, and start: it is built again",
			ErrUnavailable, r.Number, indexName)
	case other:
		return fmt.Errorf("%w: the index says otherwise than event %d; stop, remove the directory %s, and start: it is built again",
			ErrUnavailable, r.Number, indexName)
	}
	return nil
}

// counts are tallies by the keys of their rows.
type counts map[string]tally

func (c counts) add(p Pair, by delta) {
	if by == (delta{}) {
		return
	}
	var own, total keyBuffer
	for _, key := range [...][]byte{
		appendCountKey(own[:0], p.Realm, p.Sender),
		appendTotalKey(total[:0], p.Realm),
	} {
		n := c[string(key)]
		n.add(by)
		c[string(key)] = n
	}
}

// verifyCounts compares the counts with the rows they count and, where no event
// has changed them since the event upTo, with what the events up to there told.
func (ix *index) verifyCounts(told counts, upTo uint64, interrupted func() error) (err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	s := ix.read()
	defer s.release()
	rows := counts{}
	seen := 0
	err = eachPair(s.txn, []byte{pairPrefix}, func(p Pair, r row) error {
		if seen++; seen%lookEvery == 0 {
			if err := interrupted(); err != nil {
				return err
			}
		}
		if s := ix.summary.Load(); s != nil && s.lacks(p.Phone) {
			ix.summary.Store(nil)
			return errNotSummarized
		}
		by := delta{pairs: 1}
		if r.inForce {
			by.inForce = 1
		}
		if r.untold() {
			by.untold = 1
		}
		rows.add(p, by)
		return nil
	})
	if err != nil {
		return err
	}
	for _, prefix := range []byte{countPrefix, totalPrefix} {
		err := eachCount(s.txn, prefix, func(key []byte, r countRow) error {
			if r.tally != rows[string(key)] || r.asOf <= upTo && r.tally != told[string(key)] {
				return errCounts
			}
			delete(rows, string(key))
			delete(told, string(key))
			return nil
		})
		if err != nil {
			return err
		}
	}
	// What has no count row.
	for _, rest := range []counts{rows, told} {
		for _, n := range rest {
			if n != (tally{}) {
				return errCounts
			}
		}
	}
	return nil
}

// errNotSummarized: a lookup could have said "not opted out" of a phone that has a
// row. The index itself is not in doubt.
var errNotSummarized = fmt.Errorf("%w: the phones held in memory are not those of the index; lookups read the index again; restart",
	ErrUnavailable)

// errCounts: the rows and their counts differ.
var errCounts = fmt.Errorf("%w: the index's counts are not those of its rows; stop, remove the directory %s, and start: it is built again",
	ErrUnavailable, indexName)

// eachCount calls fn for each count row of one kind. Its errors are errUnreadable
// and fn's.
func eachCount(txn *badger.Txn, prefix byte, fn func(key []byte, r countRow) error) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefix}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()
		var r countRow
		err := it.Item().Value(func(v []byte) (err error) {
			r, err = parseCountRow(key, v)
			return err
		})
		if err != nil {
			return rowError(err)
		}
		if err := fn(key, r); err != nil {
			return err
		}
	}
	return nil
}
