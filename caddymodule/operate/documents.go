package operate

import (
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Optout is an opt-out in force. Its first six fields are those of a row of an
// export, and of an import.
type Optout struct {
	Realm  string `json:"realm"`
	Sender string `json:"sender"`
	Phone  string `json:"phone"`
	// At is when the person said it.
	At Time `json:"at"`
	// Source is where it came from, Reason why.
	Source string `json:"source"`
	Reason string `json:"reason"`
	// Recorded is when it was written to the list, Event the number of the event.
	Recorded Time   `json:"recorded_at"`
	Event    uint64 `json:"event"`
}

// Event is an entry of the journal.
type Event struct {
	Event     uint64 `json:"event"`
	Kind      string `json:"kind"`
	Realm     string `json:"realm"`
	Sender    string `json:"sender"`
	Phone     string `json:"phone"`
	At        Time   `json:"at"`
	Recorded  Time   `json:"recorded_at"`
	Source    string `json:"source"`
	Reason    string `json:"reason"`
	Actor     string `json:"actor"`
	Remote    string `json:"remote"`
	RequestID string `json:"request_id"`
}

// Answer says whether a sender may message a phone.
type Answer struct {
	May    bool   `json:"may"`
	Realm  string `json:"realm"`
	Sender string `json:"sender"`
	Phone  string `json:"phone"`
	// Scope is what the deciding opt-out covers: one of the scopes below; empty if
	// there is none.
	Scope string `json:"scope,omitempty"`
	// Optout is the opt-out that decides, nil if there is none.
	Optout *Optout `json:"optout,omitempty"`
}

// What an opt-out covers, in answers, log lines, events and traces.
const (
	ScopePair        = "pair"         // one sender of one realm
	ScopeEverySender = "every_sender" // sender "*" of one realm
	ScopeEveryRealm  = "every_realm"  // one sender of realm "*"
	ScopeEverything  = "everything"   // both
)

// Time is a time as lists show it: RFC 3339 in UTC with microseconds, which is all
// that a store keeps.
type Time struct{ time.Time }

// TimeFormat is how a Time is written.
const TimeFormat = "2006-01-02T15:04:05.000000Z07:00"

func (t Time) String() string { return t.UTC().Format(TimeFormat) }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// event shows e in full.
func (l *List) event(e optoutstore.Event) Event {
	return Event{
		Event: e.Number, Kind: e.Kind.String(),
		Realm: e.Realm, Sender: string(e.Sender), Phone: l.Region.Write(e.Phone),
		At: Time{e.EffectiveAt}, Recorded: Time{e.RecordedAt},
		Source: string(e.Source), Reason: e.Reason, Actor: e.Actor, Remote: e.Remote, RequestID: e.RequestID,
	}
}

// optout shows s and the event that made it so.
func (l *List) optout(s optoutstore.State, e optoutstore.Event) Optout {
	return Optout{
		Realm: s.Realm, Sender: string(s.Sender), Phone: l.Region.Write(s.Phone),
		At: Time{s.EffectiveAt}, Source: string(e.Source), Reason: e.Reason,
		Recorded: Time{s.RecordedAt}, Event: s.Number,
	}
}

// ScopeOf says what an opt-out of p covers.
func ScopeOf(p optoutstore.Pair) string {
	switch everySender := p.Sender == phone.AnySender; {
	case p.Realm == optoutstore.AnyRealm && everySender:
		return ScopeEverything
	case p.Realm == optoutstore.AnyRealm:
		return ScopeEveryRealm
	case everySender:
		return ScopeEverySender
	default:
		return ScopePair
	}
}
