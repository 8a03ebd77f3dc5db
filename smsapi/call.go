package smsapi

import "github.com/stopgate/stopgate/phone"

// Kind is what a request wants, as far as opt-outs are concerned.
type Kind uint8

const (
	// Other is a request that messages nobody and changes no opt-out.
	Other Kind = iota
	// Stop asks that one sender no longer messages one phone.
	Stop
	// Send would message the phones that it names.
	Send
	// FanOut would message recipients whom only the backend knows.
	FanOut
	// Subscribe puts a phone (back) on a sender.
	Subscribe
)

// String is the kind's name in logs and metrics.
func (k Kind) String() string {
	switch k {
	case Stop:
		return "stop"
	case Send:
		return "send"
	case FanOut:
		return "fan_out"
	case Subscribe:
		return "subscribe"
	default:
		return "other"
	}
}

// Call is one request as read by an [API]: what it wants, on whose account, and
// of whom. Its strings may share memory with the request; keep none of them
// beyond the request, and never log Password.
//
// A Call is reused between requests: call [Call.Reset] before reading into it.
type Call struct {
	Kind Kind

	// Realm is the account in canonical form ([CanonicalRealm]), never empty for
	// a Stop, Send, FanOut or Subscribe.
	Realm string

	// RealmFolded: the realm was written with characters outside ASCII, or with those
	// of lists and quotes. Databases and servers differ in which names they take for
	// the same, so Realm stands for what was meant only if there is an account of that
	// name.
	RealmFolded bool

	// Password as it was sent. Empty if the request carries none.
	Password string

	// Recipients are the phones that the request names, with the sender each
	// would be messaged by. A Stop and a Subscribe have exactly one, a Send at
	// least one. A FanOut has exactly one, without phones: its senders.
	Recipients []Recipient

	// Named is the pair that a Subscribe names, where all its readings are other forms of
	// one phone and of one name. What is put back is what it names, so that its opt-out can
	// be lifted; a backend that reads another of them puts that back.
	Named Named

	one     [1]Recipient
	phones  [8]phone.Number
	senders [4]phone.Sender
}

// Recipient is one phone and the sender that would message it, each with every
// reading that a backend could take of what was written. For a Stop each list
// has exactly one entry: the canonical form.
type Recipient struct {
	Phones []phone.Number
	// Senders is empty where the request names no sender. Such a send counts for
	// every sender of the realm.
	Senders []phone.Sender
}

// Named is one phone and one sender, or no sender for none.
type Named struct {
	Phone  phone.Number
	Sender phone.Sender
}

// Reset empties the call for the next request and keeps its memory.
func (c *Call) Reset() {
	recipients := c.Recipients[:0]
	clear(recipients[:cap(recipients)])
	*c = Call{Recipients: recipients}
}

// One makes the call's only recipient and returns it, with empty lists whose
// first entries need no allocation.
func (c *Call) One() *Recipient {
	c.Recipients = c.one[:1]
	c.one[0] = Recipient{Phones: c.phones[:0], Senders: c.senders[:0]}
	return &c.one[0]
}
