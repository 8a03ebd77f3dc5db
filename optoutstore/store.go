package optoutstore

import (
	"context"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// AnyRealm is the realm of an opt-out that covers every realm.
const AnyRealm = "*"

// Pair is what an opt-out is about: one sender of one realm and one phone, each
// in canonical form. Sender [phone.AnySender] covers every sender of the realm,
// realm [AnyRealm] covers every realm.
type Pair struct {
	Realm  string
	Sender phone.Sender
	Phone  phone.Number
}

// Query asks whether an opt-out in force covers any of the combinations of
// Senders and Phones in Realm. Every scope counts: the pair itself, sender "*",
// realm "*". Without Senders it asks for any sender of the realm.
type Query struct {
	Realm   string
	Senders []phone.Sender
	Phones  []phone.Number
}

// State is where a pair stands: the outcome of the newest event about it.
type State struct {
	Pair
	InForce bool
	// Number of the event that made it so.
	Number uint64
	// EffectiveAt is when the person said it, RecordedAt when it was written
	// here, both of that event.
	EffectiveAt, RecordedAt time.Time
}

// Store is the opt-out list. Its methods are called by many goroutines at once.
//
// Every error means "not known": a caller that must not message someone against
// their will treats it as an opt-out. The errors are those of errors.go and hold
// no phone.
type Store interface {
	// Lookup returns an opt-out in force that covers q, and whether there is one.
	// Where several cover it, the widest need not be the one returned.
	Lookup(ctx context.Context, q Query) (State, bool, error)

	// InForce counts the opt-outs in force that a message of sender in realm could
	// meet, of whatever phone: the sender's own, and those of the wider scopes.
	// An empty sender means all senders of the realm. It does not scan.
	InForce(ctx context.Context, realm string, sender phone.Sender) (uint64, error)

	// OptOut records an opt-out. When it returns without an error the event is on
	// disk and every later Lookup sees it. The event's kind is OptedOut, or
	// OptedOutAgain where the pair had opted out already.
	//
	// When ctx ends first, the event may or may not be recorded; Lookup tells.
	OptOut(ctx context.Context, c Change) (Event, error)

	// Lift ends an opt-out, under the same promise. Lifting a pair that has not
	// opted out records nothing and returns ErrNotOptedOut.
	//
	// seen is the number of the State that the caller decided upon; zero means that
	// any will do. Where another event about the pair has come since, nothing is
	// recorded and ErrChanged returned: an opt-out that was asserted again
	// meanwhile must not be lifted by who has not heard of it.
	Lift(ctx context.Context, c Change, seen uint64) (Event, error)

	// States calls fn for each pair that matches f, in no promised order, until
	// fn returns an error, which it returns.
	States(ctx context.Context, f Filter, fn func(State) error) error

	// History calls fn for each event about a phone in any realm, oldest first.
	History(ctx context.Context, p phone.Number, fn func(Event) error) error

	// Health says whether the store can be read and written now.
	Health() Health

	// Close waits for writes under way, and releases files and locks. Methods
	// called later return ErrClosed.
	Close() error
}

// Filter selects states. Empty fields match all.
type Filter struct {
	Realm  string
	Sender phone.Sender
	Phone  phone.Number
	// Lifted includes pairs whose opt-out was lifted.
	Lifted bool
}

// Health is what a store can do at present.
type Health struct {
	// Readable is false while the index is rebuilt, or after damage.
	Readable bool
	// Writable is false where stops cannot be recorded: no space, an error of the
	// journal, or not Readable.
	Writable bool
	// Damaged is true where a part of the journal can no longer be read. What the
	// index knows is enforced and recorded all the same.
	Damaged bool
	// Reason says why one of these is not as it should be, for an operator. It holds
	// no phone.
	Reason string
	// Events is the number of the newest event in the journal.
	Events uint64
	// Applied is the number of the newest event that the index holds.
	Applied uint64
}
