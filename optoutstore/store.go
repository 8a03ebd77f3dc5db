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

// State is where a pair stands: the outcome of the events about it.
type State struct {
	Pair
	InForce bool
	// Number of the event that made it so: the newest opt-out or lift.
	Number uint64
	// EffectiveAt is when the person said it, RecordedAt when it was written
	// here, both of that event.
	EffectiveAt, RecordedAt time.Time

	// Told is whether the backend was told of an opt-out in force: a Told came
	// behind the newest opt-out and no Untold since.
	Told bool
	// Last is the number of the newest event of any kind about the pair. It is above
	// Number where a Told or an Untold came since.
	Last uint64
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

	// Import records opt-outs, at most MaxImport, in their order, and all or none of
	// them, under the promise of OptOut. Importing the same again records nothing: a
	// change is Known, and skipped, where its pair is in force already, or was lifted
	// at a time that is not before the change's EffectiveAt. Where that is zero, which
	// means now, no lift is that late.
	//
	// The results are in the order of changes. A change that cannot be stored is
	// ErrInvalid, says which, and then nothing is recorded.
	Import(ctx context.Context, changes []Change) ([]Imported, error)

	// Told records, under the promise of OptOut, that the backend was told of an
	// opt-out. seen is the Last of the State that it was told of; where another event
	// about the pair has come since, nothing is recorded and ErrChanged returned, and
	// where it is not in force, ErrNotOptedOut. Where the backend has been told
	// already, nothing is recorded and the Event is zero.
	Told(ctx context.Context, c Change, seen uint64) (Event, error)

	// Untell records, under the promise of OptOut, that the backend has to be told of
	// an opt-out again, as it may have forgotten it. Where it has not been told
	// anyway, nothing is recorded and the Event is zero; where the pair is not in
	// force, the error is ErrNotOptedOut.
	Untell(ctx context.Context, c Change) (Event, error)

	// Untold counts like InForce, but only the opt-outs that the backend has not been
	// told of.
	Untold(ctx context.Context, realm string, sender phone.Sender) (uint64, error)

	// SetRelayFrom records, under the promise of OptOut, that opt-outs of c.Realm are
	// relayed which have a number above from. c names no sender and no phone, and
	// from is at most the number of the newest event, else the error is ErrInvalid.
	// Each call records an event, whatever was set before.
	SetRelayFrom(ctx context.Context, c Change, from uint64) error

	// RelayFrom returns what SetRelayFrom recorded last for a realm, and whether it
	// was called for it at all.
	RelayFrom(ctx context.Context, realm string) (from uint64, set bool, err error)

	// States calls fn for each pair that matches f, in the order of Pair.Compare,
	// until fn returns an error, which it returns.
	//
	// It is not one snapshot, so that a slow fn holds nothing up: a pair that changes
	// meanwhile is seen as it was or as it is. A pair that matches all the while is
	// seen once.
	States(ctx context.Context, f Filter, fn func(State) error) error

	// History calls fn for each event about a phone in any realm, oldest first.
	History(ctx context.Context, p phone.Number, fn func(Event) error) error

	// Detail returns the event that made a state so, the one with its Number. Where
	// there is no such event about its pair the error is ErrInvalid.
	Detail(ctx context.Context, s State) (Event, error)

	// Events calls fn for each event of whatever kind behind the place after, in the
	// order of their numbers, up to the newest that a Lookup sees, each with the place
	// behind it. It returns the place that was reached: behind the last event that fn
	// returned nil for. The zero Place is in front of the first event. An error of fn
	// ends it and is returned.
	Events(ctx context.Context, after Place, fn func(Event, Place) error) (Place, error)

	// Wait returns once every Lookup sees an event with a number above after.
	Wait(ctx context.Context, after uint64) error

	// Stats describes the store as it is now.
	Stats(ctx context.Context) (Stats, error)

	// Verify reads all there is and checks everything that can be checked, while the
	// store is in use. It calls progress, unless it is nil, every now and then.
	Verify(ctx context.Context, progress func(done, total uint64)) error

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
	// After selects the pairs that come behind this one by Pair.Compare, whether or
	// not there is such a pair. It is what a listing goes on from.
	After Pair
	// Since selects the states whose RecordedAt is not before it.
	Since time.Time
}

// MaxImport is how many changes one Import takes.
const MaxImport = 1000

// Imported is what became of one change of an Import.
type Imported struct {
	// Event is what was recorded; zero where Known.
	Event Event
	// Known: the store knows better, and nothing was recorded.
	Known bool
}

// Stats describes a store.
type Stats struct {
	// Events is the number of the newest event that lookups see.
	Events uint64
	// InForce counts the opt-outs in force, Untold those of them that the backend has
	// not been told of.
	InForce, Untold uint64
	// Senders has the same for each realm and sender with any in force, ordered by
	// the length of the realm, the realm, and the sender.
	Senders []SenderCount
	// Oldest and Newest are when the first event and the one numbered Events were
	// recorded; zero where there is none.
	Oldest, Newest time.Time
	// JournalBytes and IndexBytes are the sizes of the journal and of the index.
	JournalBytes, IndexBytes int64
	// Format is the version of the store's layout, ID names the store.
	Format int
	ID     string
}

// SenderCount counts the opt-outs of one sender of one realm.
type SenderCount struct {
	Realm           string
	Sender          phone.Sender
	InForce, Untold uint64
}

// Health is what a store can do at present.
type Health struct {
	// Readable is false while the index is rebuilt, or after damage. Lookups may
	// still find opt-outs, which stand; all else is an error.
	Readable bool
	// Writable is false where stops cannot be recorded: no space, an error of the
	// journal, or not Readable.
	Writable bool
	// Damaged is true where a part of the journal can no longer be read. What the
	// index knows is enforced and recorded all the same.
	Damaged bool
	// InMemory is true once the phones of all opt-outs are held in memory, so that
	// most lookups need no more. It is false for a while after each open and each
	// building of the index. Lookups are right all the same.
	InMemory bool
	// Reason says why one of these is not as it should be, for an operator. It holds
	// no phone.
	Reason string
	// Events is the number of the newest event in the journal.
	Events uint64
	// Applied is the number of the newest event that the index holds.
	Applied uint64
	// LastWrite is when events were written last, zero if not since the store was
	// opened.
	LastWrite time.Time
	// FreeSpace is how many bytes the disk had left when it was last asked, 1 if none
	// were; zero where nobody can say.
	FreeSpace uint64
}
