package whatcounts

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

var _ smsapi.Relayer = (*API)(nil)

// StopRequest is a POST with a form: a URL would carry the password and the phone
// into the access log of each server on the way.
func (a *API) StopRequest(endpoint *url.URL, realm, password string, sender phone.Sender, to phone.Number) (*http.Request, error) {
	form := url.Values{
		"c":           {commandStop},
		"r":           {realm},
		"p":           {password},
		"phone":       {to.Digits()},
		"sender_code": {string(sender)},
	}
	r, err := http.NewRequest(http.MethodPost, endpoint.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r, nil
}

// Failed reports whether the backend's answer begins with the word FAILURE, which
// comes with status 200. The reason is the rest of the line.
func (a *API) Failed(status int, body []byte) (reason string, failed bool) {
	if status != http.StatusOK {
		return "", false
	}
	rest, ok := afterWord(body, "FAILURE")
	if !ok {
		return "", false
	}
	rest = bytes.TrimLeft(rest, ": \t")
	if end := bytes.IndexAny(rest, "\r\n"); end >= 0 {
		rest = rest[:end]
	}
	return string(bytes.TrimSpace(rest)), true
}

// afterWord returns what follows the first word of an answer, if it is this one.
func afterWord(answer []byte, word string) (rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(answer, " \t\r\n"), []byte(word))
	return rest, ok && (len(rest) == 0 || strings.IndexByte(": \r\n", rest[0]) >= 0)
}
