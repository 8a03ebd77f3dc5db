package smsapi

import (
	"net/http"
	"net/url"

	"github.com/stopgate/stopgate/phone"
)

// Relayer is an [API] whose backend can be told of an opt-out by a request of the
// gateway's own.
type Relayer interface {
	API

	// StopRequest makes the backend's own request that asks sender to stop
	// messaging to, for the endpoint that the backend has. The password is not in
	// its URL. Its errors hold neither password nor phone.
	StopRequest(endpoint *url.URL, realm, password string, sender phone.Sender, to phone.Number) (*http.Request, error)

	// Failed reports whether the backend's answer says that it has read the request
	// and does not carry it out, and the reason as it stands there: it may repeat
	// the password and the phone. What is neither Accepted nor Failed is no answer
	// of this API.
	Failed(status int, body []byte) (reason string, failed bool)
}
