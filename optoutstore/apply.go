package optoutstore

import (
	"fmt"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"

	"github.com/stopgate/stopgate/phone"
)

// outcome is what an event does to the index.
type outcome struct {
	pair   Pair // of a RelayFrom, only its realm
	number uint64
	kind   Kind
	counts delta
	state  row    // the pair's, from then on
	from   uint64 // of a RelayFrom
}

// outcomeOf is what the event in r does, after which its pair's row is state.
func outcomeOf(r *record, state row) outcome {
	return outcome{
		pair: r.Pair, number: r.Number, kind: r.Kind, counts: deltaOf(r.Kind, r.wasUntold, r.prev), state: state, from: r.From,
	}
}

// countEntry is a count row in memory.
type countEntry struct {
	countRow
	key   []byte
	dirty bool
}

// maxCounts bounds the count rows that are kept in memory.
const maxCounts = 1 << 16

// setter is a transaction or a write batch.
type setter interface {
	Set(key, value []byte) error
}

// apply puts a frame's events into the index, in one transaction with the mark of
// how far it is. Applying the same again changes nothing. After an error the
// index may hold them or not; applying must be tried again before what follows.
func (ix *index) apply(id ID, events []outcome, end chain) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("badger stopped in a panic")
		}
		if err != nil {
			clear(ix.counts) // they may be ahead of the disk
			err = unavailable("the index cannot be written", fmt.Errorf("%s", scrub(err)))
		}
	}()
	ix.note(events)
	txn := ix.db.NewTransaction(true)
	defer txn.Discard()
	// One allocation for all keys and values: Badger keeps them until Commit is done.
	arena := make([]byte, 0, len(events)*(maxTypicalKey+pairRowSize))
	var touched []*countEntry
	for i := range events {
		o := &events[i]
		if arena, err = setRow(txn, arena, o); err != nil {
			return err
		}
		if touched, err = ix.countEvent(txn, touched, o); err != nil {
			return err
		}
	}
	if err := setCounts(txn, touched); err != nil {
		return err
	}
	if err := txn.Set(appliedKey, appendAppliedRow(make([]byte, 0, appliedRowSize), appliedRow{id, end})); err != nil {
		return err
	}
	if err := txn.Commit(); err != nil {
		return err
	}
	ix.refresh()
	if len(ix.counts) > maxCounts {
		clear(ix.counts)
	}
	return nil
}

// maxTypicalKey sizes the arena; longer keys only cost another allocation.
const maxTypicalKey = 48

// setRow writes the row that an event makes, its pair's or its realm's, the bytes
// appended to arena.
func setRow(w setter, arena []byte, o *outcome) ([]byte, error) {
	k := len(arena)
	if o.kind == RelayFrom {
		arena = appendRelayKey(arena, o.pair.Realm)
	} else {
		arena = appendPairKey(arena, o.pair.Phone, o.pair.Realm, o.pair.Sender)
	}
	key := arena[k:len(arena):len(arena)]
	v := len(arena)
	if o.kind == RelayFrom {
		arena = appendRelayRow(arena, key, relayRow{from: o.from, number: o.number})
	} else {
		arena = appendPairRow(arena, key, o.state)
	}
	return arena, w.Set(key, arena[v:len(arena):len(arena)])
}

// countEvent counts an event, and adds the counts that it changed to touched.
func (ix *index) countEvent(txn *badger.Txn, touched []*countEntry, o *outcome) ([]*countEntry, error) {
	if o.counts == (delta{}) {
		return touched, nil
	}
	var own, total keyBuffer
	for _, key := range [...][]byte{
		appendCountKey(own[:0], o.pair.Realm, o.pair.Sender),
		appendTotalKey(total[:0], o.pair.Realm),
	} {
		c, err := ix.countFor(txn, key)
		if err != nil {
			return touched, err
		}
		if c.count(o.counts, o.number) && !c.dirty {
			c.dirty = true
			touched = append(touched, c)
		}
	}
	return touched, nil
}

// count counts an event, if it is not counted yet, and reports whether it did.
func (c *countEntry) count(by delta, number uint64) bool {
	if number <= c.asOf {
		return false
	}
	c.add(by)
	c.asOf = number
	return true
}

// countFor returns the count with that key, reading it if it is not in memory. A
// nil transaction means that there is nothing to read.
func (ix *index) countFor(txn *badger.Txn, key []byte) (*countEntry, error) {
	if c, ok := ix.counts[string(key)]; ok {
		return c, nil
	}
	c := &countEntry{key: append([]byte(nil), key...)}
	if txn != nil {
		r, err := countIn(txn, c.key)
		if err != nil {
			return nil, err
		}
		c.countRow = r
	}
	ix.counts[string(key)] = c
	return c, nil
}

func setCounts(w setter, touched []*countEntry) error {
	for _, c := range touched {
		c.dirty = false
		if err := w.Set(c.key, appendCountRow(make([]byte, 0, countRowSize), c.key, c.countRow)); err != nil {
			return err
		}
	}
	return nil
}

// tally counts the opt-outs in force that a message of sender in realm could
// meet. It reads at most four rows.
func (ix *index) tally(realm string, sender phone.Sender) (n tally, err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	at := ix.read()
	defer at.release()
	realms := scopes(realm, AnyRealm, maxRealm)
	senders := scopes(sender, phone.AnySender, maxSender)
	var buf keyBuffer
	for _, r := range realms {
		if r == "" {
			continue
		}
		if sender == "" {
			c, err := countIn(at.txn, appendTotalKey(buf[:0], r))
			if err != nil {
				return tally{}, err
			}
			n.inForce += c.inForce
			n.untold += c.untold
			continue
		}
		for _, s := range senders {
			if s == "" {
				continue
			}
			c, err := countIn(at.txn, appendCountKey(buf[:0], r, s))
			if err != nil {
				return tally{}, err
			}
			n.inForce += c.inForce
			n.untold += c.untold
		}
	}
	return n, nil
}

// scopes is own and the one that covers all, without repeating it. Own is empty
// where nothing of that name can be stored.
func scopes[T ~string](own, all T, longest int) [2]T {
	if own == all || len(own) > longest {
		own = ""
	}
	return [2]T{own, all}
}
