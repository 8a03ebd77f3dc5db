package caddymodule

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
)

// Each stop, lift, block and refusal writes one line with the fields that
// docs/operations.md names, and with the decision that the answer carries.
func TestLogLines(t *testing.T) {
	b := newBackend(t)
	log := filepath.Join(t.TempDir(), "log")
	caddyLog := "log {\n output file " + log + "\n include " + ourLoggers + "\n}"
	g := startGateway(t, b, options{caddy: caddyLog, site: "subscribe lift"})
	number := func(line map[string]any, field string) float64 { n, _ := line[field].(float64); return n }
	for _, tc := range []struct {
		query, message string
		fields         map[string]string
		event, optOut  float64
	}{
		{stopOf(heldPhone), "stop recorded", map[string]string{"level": "info", "call": "stop", "outcome": "recorded", "kind": "opted_out"}, 1, 0},
		{stopOf(heldPhone), "stop recorded", map[string]string{"call": "stop", "outcome": "repeated", "kind": "opted_out_again"}, 2, 0},
		{sendTo(heldPhone), "blocked", map[string]string{"level": "info", "call": "send", "outcome": "blocked", "code": "opted_out", "scope": "pair"}, 0, 2},
		{strings.Replace(sendTo(heldPhone), testPassword, "sesame", 1), "blocked; the password is wrong as well", map[string]string{"outcome": "blocked", "code": "opted_out"}, 0, 2},
		{stopOf("1-415"), "refused", map[string]string{"level": "warn", "call": "stop", "outcome": "refused", "code": "phone_not_digits"}, 0, 0},
		{strings.Replace(subscribeOf(heldPhone), testPassword, "sesame", 1), "blocked; the password is wrong as well", map[string]string{"level": "info", "call": "subscribe", "outcome": "blocked", "code": "resubscribed"}, 0, 2},
		{call("addphonetosendercode", "phone", heldPhone, "sender_code", testSender), "opt-out lifted: subscribed again", map[string]string{"call": "subscribe", "outcome": "forwarded"}, 3, 2},
		{sendTo(freePhone), "", nil, 0, 0},
	} {
		before, checks := tail(t, log), credentialChecks(t)
		r := g.get(tc.query)
		written := strings.TrimPrefix(tail(t, log), before)
		if n := credentialChecks(t) - checks; n > 1 {
			t.Errorf("%s: the password was checked %v times", tc.message, n)
		}
		if tc.message == "" {
			if written != "" {
				t.Errorf("a send that passes wrote %s", written)
			}
			continue
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(written), &line); err != nil {
			t.Fatalf("%s: not one line: %q", tc.message, written)
		}
		if line["msg"] != tc.message || number(line, "event") != tc.event || number(line, "opt_out") != tc.optOut {
			t.Errorf("%s, event %v, opt-out %v: %s", tc.message, tc.event, tc.optOut, written)
		}
		for field, want := range tc.fields {
			if line[field] != want {
				t.Errorf("%s: %s is %v, want %s", tc.message, field, line[field], want)
			}
		}
		id, _ := line["decision"].(string)
		if header := r.Header.Get(decisionHeader); id == "" || header != "" && header != id {
			t.Errorf("%s: decision %q, the answer has %q", tc.message, id, header)
		}
		if tc.event > 0 {
			wantInHistory(t, id)
		}
	}

	// What is changed by another way than a request writes a line as well.
	before := tail(t, log)
	shared, _ := onlyStore(t)
	if _, err := shared.OptOut(t.Context(), optoutstore.Change{Pair: pairOf(testRealm, testSender, heldPhone), Source: optoutstore.SourceCLI, RequestID: "by-hand"}); err != nil {
		t.Fatal(err)
	}
	written := strings.TrimPrefix(tail(t, log), before)
	if !strings.Contains(written, "opt-out recorded") || !strings.Contains(written, `"decision":"by-hand"`) || strings.Contains(written, heldPhone) {
		t.Errorf("%s", written)
	}
}

// credentialChecks is how many passwords were checked.
func credentialChecks(t *testing.T) (n float64) {
	for name, value := range scrape(t) {
		if strings.HasPrefix(name, "credential_checks_total{") {
			n += value
		}
	}
	return n
}

// wantInHistory asserts that the newest event about heldPhone has a request ID.
func wantInHistory(t *testing.T, id string) {
	t.Helper()
	shared, _ := onlyStore(t)
	var newest optoutstore.Event
	err := shared.History(t.Context(), pairOf(testRealm, testSender, heldPhone).Phone, func(e optoutstore.Event) error {
		newest = e
		return nil
	})
	if err != nil || newest.RequestID != id {
		t.Errorf("%v: the history has %q, the decision was %q", err, newest.RequestID, id)
	}
}
