package optoutstore

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

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
		return State{}, false, d.notReady()
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

// lookup returns a row in force that covers q.
func (ix *index) lookup(q *Query) (s State, found bool, err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	at := ix.read()
	defer at.release()
	var buf keyBuffer
	for _, n := range q.Phones {
		if len(q.Senders) == 0 {
			s, found, err = anySender(at.txn, &buf, n, q.Realm)
		} else {
			s, found, err = ofSenders(at.txn, &buf, n, q)
		}
		if found || err != nil {
			return s, found, err
		}
	}
	return State{}, false, nil
}

// ofSenders looks for an opt-out of n from one of q's senders, or a wider one.
func ofSenders(txn *badger.Txn, buf *keyBuffer, n phone.Number, q *Query) (State, bool, error) {
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
				return State{}, false, err
			}
			if found && r.inForce {
				return r.state(Pair{Realm: realm, Sender: sender, Phone: n}), true, nil
			}
		}
	}
	return State{}, false, nil
}

// anySender looks for an opt-out of n from any sender of realm, or a wider one.
func anySender(txn *badger.Txn, buf *keyBuffer, n phone.Number, realm string) (State, bool, error) {
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
			return hit, true, nil
		}
		if err != nil {
			return State{}, false, err
		}
	}
	return State{}, false, nil
}

// eachPair calls fn for each pair whose key begins with prefix. Its errors are
// errUnreadable and fn's.
func eachPair(txn *badger.Txn, prefix []byte, fn func(Pair, row) error) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
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
	if !d.gate.enter() {
		return 0, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if realm == "" {
		return 0, fmt.Errorf("%w: the question has no realm", ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	ix := d.index.Load()
	if ix == nil {
		return 0, d.notReady()
	}
	return ix.inForce(realm, sender)
}

// States implements [Store]. It reads the index as it stands when it is called.
func (d *Durable) States(ctx context.Context, f Filter, fn func(State) error) error {
	if !d.gate.enter() {
		return fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	ix := d.index.Load()
	if ix == nil {
		return d.notReady()
	}
	prefix := []byte{pairPrefix}
	switch {
	case !f.Phone.IsZero() && f.Realm != "" && len(f.Realm) <= maxRealm:
		prefix = appendRealmPrefix(nil, f.Phone, f.Realm)
	case !f.Phone.IsZero():
		prefix = appendPhonePrefix(nil, f.Phone)
	}
	return ix.each(prefix, func(p Pair, r row) error {
		if err := d.interrupted(ctx); err != nil {
			return err
		}
		if !r.inForce && !f.Lifted || f.Realm != "" && f.Realm != p.Realm || f.Sender != "" && f.Sender != p.Sender {
			return nil
		}
		return fn(r.state(p))
	})
}

// each calls fn for each pair whose key begins with prefix.
func (ix *index) each(prefix []byte, fn func(Pair, row) error) error {
	s := ix.read()
	defer s.release()
	return eachPair(s.txn, prefix, fn)
}

// interrupted reports why a long reader should end.
func (d *Durable) interrupted(ctx context.Context) error {
	if d.gate.isShut() {
		return fmt.Errorf("%w", ErrClosed)
	}
	return ctx.Err()
}

// History implements [Store]. The rows of the phone's pairs say where their newest
// events stand, and each event where the one before of its pair does.
func (d *Durable) History(ctx context.Context, n phone.Number, fn func(Event) error) error {
	if !d.gate.enter() {
		return fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if n.IsZero() {
		return fmt.Errorf("%w: the question has an empty phone", ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ix := d.index.Load()
	if ix == nil {
		return d.notReady()
	}
	var places []uint64
	err := ix.each(appendPhonePrefix(nil, n), func(p Pair, r row) error {
		var err error
		places, err = d.trail(ctx, places, p, r)
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(places) // by position is by number
	for _, at := range places {
		if err := d.interrupted(ctx); err != nil {
			return err
		}
		r, err := d.journal.record(at)
		if err != nil {
			return err
		}
		if err := fn(r.Event); err != nil {
			return err
		}
	}
	return nil
}

// trail appends to places where the events of a pair stand, from its newest to
// its first.
func (d *Durable) trail(ctx context.Context, places []uint64, p Pair, newest row) ([]uint64, error) {
	for at, last := newest.position, uint64(0); at != 0; {
		if err := d.interrupted(ctx); err != nil {
			return nil, err
		}
		r, err := d.journal.record(at)
		if err != nil {
			return nil, err
		}
		if r.Pair != p || last == 0 && r.Number != newest.number || last != 0 && r.Number >= last {
			return nil, fmt.Errorf("%w: the trail of a pair leads to another's event %d", ErrDamaged, r.Number)
		}
		places, last, at = append(places, at), r.Number, r.prev
	}
	return places, nil
}
