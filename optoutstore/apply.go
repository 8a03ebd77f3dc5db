package optoutstore

import (
	"fmt"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"

	"github.com/stopgate/stopgate/phone"
)

// outcome is what an event does to the index.
type outcome struct {
	pair  Pair
	kind  Kind
	state row
}

// outcomeOf is what the event in r, whose record stands at position, does.
func outcomeOf(r *record, position uint64) outcome {
	return outcome{
		pair: r.Pair,
		kind: r.Kind,
		state: row{
			inForce:   r.Kind != Lifted,
			number:    r.Number,
			position:  position,
			effective: r.EffectiveAt.UnixMicro(),
			recorded:  r.RecordedAt.UnixMicro(),
		},
	}
}

// delta is by how much the event changes the counts. The writer chose the kind
// knowing the state, so the kind alone tells.
func (o outcome) delta() int {
	switch o.kind {
	case OptedOut:
		return 1
	case Lifted:
		return -1
	default:
		return 0
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
	for _, o := range events {
		if o.kind == LossAccepted {
			continue
		}
		if arena, err = setPair(txn, arena, o); err != nil {
			return err
		}
		if touched, err = ix.countEvent(txn, touched, o); err != nil {
			return err
		}
	}
	if err := setCounts(txn, touched); err != nil {
		return err
	}
	if err := txn.Set(appliedKey, appendAppliedRow(nil, appliedRow{id, end})); err != nil {
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

// setPair writes the row of an event's pair, its bytes appended to arena.
func setPair(w setter, arena []byte, o outcome) ([]byte, error) {
	k := len(arena)
	arena = appendPairKey(arena, o.pair.Phone, o.pair.Realm, o.pair.Sender)
	key := arena[k:len(arena):len(arena)]
	v := len(arena)
	arena = appendPairRow(arena, key, o.state)
	return arena, w.Set(key, arena[v:len(arena):len(arena)])
}

// countEvent counts an event, and adds the counts that it changed to touched.
func (ix *index) countEvent(txn *badger.Txn, touched []*countEntry, o outcome) ([]*countEntry, error) {
	delta := o.delta()
	if delta == 0 {
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
		if c.add(delta, o.state.number) && !c.dirty {
			c.dirty = true
			touched = append(touched, c)
		}
	}
	return touched, nil
}

// add counts an event, if it is not counted yet, and reports whether it did.
func (c *countEntry) add(delta int, number uint64) bool {
	if number <= c.asOf {
		return false
	}
	c.count += uint64(delta) // wraps back for -1
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
		if err := w.Set(c.key, appendCountRow(nil, c.key, c.countRow)); err != nil {
			return err
		}
	}
	return nil
}

// inForce counts the opt-outs in force that a message of sender in realm could
// meet. It reads at most four rows.
func (ix *index) inForce(realm string, sender phone.Sender) (n uint64, err error) {
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
				return 0, err
			}
			n += c.count
			continue
		}
		for _, s := range senders {
			if s == "" {
				continue
			}
			c, err := countIn(at.txn, appendCountKey(buf[:0], r, s))
			if err != nil {
				return 0, err
			}
			n += c.count
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
