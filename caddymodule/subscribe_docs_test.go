package caddymodule

import (
	"net/http"
	"strings"
	"testing"
)

// The table of docs/configuration.md on subscribes: who gets what under which policy.
func TestSubscribeTable(t *testing.T) {
	const (
		accepted  = "SUCCESS: Adding phone to sender code was successful"
		optedOut  = "FAILURE: The phone has opted out of this sender and cannot be added to it again"
		wrongPass = "FAILURE: The realm is unknown or the password is wrong"
	)
	b := newBackend(t)
	b.answers(func(r received) (int, http.Header, string) {
		if strings.Contains(r.Target, "addphonetosendercode") {
			return 200, nil, accepted
		}
		return 200, nil, sendSuccess
	})
	g := startGateway(t, b, options{})
	for _, tc := range []struct {
		name, phone, sender, password string
		stop                          string // the sender that the phone has stopped
		refuse, lift, forward         string
		lifted                        bool
	}{
		{"has not opted out", testPhone, "MyBrand", testPassword, "", accepted, accepted, accepted, false},
		{"exactly the sender", testPhone, "MyBrand", testPassword, "MyBrand", optedOut, accepted, accepted, true},
		{"another spelling of the sender", testPhone, "My-Brand", testPassword, "MyBrand", optedOut, optedOut, accepted, false},
		{"several readings of the phone", "2065551212", "MyBrand", testPassword, "MyBrand", optedOut, optedOut, accepted, false},
		{"a wrong password", testPhone, "MyBrand", "wrong", "MyBrand", wrongPass, wrongPass, accepted, false},
	} {
		for policy, want := range map[string]string{"refuse": tc.refuse, "lift": tc.lift, "forward": tc.forward} {
			t.Run(tc.name+", "+policy, func(t *testing.T) {
				name, _ := newTestStore(t)
				g.reload(options{backend: b.addr, store: "test " + name, site: "subscribe " + policy})
				if tc.stop != "" {
					if r := g.get(call("smsstopsubscribersend", "phone", testPhone, "sender_code", tc.stop)); r.Body != stopSuccess {
						t.Fatalf("stop: %q", r.Body)
					}
				}
				b.take()
				r := g.get(call("addphonetosendercode", "phone", tc.phone, "sender_code", tc.sender, "p", tc.password))
				if forwarded := len(b.take()) > 0; r.Body != want || forwarded != (want == accepted) {
					t.Errorf("%q, forwarded: %v, want %q", r.Body, forwarded, want)
				}
				r = g.get(call("smssendmessagetophone", "phone", testPhone, "sender_code", "MyBrand", "message_text", "hello"))
				passes := tc.stop == "" || policy == "lift" && tc.lifted
				if passes != (r.Body == sendSuccess) {
					t.Errorf("a send afterwards: %q", r.Body)
				}
			})
		}
	}
}
