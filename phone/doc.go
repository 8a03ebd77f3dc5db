// Package phone holds the canonical forms of the two ends of a text message:
// the recipient's phone and the sender code. It is pure functions and values;
// it does no I/O and knows nothing of HTTP, Caddy or the opt-out list.
//
// A phone in canonical form is a [Number]: its E.164 digits without the plus.
// A sender in canonical form is a [Sender]. A [Region] turns what people write
// into these: strictly for a stop (one meaning or an error), and for a send
// into every reading that a backend could take.
package phone
