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

// A realm that is not configured may mean one that is: a program cleans it, or takes it for
// a pattern. What has opted out of that realm is blocked under such a name as well, and
// only its password opens the reason. Everything else passes.
func TestRealmsThatMayMeanAnother(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	const other = "13105550000"
	as := func(realm, query string) string { return strings.Replace(query, "r="+testRealm, "r="+realm, 1) }
	wrong := func(query string) string { return strings.Replace(query, "p="+testPassword, "p=wrong", 1) }
	passed := func(query string) bool {
		b.take()
		g.get(query)
		return len(b.take()) > 0
	}
	fanOut := call("smssendmessagetosendercode", "sender_code", testSender, "message_name", "m")
	subscribe := call("addphonetosendercode", "phone", testPhone, "sender_code", testSender)
	told := g.get(sendTo(testPhone)).Body
	badLogin := g.get(wrong(stopOf(testPhone))).Body

	for realm, passes := range map[string]bool{
		"my%5Crealm": false, "my-realm": false, "my.realm": false, "my1realm": false,
		"m_realm": false, ".*": false, "myrealm%2Fx": false, "x%2Fmyrealm": false,
		"otherrealm": true, "myrealm2": true, "myrealm-uk": true, "myrealmshop": true, "realm": true,
	} {
		for name, query := range map[string]string{"send": sendTo(testPhone), "fan-out": fanOut, "subscribe": subscribe} {
			if got := passed(as(realm, query)); got != passes {
				t.Errorf("%s: a %s passes: %v", realm, name, got)
			}
		}
		if !passed(as(realm, sendTo(other))) {
			t.Errorf("%s: a send to a phone that has not opted out is held back", realm)
		}
	}
	if body := g.get(as("my-realm", sendTo(testPhone))).Body; body != told {
		t.Errorf("with the password of the realm that is meant: %q, want %q", body, told)
	}
	if body := g.get(wrong(as("my-realm", sendTo(testPhone)))).Body; body != badLogin {
		t.Errorf("without it: %q, want %q", body, badLogin)
	}
	if g.get(as("my-realm", stopOf(other))).Body == stopSuccess {
		t.Error("a stop is taken for a realm that it does not name")
	}
}
