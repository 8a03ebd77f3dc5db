package optoutstore

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"
)

// Verify reads the whole journal and the whole index and checks everything that
// can be checked: every checksum, the chain of hashes, that the index has each
// pair's newest event, that its counts are those of its rows, and that no row's
// phone is missing from those held in memory. The store is in use meanwhile. It calls progress, unless it is nil, every now and then with the
// number of the event it has come to and of the last.
//
// Its errors are ErrDamaged for the journal, ErrUnavailable for the index,
// ErrNotReady, ErrClosed, ErrNewerFormat and ctx's.
func (d *Durable) Verify(ctx context.Context, progress func(event, last uint64)) error {
	if !d.gate.enter() {
		return fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	// What was applied before the journal is read must be in the index.
	applied := *d.applied.Load()
	ix := d.index.Load()
	last := d.written.Load()
	_, err := d.journal.scan(ctx, d.journal.first(), func(position uint64, r *record, hash Hash) error {
		if r.Number%lookEvery == 0 {
			if err := d.interrupted(ctx); err != nil {
				return err
			}
			progress(r.Number, last)
		}
		if ix == nil || r.Number > applied.number || r.Kind == LossAccepted {
			return nil
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
	return ix.verifyCounts(func() error { return d.interrupted(ctx) })
}

// holds checks that the index has the event r or a newer one of its pair.
func (ix *index) holds(r *record, position uint64) error {
	have, found, err := ix.pair(r.Pair)
	if err != nil {
		return err
	}
	switch {
	case !found || have.number < r.Number:
		return fmt.Errorf("%w: the index does not hold event %d; stop, remove the directory %s, and start: it is built again",
			ErrUnavailable, r.Number, indexName)
	case have.number == r.Number && have != outcomeOf(r, position).state:
		return fmt.Errorf("%w: the index says otherwise than event %d; stop, remove the directory %s, and start: it is built again",
			ErrUnavailable, r.Number, indexName)
	}
	return nil
}

// verifyCounts compares the counts with the rows they count.
func (ix *index) verifyCounts(interrupted func() error) (err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	s := ix.read()
	defer s.release()
	counts := map[string]uint64{}
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
		if r.inForce {
			counts[string(appendCountKey(nil, p.Realm, p.Sender))]++
			counts[string(appendTotalKey(nil, p.Realm))]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, prefix := range []byte{countPrefix, totalPrefix} {
		if err := compareCounts(s.txn, prefix, counts); err != nil {
			return err
		}
	}
	for _, n := range counts {
		if n > 0 {
			return errCounts
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

// compareCounts compares the count rows of one kind, and strikes them out.
func compareCounts(txn *badger.Txn, prefix byte, counts map[string]uint64) error {
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
		if r.count != counts[string(key)] {
			return errCounts
		}
		delete(counts, string(key))
	}
	return nil
}
