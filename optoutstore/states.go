package optoutstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// What States reads at once: it holds a transaction while it collects a page, and
// none while fn looks at it.
const (
	statesPage = 1000    // states that match
	statesScan = 1 << 15 // rows that are looked at
)

// States implements [Store].
func (d *Durable) States(ctx context.Context, f Filter, fn func(State) error) error {
	if !d.gate.enter() {
		return fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if len(f.After.Realm) > maxRealm || len(f.After.Sender) > maxSender {
		return fmt.Errorf("%w: no pair has names as long as those of the one to begin behind", ErrInvalid)
	}
	for more := true; more; {
		if err := d.interrupted(ctx); err != nil {
			return err
		}
		ix := d.index.Load() // another one, if it was built again meanwhile
		if ix == nil {
			return d.notReady()
		}
		var page []State
		var err error
		if page, more, err = ix.page(&f); err != nil {
			return err
		}
		for _, s := range page {
			if err := d.interrupted(ctx); err != nil {
				return err
			}
			if err := fn(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// errPageFull ends a page.
var errPageFull = errors.New("the page is full")

// page returns the next states that f selects, and whether there may be more; then
// it moves f.After to the last pair that it has looked at.
func (ix *index) page(f *Filter) (page []State, more bool, err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	prefix := f.prefix()
	from := prefix
	if f.After != (Pair{}) {
		// Behind the pair, and in front of any other.
		after := append(appendPairKey(nil, f.After.Phone, f.After.Realm, f.After.Sender), 0)
		if bytes.Compare(after, from) > 0 {
			from = after
		}
	}
	at := ix.read()
	defer at.release()
	looked := 0
	var last Pair
	err = eachPairFrom(at.txn, prefix, from, func(p Pair, r row) error {
		if looked++; looked > statesScan || len(page) == statesPage {
			return errPageFull
		}
		last = p
		if f.selects(p, r) {
			page = append(page, r.state(p))
		}
		return nil
	})
	if err == errPageFull {
		f.After = last
		return page, true, nil
	}
	return page, false, err
}

// prefix is what the keys of all pairs begin with that f can select.
func (f *Filter) prefix() []byte {
	switch {
	case !f.Phone.IsZero() && f.Realm != "" && len(f.Realm) <= maxRealm:
		return appendRealmPrefix(nil, f.Phone, f.Realm)
	case !f.Phone.IsZero():
		return appendPhonePrefix(nil, f.Phone)
	}
	return []byte{pairPrefix}
}

// selects reports whether f selects a pair that its prefix leads to and that is
// not in front of where it begins.
func (f *Filter) selects(p Pair, r row) bool {
	return (r.inForce || f.Lifted) &&
		(f.Realm == "" || f.Realm == p.Realm) &&
		(f.Sender == "" || f.Sender == p.Sender) &&
		(f.Since.IsZero() || !microTime(r.recorded).Before(f.Since))
}

// each calls fn for each pair whose key begins with prefix, in one snapshot.
func (ix *index) each(prefix []byte, fn func(Pair, row) error) error {
	s := ix.read()
	defer s.release()
	return eachPair(s.txn, prefix, fn)
}
