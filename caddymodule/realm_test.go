package caddymodule

import (
	"net/http"
	"strings"
	"testing"
)

// A realm outside ASCII that is no account's may be one's to the backend's database.
// One that folds to an account's is that account, and an unknown one in ASCII is
// nobody's business here.
func TestFoldedRealms(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	for realm, want := range map[string]string{
		"myrealm%E0%A6%83":   "refused", // MySQL's default ignores a visarga
		"my%EA%9E%83ealm":    "refused", // and takes an insular r for an r
		"%D0%BCyrealm":       "refused",
		"m%C3%BDrealm":       "blocked",
		"%6dyrealm":          "blocked",
		"otherrealm":         "forwarded",
		"%6ftherrealm":       "forwarded",
		"M%C3%9DREALM%20%20": "blocked",
	} {
		b.take()
		r := g.get(strings.Replace(sendTo(testPhone), "r="+testRealm, "r="+realm, 1))
		got := "forwarded"
		switch {
		case r.Status == http.StatusBadRequest:
			got = "refused"
		case r.Body != sendSuccess:
			got = "blocked"
		}
		if got != want || len(b.take()) > 0 != (want == "forwarded") {
			t.Errorf("%s: %s, want %s: %d %q", realm, got, want, r.Status, r.Body)
		}
	}
}
