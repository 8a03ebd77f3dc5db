package whatcounts

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// The gateway's own stop is one that the gateway itself reads without a doubt: a
// request that two readers read alike.
func TestStopRequest(t *testing.T) {
	t.Parallel()
	a := newFixture(t, "").api
	for _, test := range []struct{ name, realm, password, sender, phone string }{
		{"plain", "myrealm", "mypass", "120162701555", "12065551212"},
		{"short code", "myrealm", "mypass", "12345", "447700900123"},
		{"alphanumeric sender", "my realm", "a&b=c+d%20;é#", "my shop", "12065551212"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, err := phone.ParseNumber(test.phone)
			if err != nil {
				t.Fatal(err)
			}
			endpoint, _ := url.Parse("http://backend.example/bin/api_web")
			r, err := a.StopRequest(endpoint, test.realm, test.password, phone.Sender(test.sender), n)
			if err != nil {
				t.Fatal(err)
			}
			if r.URL.RawQuery != "" || r.Method != http.MethodPost {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			var call smsapi.Call
			body := smsapi.NewBody(r, 1<<20)
			if refusal := a.Read(r, &body, &call); refusal != nil {
				t.Fatalf("refused: %v", refusal)
			}
			to := call.Recipients[0]
			if call.Kind != smsapi.Stop || call.Realm != test.realm || call.Password != test.password ||
				to.Phones[0] != n || to.Senders[0] != phone.Sender(test.sender) {
				t.Errorf("read as %v of realm %q, sender %q", call.Kind, call.Realm, to.Senders)
			}
		})
	}
}

func TestFailed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		status     int
		reason     string
		failed     bool
	}{
		{"a reason", "FAILURE: Phone was not found", 200, "Phone was not found", true},
		{"two colons", "FAILURE: Password: wrong", 200, "Password: wrong", true},
		{"line break and more", "FAILURE: no\r\nmore", 200, "no", true},
		{"no reason", "FAILURE", 200, "", true},
		{"white space in front", "\n FAILURE: no", 200, "no", true},
		{"another status", "FAILURE: no", 500, "", false},
		{"another word", "FAILURES: no", 200, "", false},
		{"success", "SUCCESS: yes", 200, "", false},
		{"a page", "<html>FAILURE: no", 200, "", false},
		{"nothing", "", 200, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reason, failed := newFixture(t, "").api.Failed(test.status, []byte(test.body))
			if reason != test.reason || failed != test.failed {
				t.Errorf("%q, %v", reason, failed)
			}
			if failed && newFixture(t, "").api.Accepted(test.status, []byte(test.body)) {
				t.Error("accepted as well")
			}
		})
	}
	if reason, _ := newFixture(t, "").api.Failed(200, []byte("FAILURE: "+strings.Repeat("x", 100))); len(reason) != 100 {
		t.Error("a long reason is cut")
	}
}
