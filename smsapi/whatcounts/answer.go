package whatcounts

import (
	"net/http"
	"strconv"

	"github.com/stopgate/stopgate/smsapi"
)

// stopped is the provider's own line for a stop that was carried out.
const stopped = "SUCCESS: Stopping message to phone was successful"

// reply is an outcome in the API's shape.
type reply struct {
	status int
	line   string
}

// replies are the answers to commands. They are 200 throughout but for what a
// client should try again: client libraries take other statuses for an error of
// the connection, not of the command.
var replies = map[smsapi.Outcome]reply{
	smsapi.Recorded:       {http.StatusOK, stopped},
	smsapi.OptedOut:       {http.StatusOK, "FAILURE: The phone has opted out of this sender, so the message was not sent"},
	smsapi.Resubscribed:   {http.StatusOK, "FAILURE: The phone has opted out of this sender and cannot be added to it again"},
	smsapi.FanOutUnsafe:   {http.StatusOK, "FAILURE: Phones have opted out of this sender that the SMS backend may not know of, so the message was not sent to its subscribers; send it again later, or to the phones one by one"},
	smsapi.FanOutBlocked:  {http.StatusOK, "FAILURE: Messages to all subscribers of a sender are not allowed here"},
	smsapi.BadCredentials: {http.StatusOK, "FAILURE: The realm is unknown or the password is wrong"},
	smsapi.Busy:           {http.StatusServiceUnavailable, "FAILURE: The realm and password cannot be checked at present, try again later"},
	smsapi.Unavailable:    {http.StatusServiceUnavailable, "FAILURE: The opt-out list cannot answer at present, try again later"},
	smsapi.RelayBusy:      {http.StatusServiceUnavailable, "FAILURE: Another request about this phone is under way, try again later"},
	smsapi.Broken:         {http.StatusInternalServerError, "FAILURE: The gateway failed inside, and nothing was sent"},
}

// blockedUnchecked is Busy for what is blocked whatever the password.
var blockedUnchecked = reply{http.StatusOK, "FAILURE: The message was not sent, and its realm and password could not be checked to say why"}

// Answer writes one line, as the provider does. See [smsapi.API].
func (a *API) Answer(w http.ResponseWriter, _ *smsapi.Call, answer smsapi.Answer) {
	rep, ok := replies[answer.Outcome]
	if !ok {
		rep = replies[smsapi.Broken]
	}
	h := w.Header()
	if refusal := answer.Refusal; answer.Outcome == smsapi.Refused && refusal != nil {
		rep = reply{refusal.Status, "FAILURE: " + refusal.Reason}
		if refusal.Allow != "" {
			h.Set("Allow", refusal.Allow)
		}
	}
	if answer.Outcome == smsapi.Busy && answer.RetryAfter == 0 {
		rep = blockedUnchecked
	}
	switch {
	case rep.status == http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(max(1, answer.RetryAfter)))
	case rep.status < http.StatusInternalServerError && answer.Outcome != smsapi.Recorded:
		// Some client libraries try again what will not change unless told so.
		h.Set("X-Should-Retry", "false")
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(rep.line)))
	w.WriteHeader(rep.status)
	// A client that has gone away is no error here: what was decided stands.
	_, _ = w.Write([]byte(rep.line))
}
