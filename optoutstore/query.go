package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"

	"github.com/stopgate/stopgate/phone"
)

// Lookup implements [Store].
func (d *Durable) Lookup(ctx context.Context, q Query) (State, bool, error) {
	if d.gate.isShut() {
		return State{}, false, fmt.Errorf("%w", ErrClosed)
	}
	if err := q.validate(); err != nil {
		return State{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return State{}, false, err
	}
	// Most answers need nothing but memory, which Close does not take away: they do
	// not enter the gate, where all calls write to one word.
	if ix := d.index.Load(); ix != nil && ix.absent(q.Phones) {
		return State{}, false, nil
	}
	if !d.gate.enter() {
		return State{}, false, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	ix := d.index.Load()
	if ix == nil {
		return d.lookupDoubted(&q)
	}
	return ix.lookup(&q)
}

// validate refuses a question that asks about nothing: "not opted out" would be
// the dangerous answer to one that was put wrongly.
func (q *Query) validate() error {
	if q.Realm == "" {
		return fmt.Errorf("%w: the question has no realm", ErrInvalid)
	}
	if len(q.Phones) == 0 {
		return fmt.Errorf("%w: the question has no phone", ErrInvalid)
	}
	for i := range q.Phones {
		if q.Phones[i].IsZero() {
			return fmt.Errorf("%w: the question has an empty phone", ErrInvalid)
		}
	}
	for _, s := range q.Senders {
		if s == "" {
			return fmt.Errorf("%w: the question has an empty sender", ErrInvalid)
		}
	}
	return nil
}

// lookup returns a row in force that covers q, even where others cannot be read.
func (ix *index) lookup(q *Query) (s State, found bool, err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	at := ix.read()
	defer at.release()
	var buf keyBuffer
	var unread error
	for _, n := range q.Phones {
		if len(q.Senders) == 0 {
			s, found, err = anySender(at.txn, &buf, n, q.Realm)
		} else {
			s, found, err = ofSenders(at.txn, &buf, n, q)
		}
		if err != nil {
			unread = err
		}
		if found {
			if unread == errUnreadable {
				ix.raise()
			}
			return s, true, nil
		}
	}
	return State{}, false, unread
}

// ofSenders looks for an opt-out of n from one of q's senders, or a wider one. An
// error says that something else could not be read, whether or not one was found.
func ofSenders(txn *badger.Txn, buf *keyBuffer, n phone.Number, q *Query) (s State, found bool, unread error) {
	for _, realm := range scopes(q.Realm, AnyRealm, maxRealm) {
		if realm == "" {
			continue
		}
		for i := -1; i < len(q.Senders); i++ {
			sender := phone.AnySender
			if i >= 0 {
				sender = q.Senders[i]
				if sender == phone.AnySender || len(sender) > maxSender {
					continue // asked for already, or nothing of that name can be stored
				}
			}
			r, found, err := pairIn(txn, buf, n, realm, sender)
			if err != nil {
				unread = err
			}
			if found && r.inForce {
				return r.state(Pair{Realm: realm, Sender: sender, Phone: n}), true, unread
			}
		}
	}
	return State{}, false, unread
}

// anySender looks for an opt-out of n from any sender of realm, or a wider one. Its
// error is that of ofSenders.
func anySender(txn *badger.Txn, buf *keyBuffer, n phone.Number, realm string) (s State, found bool, unread error) {
	var hit State
	for _, realm := range scopes(realm, AnyRealm, maxRealm) {
		if realm == "" {
			continue
		}
		err := eachPair(txn, appendRealmPrefix(buf[:0], n, realm), func(p Pair, r row) error {
			if !r.inForce {
				return nil
			}
			hit = r.state(p)
			return errFound
		})
		if err == errFound {
			return hit, true, unread
		}
		if err != nil {
			unread = err
		}
	}
	return State{}, false, unread
}

// eachPair calls fn for each pair whose key begins with prefix, in the order of
// the keys. Its errors are errUnreadable and fn's.
func eachPair(txn *badger.Txn, prefix []byte, fn func(Pair, row) error) error {
	return eachPairFrom(txn, prefix, prefix, fn)
}

// eachPairFrom is eachPair from the key from on.
func eachPairFrom(txn *badger.Txn, prefix, from []byte, fn func(Pair, row) error) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(from); it.Valid(); it.Next() {
		var p Pair
		var r row
		item := it.Item()
		err := item.Value(func(v []byte) error {
			var err error
			if p, err = parsePairKey(item.Key()); err != nil {
				return err
			}
			r, err = parsePairRow(item.Key(), v)
			return err
		})
		if err != nil {
			return rowError(err)
		}
		if err := fn(p, r); err != nil {
			return err
		}
	}
	return nil
}

// InForce implements [Store].
func (d *Durable) InForce(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	n, err := d.tally(ctx, realm, sender)
	return n.inForce, err
}

// Untold implements [Store]. Like InForce it reads at most four rows.
func (d *Durable) Untold(ctx context.Context, realm string, sender phone.Sender) (uint64, error) {
	n, err := d.tally(ctx, realm, sender)
	return n.untold, err
}

func (d *Durable) tally(ctx context.Context, realm string, sender phone.Sender) (tally, error) {
	if !d.gate.enter() {
		return tally{}, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if realm == "" {
		return tally{}, fmt.Errorf("%w: the question has no realm", ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return tally{}, err
	}
	ix := d.index.Load()
	if ix == nil {
		return tally{}, d.notReady()
	}
	return ix.tally(realm, sender)
}

// RelayFrom implements [Store].
func (d *Durable) RelayFrom(ctx context.Context, realm string) (from uint64, set bool, err error) {
	if !d.gate.enter() {
		return 0, false, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if realm == "" || len(realm) > maxRealm {
		return 0, false, fmt.Errorf("%w: the question has no realm that could be stored", ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	ix := d.index.Load()
	if ix == nil {
		return 0, false, d.notReady()
	}
	r, err := ix.relay(realm)
	return r.from, r.number != 0, err
}

// relay is the row that says from where on a realm's opt-outs are relayed, zero
// if there is none.
func (ix *index) relay(realm string) (r relayRow, err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	at := ix.read()
	defer at.release()
	var buf keyBuffer
	key := appendRelayKey(buf[:0], realm)
	item, err := at.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return relayRow{}, nil
	}
	if err != nil {
		return relayRow{}, errUnreadable
	}
	err = item.Value(func(v []byte) error {
		r, err = parseRelayRow(key, v)
		return err
	})
	if err != nil {
		return relayRow{}, rowError(err)
	}
	return r, nil
}

// interrupted reports why a long reader should end.
func (d *Durable) interrupted(ctx context.Context) error {
	if d.gate.isShut() {
		return fmt.Errorf("%w", ErrClosed)
	}
	return ctx.Err()
}
