package smsapi

import (
	"net/http"
	"net/url"
)

// API is one provider's wire format: how to tell its requests from others, how
// to read one, and how to answer in its place. Its methods are called by many
// goroutines at once.
type API interface {
	// Guards reports whether a backend could take u for an endpoint of this API,
	// under any spelling of the path that a known server family folds to it. What
	// no API guards is forwarded unread.
	Guards(u *url.URL) bool

	// Read reads a guarded request into call, which is empty. A *Refusal says why
	// the request cannot be forwarded: it is malformed, or two readers could see
	// different things in it.
	//
	// Read asks body for its bytes only where they matter. It leaves the request
	// as it found it, so that what is forwarded afterwards is what was read.
	Read(r *http.Request, body *Body, call *Call) *Refusal

	// Accepted reports whether the backend's answer to a request of this API says
	// that the request was carried out. head is the beginning of the answer's
	// decoded body.
	Accepted(status int, head []byte) bool

	// Answer writes the gateway's own answer to a request. call is what Read made
	// of it, possibly incomplete where the answer is a refusal.
	Answer(w http.ResponseWriter, call *Call, answer Answer)
}

// Outcome is what the gateway decided about a request that it answers itself.
type Outcome uint8

const (
	// Recorded: the stop is on the list, durably.
	Recorded Outcome = iota + 1
	// OptedOut: the send would message a phone that opted out of its sender.
	OptedOut
	// Resubscribed: the subscribe names a pair that has opted out, and the
	// policy is to refuse.
	Resubscribed
	// FanOutUnsafe: the gateway holds opt-outs for the fan-out's sender that the
	// backend may not know.
	FanOutUnsafe
	// FanOutBlocked: the policy forbids fan-outs.
	FanOutBlocked
	// BadCredentials: unknown realm or wrong password; the same for both.
	BadCredentials
	// Busy: the credentials cannot be checked at present.
	Busy
	// Unavailable: the list cannot be read or written at present.
	Unavailable
	// RelayBusy: a subscribe would cross what the gateway is telling the backend of
	// its phone at present.
	RelayBusy
	// Refused: the request itself is at fault; Answer.Refusal says how.
	Refused
	// Broken: the gateway failed inside. The request was not forwarded.
	Broken
)

// Answer is a decision to be written in an API's own shape.
type Answer struct {
	Outcome Outcome
	// Refusal is set where Outcome is Refused.
	Refusal *Refusal
	// Blocked holds the indexes of the call's recipients that have opted out,
	// where Outcome is OptedOut or Resubscribed. For APIs that answer for each
	// recipient.
	Blocked []int
	// RetryAfter is in seconds, set where Outcome is Busy, Unavailable or RelayBusy and
	// the client should try again by itself. Busy without it is the answer to a send
	// that would be blocked whatever the credentials: a command's own failure,
	// which no client library repeats.
	RetryAfter int
}

// Refusal says why a request is not carried out because of what it says or how
// it says it. It holds no echo of the request.
type Refusal struct {
	// Status is the HTTP status: 200 for a command's own failure, 400 ambiguous
	// or malformed, 405 wrong method, 413 body too large, 414 query too long, 415 a
	// body that is not read, 425 early data, 431 cookies too long, 508 the gateway's
	// own request.
	Status int
	// Code names the rule for logs and metrics, in snake_case, from a fixed set.
	Code string
	// Reason is one line for the sender's developer: what is wrong and how to
	// write it instead. It holds no colon, for clients split the answer at it.
	Reason string
	// Allow is the Allow header of a 405.
	Allow string
}

func (r *Refusal) Error() string { return r.Reason }
