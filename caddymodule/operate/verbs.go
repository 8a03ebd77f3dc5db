package operate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Check implements [Verbs]. Phone and sender are read in every way in which a
// backend could, as those of a send are. Without a sender it asks for any.
func (l *List) Check(ctx context.Context, q Question) (Answer, error) {
	p, err := l.asked(q)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Realm: p.Realm, Sender: string(p.Sender), Phone: l.Region.Write(p.Phone)}
	query := optoutstore.Query{Realm: p.Realm}
	if query.Phones, err = l.Region.Readings([]phone.Number{p.Phone}, q.Phone); err != nil {
		return Answer{}, wrong("phone", err)
	}
	query.Phones = unique(query.Phones)
	if p.Sender != "" {
		if query.Senders, err = l.Region.SenderReadings([]phone.Sender{p.Sender}, strings.TrimSpace(q.Sender)); err != nil {
			return Answer{}, wrong("sender", err)
		}
		query.Senders = unique(query.Senders)
	}
	state, found, err := l.Store.Lookup(ctx, query)
	if err != nil {
		return Answer{}, err
	}
	if !found {
		a.May = true
		return a, nil
	}
	event, err := l.Store.Detail(ctx, state)
	if err != nil {
		return Answer{}, err
	}
	o := l.optout(state, event)
	a.Scope, a.Optout = ScopeOf(state.Pair), &o
	return a, nil
}

// asked reads what a check is about: a realm, a phone and perhaps a sender.
func (l *List) asked(q Question) (p optoutstore.Pair, err error) {
	if p.Realm, err = realm(q.Realm); err != nil {
		return p, err
	}
	if p.Realm == optoutstore.AnyRealm {
		return p, wrong("realm", errOneName)
	}
	if strings.TrimSpace(q.Sender) != "" {
		if p.Sender, err = l.sender(q.Sender); err != nil {
			return p, err
		}
		if p.Sender == phone.AnySender {
			return p, wrong("sender", errOneName)
		}
	}
	p.Phone, err = l.phone(q.Phone)
	return p, err
}

// unique drops what is there twice, in place.
func unique[T comparable](all []T) []T {
	kept := all[:0]
	for _, v := range all {
		if !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// change reads an order.
func (l *List) change(o Order) (c optoutstore.Change, err error) {
	c = optoutstore.Change{
		Source: l.By.Source, Remote: l.By.Remote, RequestID: l.By.RequestID, Actor: l.By.Actor, Reason: lineEnds(o.Reason),
	}
	if c.Pair, err = l.pair(o.Question); err != nil {
		return c, err
	}
	if c.EffectiveAt, err = l.moment("at", o.At); err != nil {
		return c, err
	}
	return c, text("reason", c.Reason, MaxReason)
}

// Add implements [Verbs].
func (l *List) Add(ctx context.Context, o Order) (Event, error) {
	c, err := l.change(o)
	if err != nil {
		return Event{}, err
	}
	if o.Seen != 0 {
		return Event{}, wrong("seen", errors.New("belongs to a lift"))
	}
	e, err := l.Store.OptOut(ctx, c)
	if err != nil {
		return Event{}, err
	}
	return l.event(e), nil
}

// Lift implements [Verbs].
func (l *List) Lift(ctx context.Context, o Order) (Event, error) {
	c, err := l.change(o)
	if err != nil {
		return Event{}, err
	}
	if strings.TrimSpace(o.Reason) == "" {
		return Event{}, wrong("reason", errors.New("is missing: it stays in the journal for those who ask later why this phone is messaged again"))
	}
	e, err := l.Store.Lift(ctx, c, o.Seen)
	if err != nil {
		return Event{}, err
	}
	return l.event(e), nil
}

// History implements [Verbs]. With a realm or a sender, what was recorded for all
// of them is shown as well, for it decides, too.
func (l *List) History(ctx context.Context, q Question, fn func(Event) error) error {
	n, err := l.phone(q.Phone)
	if err != nil {
		return err
	}
	var inRealm string
	var ofSender phone.Sender
	if strings.TrimSpace(q.Realm) != "" {
		if inRealm, err = realm(q.Realm); err != nil {
			return err
		}
	}
	if strings.TrimSpace(q.Sender) != "" {
		if ofSender, err = l.sender(q.Sender); err != nil {
			return err
		}
	}
	return l.Store.History(ctx, n, func(e optoutstore.Event) error {
		if inRealm != "" && e.Realm != inRealm && e.Realm != optoutstore.AnyRealm ||
			ofSender != "" && e.Sender != ofSender && e.Sender != phone.AnySender {
			return nil
		}
		return fn(l.event(e))
	})
}
