package whatcounts

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/smsapi"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer smsapi.Answer
		status int
		begins string
		retry  string
	}{
		"recorded":        {smsapi.Answer{Outcome: smsapi.Recorded}, 200, "SUCCESS: Stopping message to phone was successful", ""},
		"opted out":       {smsapi.Answer{Outcome: smsapi.OptedOut, Blocked: []int{0}}, 200, "FAILURE: The phone has opted out of this sender", ""},
		"resubscribed":    {smsapi.Answer{Outcome: smsapi.Resubscribed}, 200, "FAILURE: The phone has opted out", ""},
		"fan-out, unsafe": {smsapi.Answer{Outcome: smsapi.FanOutUnsafe}, 200, "FAILURE: Phones have opted out", ""},
		"fan-out":         {smsapi.Answer{Outcome: smsapi.FanOutBlocked}, 200, "FAILURE: ", ""},
		"credentials":     {smsapi.Answer{Outcome: smsapi.BadCredentials}, 200, "FAILURE: The realm is unknown or the password is wrong", ""},
		"busy":            {smsapi.Answer{Outcome: smsapi.Busy, RetryAfter: 3}, 503, "FAILURE: ", "3"},
		"unavailable":     {smsapi.Answer{Outcome: smsapi.Unavailable}, 503, "FAILURE: ", "1"},
		"relay busy":      {smsapi.Answer{Outcome: smsapi.RelayBusy, RetryAfter: 5}, 503, "FAILURE: ", "5"},
		"broken":          {smsapi.Answer{Outcome: smsapi.Broken}, 500, "FAILURE: ", ""},
		"unknown outcome": {smsapi.Answer{Outcome: 99}, 500, "FAILURE: ", ""},
		"refused":         {smsapi.Answer{Outcome: smsapi.Refused, Refusal: refusedCommand}, 400, "FAILURE: " + refusedCommand.Reason, ""},
		"no refusal":      {smsapi.Answer{Outcome: smsapi.Refused}, 500, "FAILURE: ", ""},
		"stop by PUT":     {smsapi.Answer{Outcome: smsapi.Refused, Refusal: refusedStopMethod}, 405, "FAILURE: ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			newFixture(t, "").api.Answer(w, new(smsapi.Call), c.answer)
			line := w.Body.String()
			if w.Code != c.status || !strings.HasPrefix(line, c.begins) {
				t.Errorf("%d %q, want %d %q", w.Code, line, c.status, c.begins)
			}
			if strings.Count(line, ":") != 1 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q is not one line with one colon", line)
			}
			for header, want := range map[string]string{
				"Content-Type":   "text/plain; charset=utf-8",
				"Cache-Control":  "no-store",
				"Content-Length": strconv.Itoa(len(line)),
				"Retry-After":    c.retry,
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if (w.Header().Get("Allow") == "GET, POST") != (c.status == 405) {
				t.Errorf("Allow: %q", w.Header().Get("Allow"))
			}
			if retry := w.Header().Get("X-Should-Retry") == "false"; retry != (c.status < 500 && name != "recorded") {
				t.Errorf("X-Should-Retry: %q", w.Header().Get("X-Should-Retry"))
			}
		})
	}
	if got := stopped; got != "SUCCESS: Stopping message to phone was successful" {
		t.Errorf("the stop's line is %q", got)
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		"SUCCESS: Adding phone to sender code was successful": true,
		"SUCCESS":          true,
		"SUCCESS:":         true,
		"\r\n SUCCESS: ":   true,
		"SUCCESSFUL":       false,
		"success: x":       false,
		"FAILURE: SUCCESS": false,
		"":                 false,
		"<data>SUCCESS":    false,
	} {
		api := newFixture(t, "").api
		if got := api.Accepted(200, []byte(head)); got != want {
			t.Errorf("Accepted(200, %q) = %v", head, got)
		}
		if api.Accepted(500, []byte(head)) || api.Accepted(201, []byte(head)) {
			t.Errorf("accepted %q by another status than 200", head)
		}
	}
}
