package relay

// Result is what became of one delivery.
type Result uint8

const (
	// Told: the backend says that it has carried the stop out.
	Told Result = iota
	// ToldByText: it says that it has not, for a reason that the configuration
	// names as good enough.
	ToldByText
	// Failure: it says that it has not.
	Failure

	// What follows says nothing of the stop; the backend may or may not have
	// carried it out.

	// Unreachable: there was no connection, or it broke.
	Unreachable
	// TimedOut: there was no whole answer in time.
	TimedOut
	// HTTPStatus: the answer has another status than 200.
	HTTPStatus
	// Redirected: the answer leads elsewhere. It is not followed.
	Redirected
	// TooLong: the answer is longer than one of the API can be.
	TooLong
	// NotUnderstood: the answer is none of the API.
	NotUnderstood

	// NoPassword: the realm's password cannot be read, so the backend was not asked.
	NoPassword

	// Results is their number.
	Results
)

// String is the result's name in logs and metrics.
func (r Result) String() string {
	switch r {
	case Told:
		return "told"
	case ToldByText:
		return "told_by_text"
	case Failure:
		return "failure"
	case Unreachable:
		return "unreachable"
	case TimedOut:
		return "timeout"
	case HTTPStatus:
		return "http_status"
	case Redirected:
		return "redirect"
	case TooLong:
		return "too_long"
	case NotUnderstood:
		return "not_understood"
	case NoPassword:
		return "no_password"
	default:
		return "unknown"
	}
}

// told reports whether the backend knows now.
func (r Result) told() bool { return r <= ToldByText }

// answered reports whether the backend has answered in its API.
func (r Result) answered() bool { return r <= Failure }

// Answer is a result and its reason for an operator's eyes: one short line that
// holds neither the password nor a phone.
type Answer struct {
	Result Result
	Reason string
}
