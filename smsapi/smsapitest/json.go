// Package smsapitest is a second provider's API for tests: small, and unlike
// WhatCounts' in every respect that the handler must not depend on. A request
// is JSON, names many recipients, and is answered in JSON with statuses of its own.
//
//	POST /v1/messages
//	{"account": "a", "key": "k", "messages": [{"to": "12065551212", "from": "MyBrand"}]}
//
// A send with opted-out recipients is answered 403 with their indexes.
package smsapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// JSON returns the API for phones that, where they are written without a country
// code, are of region.
func JSON(region *phone.Region) smsapi.API { return &api{region} }

type api struct{ region *phone.Region }

// send is the body of a request.
type send struct {
	Account  string `json:"account"`
	Key      string `json:"key"`
	Messages []struct {
		To   string `json:"to"`
		From string `json:"from"`
	} `json:"messages"`
}

func (a *api) Guards(u *url.URL) bool { return smsapi.PathNames(u, "messages") }

func (a *api) Read(r *http.Request, body *smsapi.Body, call *smsapi.Call) *smsapi.Refusal {
	if refusal := smsapi.ConnectionRefusal(r); refusal != nil {
		return refusal
	}
	decoding, refusal := smsapi.DecodingRefusal(r)
	if refusal != nil {
		return refusal
	}
	if decoding.SingleBytes {
		return refusedType
	}
	raw, refusal := body.Bytes()
	if refusal != nil {
		return refusal
	}
	if len(raw) == 0 {
		return nil // nothing to send: the zero Call is Other
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return refusedType
	}
	var req send
	if err := unmarshal(raw, &req); err != nil {
		return refusedJSON
	}
	if len(req.Messages) == 0 {
		return refusedEmpty
	}
	call.Kind = smsapi.Send
	call.Password = req.Key
	if call.Realm, err = smsapi.CanonicalRealm(req.Account); err != nil {
		return refusedAccount
	}
	for _, message := range req.Messages {
		to := smsapi.Recipient{}
		if to.Phones, err = a.region.Readings(nil, message.To); err != nil {
			return refusedNumber
		}
		if message.From != "" {
			if to.Senders, err = a.region.SenderReadings(nil, message.From); err != nil {
				return refusedNumber
			}
		}
		call.Recipients = append(call.Recipients, to)
	}
	return nil
}

var (
	refusedType    = &smsapi.Refusal{Status: http.StatusUnsupportedMediaType, Code: "body_type", Reason: "The body must be application/json"}
	refusedJSON    = &smsapi.Refusal{Status: http.StatusBadRequest, Code: "json", Reason: "The body is not strict JSON of the documented names"}
	refusedEmpty   = &smsapi.Refusal{Status: http.StatusBadRequest, Code: "no_messages", Reason: "There are no messages"}
	refusedAccount = &smsapi.Refusal{Status: http.StatusBadRequest, Code: "account", Reason: "The account is missing or unreadable"}
	refusedNumber  = &smsapi.Refusal{Status: http.StatusBadRequest, Code: "number", Reason: "A message's to or from is unreadable"}
)

var errKey = errors.New("a key that is repeated or spelt differently")

// unmarshal is json.Unmarshal for bodies that mean one thing to every parser: no
// key twice in any spelling, nothing behind the value, no unknown key.
func unmarshal(raw []byte, into any) error {
	if err := uniqueKeys(json.NewDecoder(bytes.NewReader(raw))); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errKey
	}
	return nil
}

// uniqueKeys walks one value.
func uniqueKeys(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			key, _ := name.(string)
			if key != strings.ToLower(key) || seen[key] {
				return errKey
			}
			seen[key] = true
		}
		if err := uniqueKeys(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func (a *api) Accepted(status int, _ []byte) bool { return status/100 == 2 }

// failure is the body of every answer.
type failure struct {
	Error struct {
		Code     string `json:"code"`
		Message  string `json:"message,omitempty"`
		Messages []int  `json:"messages,omitempty"`
	} `json:"error"`
}

func (a *api) Answer(w http.ResponseWriter, _ *smsapi.Call, answer smsapi.Answer) {
	status, body := http.StatusForbidden, failure{}
	switch answer.Outcome {
	case smsapi.OptedOut:
		body.Error.Code, body.Error.Messages = "opted_out", answer.Blocked
	case smsapi.BadCredentials:
		status, body.Error.Code = http.StatusUnauthorized, "credentials"
	case smsapi.Busy, smsapi.Unavailable, smsapi.RelayBusy:
		status, body.Error.Code = http.StatusServiceUnavailable, "try_again"
		w.Header().Set("Retry-After", strconv.Itoa(max(1, answer.RetryAfter)))
	case smsapi.Refused:
		status, body.Error.Code, body.Error.Message = answer.Refusal.Status, answer.Refusal.Code, answer.Refusal.Reason
	default:
		status, body.Error.Code = http.StatusInternalServerError, "broken"
	}
	line, _ := json.Marshal(body) // strings and numbers always marshal
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Should-Retry", strconv.FormatBool(status == http.StatusServiceUnavailable))
	w.WriteHeader(status)
	_, _ = w.Write(line)
}
