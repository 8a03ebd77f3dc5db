package optoutstore

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/stopgate/stopgate/phone"
)

// An index has its summary from the moment it is opened, and whatever is applied
// to it is added there first. So a scan that begins later, in whatever snapshot,
// adds all that the summary lacks, and needs to know nothing of what is applied
// meanwhile. Only when the scan is done are lookups answered from the summary.

// errSummary: the scan has not seen all that is in the index.
var errSummary = fmt.Errorf("%w: the index holds other opt-outs than it counts", ErrUnavailable)

// runSummary fills the summary of an index that was published, while lookups ask
// the index. What fails is tried again after a while.
func (d *Durable) runSummary(ix *index) {
	defer d.workers.Done()
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		began := time.Now()
		err := ix.summarize(func() error { return d.interrupted(d.ctx) })
		if d.ctx.Err() != nil || ix.retired.Load() {
			return
		}
		if errors.Is(err, errSummary) {
			ix.raise() // a table is damaged, and the index is built again
		}
		if err == nil {
			phones, size := ix.phones.size()
			d.log.Debug("lookups of phones that never opted out are answered from memory",
				"phones", phones, "bytes", size, "took", time.Since(began).Round(time.Millisecond).String())
			return
		}
		d.log.Error("the phones of the index cannot be held in memory; all lookups read the index, which is slower",
			"error", err)
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// summarize adds the phone of every row to the summary, and lets lookups use it.
//
// Badger ends a scan without an error where a table is damaged (docs/storage.md, 12,
// "bad block"). A phone that was left out would be messaged, or its next event lack
// its link to those before. So the rows that were seen are counted, and those of
// them that are in force, and both must be as many as the index counts.
func (ix *index) summarize(interrupted func() error) (err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	s := ix.read()
	defer s.release()
	want, err := totals(s.txn)
	if err != nil {
		return err
	}
	var got tally
	var last [phone.MaxDigits + 1]byte // of the row before; rows of a phone are neighbours
	seen := 0
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: []byte{pairPrefix}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if seen++; seen%lookEvery == 0 {
			if err := interrupted(); err != nil {
				return err
			}
		}
		item := it.Item()
		key := item.Key()
		end := bytes.IndexByte(key, 0)
		if end <= 1 || end > phone.MaxDigits+1 {
			return errUnreadable
		}
		err := item.Value(func(v []byte) error {
			r, err := parsePairRow(key, v)
			got.pairs++
			if r.inForce {
				got.inForce++
			}
			return err
		})
		if err != nil {
			return rowError(err)
		}
		if digits := key[1:end]; !bytes.Equal(digits, last[:end-1]) || last[end-1] != 0 {
			ix.phones.addHash(ix.phones.hash(digits))
			last = [phone.MaxDigits + 1]byte{}
			copy(last[:], digits)
		}
	}
	if got.pairs != want.pairs || got.inForce != want.inForce {
		return errSummary
	}
	ix.summary.Store(ix.phones)
	return nil
}

// totals adds up the counts of the realms.
func totals(txn *badger.Txn) (n tally, err error) {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{totalPrefix}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()
		err := it.Item().Value(func(v []byte) error {
			r, err := parseCountRow(key, v)
			n.inForce += r.inForce
			n.untold += r.untold
			n.pairs += r.pairs
			return err
		})
		if err != nil {
			return tally{}, rowError(err)
		}
	}
	return n, nil
}

// note adds the phones of events to the summary, before anything can be answered
// by them.
func (ix *index) note(events []outcome) {
	for i := range events {
		if n := events[i].pair.Phone; !n.IsZero() {
			ix.phones.add(n)
		}
	}
}

// absent reports whether none of these phones has a row, as far as that is known
// without reading the index.
func (ix *index) absent(phones []phone.Number) bool {
	s := ix.summary.Load()
	if s == nil {
		return false
	}
	for i := range phones {
		if !s.lacks(phones[i]) {
			return false
		}
	}
	return true
}
