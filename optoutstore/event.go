package optoutstore

import "time"

// Kind is what an event did. The numbers are part of the journal's format.
type Kind uint8

const (
	// OptedOut: the pair had not opted out, and now has.
	OptedOut Kind = 1
	// OptedOutAgain: the pair had opted out already, and was asserted again.
	OptedOutAgain Kind = 2
	// Lifted: the pair had opted out, and no longer has.
	Lifted Kind = 3
	// LossAccepted: an operator continued a store that had lost events. It is
	// about no pair; its reason says what was missing.
	LossAccepted Kind = 4
	// Told: the backend was told of the opt-out, which stays in force.
	Told Kind = 5
	// Untold: the backend may have forgotten the opt-out, and has to be told again.
	Untold Kind = 6
	// RelayFrom: opt-outs of a realm are relayed from an event on. It is about no
	// pair.
	RelayFrom Kind = 7
)

// String is the kind's name in logs and exports.
func (k Kind) String() string {
	switch k {
	case OptedOut:
		return "opted_out"
	case OptedOutAgain:
		return "opted_out_again"
	case Lifted:
		return "lifted"
	case LossAccepted:
		return "loss_accepted"
	case Told:
		return "told"
	case Untold:
		return "untold"
	case RelayFrom:
		return "relay_from"
	default:
		return "unknown"
	}
}

// Source is where a change came from.
type Source string

const (
	SourceAPIWeb Source = "api_web"
	SourceCLI    Source = "cli"
	SourceAdmin  Source = "admin"
	SourceImport Source = "import"
	// SourceRelay is what tells the backend.
	SourceRelay Source = "relay"
)

// Change asks for an event.
type Change struct {
	Pair
	// EffectiveAt is when the person said it; zero means now.
	EffectiveAt time.Time
	Source      Source
	// Remote is the address that the request came from, RequestID names the
	// request in the logs, Actor the person or program that acted, Reason why.
	// All optional. None holds a phone or a password.
	Remote, RequestID, Actor, Reason string
}

// Event is one entry of the journal. Events are numbered from 1 without gaps.
type Event struct {
	Change
	Number     uint64
	Kind       Kind
	RecordedAt time.Time
	// From is, of a RelayFrom, the number of the event behind which opt-outs are
	// relayed; else zero.
	From uint64
}

// aboutPair reports whether events of this kind are about a pair.
func (k Kind) aboutPair() bool {
	return k >= OptedOut && k <= Untold && k != LossAccepted
}
