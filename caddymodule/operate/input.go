package operate

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// InputError is something that was written wrongly. Its text names the field and
// holds nothing of what was written.
type InputError struct {
	Field string
	Err   error
}

func (e *InputError) Error() string { return e.Field + " " + e.Err.Error() }

func (e *InputError) Unwrap() error { return e.Err }

func wrong(field string, err error) error { return &InputError{Field: field, Err: err} }

var (
	errMissing  = errors.New("is missing")
	errControl  = errors.New("holds characters that cannot be kept")
	errNotUTF8  = errors.New("is not UTF-8")
	errFuture   = errors.New("is in the future")
	errTime     = errors.New("is not a time such as 2026-01-31T09:30:00Z, or a day such as 2026-01-31 (in UTC)")
	errOneName  = errors.New("'*' stands for all; name one")
	errLong     = errors.New("is too long")
	errBadRealm = errors.New("holds characters that no account name has")
)

// The longest texts that are kept with a change, in bytes. The store checks them
// again; here they get a name.
const (
	MaxReason    = 1024
	MaxSource    = 32
	MaxActor     = 128
	MaxRequestID = 64
)

// realm reads the realm of a change; "*" stands for every realm.
func realm(s string) (string, error) {
	if s = strings.TrimSpace(s); s == optoutstore.AnyRealm {
		return s, nil
	}
	name, err := smsapi.CanonicalRealm(s)
	switch {
	case s == "":
		return "", wrong("realm", errMissing)
	case errors.Is(err, smsapi.ErrRealmTooLong):
		return "", wrong("realm", errLong)
	case !utf8.ValidString(s):
		return "", wrong("realm", errNotUTF8)
	case err != nil:
		return "", wrong("realm", errBadRealm)
	}
	return name, nil
}

// sender reads the sender of a change; "*" stands for every sender.
func (l *List) sender(s string) (phone.Sender, error) {
	switch s = strings.TrimSpace(s); {
	case s == "":
		return "", wrong("sender", errMissing)
	case s == string(phone.AnySender):
		return phone.AnySender, nil
	case !utf8.ValidString(s):
		return "", wrong("sender", errNotUTF8)
	}
	code, err := l.Region.CanonicalSender(s)
	if err != nil {
		return "", wrong("sender", err)
	}
	return code, nil
}

// phone reads the phone of a change.
func (l *List) phone(s string) (phone.Number, error) {
	if strings.TrimSpace(s) == "" {
		return phone.Number{}, wrong("phone", errMissing)
	}
	n, err := l.Region.Written(s)
	if err != nil {
		return phone.Number{}, wrong("phone", err)
	}
	return n, nil
}

// pair reads what a change is about.
func (l *List) pair(q Question) (p optoutstore.Pair, err error) {
	if p.Realm, err = realm(q.Realm); err != nil {
		return p, err
	}
	if p.Sender, err = l.sender(q.Sender); err != nil {
		return p, err
	}
	p.Phone, err = l.phone(q.Phone)
	return p, err
}

// The forms of a time that are read. A day is its beginning in UTC.
var timeForms = [...]string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", time.DateOnly}

// slack is how far a clock elsewhere may be ahead.
const slack = 24 * time.Hour

// moment reads the time of field, no later than a day from now. An empty one is
// the zero time.
func (l *List) moment(field, s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range timeForms {
		t, err := time.Parse(form, s)
		if err != nil {
			continue
		}
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return time.Time{}, wrong(field, errTime)
		}
		if t.After(l.now().Add(slack)) {
			return time.Time{}, wrong(field, errFuture)
		}
		return t.UTC().Truncate(time.Microsecond), nil
	}
	return time.Time{}, wrong(field, errTime)
}

func (l *List) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

// lineEnds writes each line end as one character: a CSV cannot tell them apart.
func lineEnds(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// text checks a text that is kept with a change. Line ends and tabs are kept,
// other control characters are not.
func text(field, s string, longest int) error {
	switch {
	case len(s) > longest:
		return wrong(field, fmt.Errorf("has %d bytes, at most %d are kept", len(s), longest))
	case !utf8.ValidString(s):
		return wrong(field, errNotUTF8)
	case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f }):
		return wrong(field, errControl)
	}
	return nil
}

// Check reports whether what is known of a caller can be kept.
func (c Caller) Check() error {
	if err := text("actor", c.Actor, MaxActor); err != nil {
		return err
	}
	return text("request ID", c.RequestID, MaxRequestID)
}
