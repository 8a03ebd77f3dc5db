package storetest

import (
	"fmt"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// The longest fields that a Store takes, in bytes. A longer one is an error that
// is [optoutstore.ErrInvalid] and never a cut: a record that may have to be shown
// years later does not hold half a reason.
const (
	MaxRealm     = 128
	MaxSender    = phone.MaxSender
	MaxSource    = 32
	MaxRemote    = 64
	MaxRequestID = 64
	MaxActor     = 128
	MaxReason    = 1024
)

// checkChange returns an error that is ErrInvalid where c cannot be stored. Its
// text names the field and not what is in it.
func checkChange(c optoutstore.Change) error {
	if c.Phone.IsZero() {
		return fmt.Errorf("%w: it has no phone", optoutstore.ErrInvalid)
	}
	return checkFields(c, true)
}

// checkRealmChange is checkChange for what is about a realm and no pair.
func checkRealmChange(c optoutstore.Change) error {
	if c.Sender != "" || !c.Phone.IsZero() {
		return fmt.Errorf("%w: it has a sender or a phone", optoutstore.ErrInvalid)
	}
	return checkFields(c, false)
}

func checkFields(c optoutstore.Change, sender bool) error {
	for _, f := range []struct {
		name     string
		len, max int
		required bool
	}{
		{"realm", len(c.Realm), MaxRealm, true},
		{"sender", len(c.Sender), MaxSender, sender},
		{"source", len(c.Source), MaxSource, false},
		{"remote address", len(c.Remote), MaxRemote, false},
		{"request ID", len(c.RequestID), MaxRequestID, false},
		{"actor", len(c.Actor), MaxActor, false},
		{"reason", len(c.Reason), MaxReason, false},
	} {
		if f.required && f.len == 0 {
			return fmt.Errorf("%w: it has no %s", optoutstore.ErrInvalid, f.name)
		}
		if f.len > f.max {
			return fmt.Errorf("%w: its %s has %d bytes, and %d are allowed",
				optoutstore.ErrInvalid, f.name, f.len, f.max)
		}
	}
	return nil
}

// checkQuery returns an error where q asks about nothing. "No opt-out" would be
// the dangerous answer to a question that was put wrongly. An over-long realm or
// sender is no error: it has no opt-out of its own, but the wider scopes cover it.
func checkQuery(q optoutstore.Query) error {
	if q.Realm == "" {
		return fmt.Errorf("%w: the query has no realm", optoutstore.ErrInvalid)
	}
	if len(q.Phones) == 0 {
		return fmt.Errorf("%w: the query has no phone", optoutstore.ErrInvalid)
	}
	for _, p := range q.Phones {
		if p.IsZero() {
			return fmt.Errorf("%w: the query has an empty phone", optoutstore.ErrInvalid)
		}
	}
	for _, s := range q.Senders {
		if s == "" {
			return fmt.Errorf("%w: the query has an empty sender", optoutstore.ErrInvalid)
		}
	}
	return nil
}
