package caddymodule

import "github.com/stopgate/stopgate/smsapi"

// outcome is what became of a request, in metrics, log lines, placeholders and
// traces.
type outcome uint8

const (
	// outcomeFailed: the list or the password could not be checked, or the gateway
	// failed inside. It is the zero value, for what was not decided has failed.
	outcomeFailed outcome = iota
	// outcomeForwarded: the next handler got the request.
	outcomeForwarded
	// outcomeRecorded: a stop of a pair that had not opted out.
	outcomeRecorded
	// outcomeRepeated: a stop of a pair that had.
	outcomeRepeated
	// outcomeBlocked: an opt-out or a policy forbids it.
	outcomeBlocked
	// outcomeWouldBlock: it would have been blocked or refused, and was forwarded
	// to observe.
	outcomeWouldBlock
	// outcomeRefused: the request is at fault.
	outcomeRefused

	outcomes = iota
)

// calls is how many kinds of calls there are.
const calls = int(smsapi.Subscribe) + 1

// String is the outcome's name for people and machines.
func (o outcome) String() string {
	switch o {
	case outcomeForwarded:
		return "forwarded"
	case outcomeRecorded:
		return "recorded"
	case outcomeRepeated:
		return "repeated"
	case outcomeBlocked:
		return "blocked"
	case outcomeWouldBlock:
		return "would_block"
	case outcomeRefused:
		return "refused"
	default:
		return "failed"
	}
}

// kindIndex is the place of a kind in an array of calls. One that a guest module
// has made up counts as other.
func kindIndex(k smsapi.Kind) int {
	if int(k) >= calls {
		return int(smsapi.Other)
	}
	return int(k)
}

// codeOf says why a request is answered by the gateway. Together with the codes of
// refusals they are a fixed set.
func codeOf(o smsapi.Outcome) string {
	switch o {
	case smsapi.OptedOut:
		return "opted_out"
	case smsapi.Resubscribed:
		return "resubscribed"
	case smsapi.FanOutUnsafe:
		return "fan_out_unsafe"
	case smsapi.FanOutBlocked:
		return "fan_out_blocked"
	case smsapi.BadCredentials:
		return "wrong_password"
	case smsapi.Busy:
		return "password_unchecked"
	case smsapi.Unavailable:
		return "store_unavailable"
	case smsapi.RelayBusy:
		return "relay_busy"
	case smsapi.Broken:
		return "broken"
	default:
		return ""
	}
}
