package whatcounts

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// verdict is what the gateway would do with a request, derived from the reading
// alone and a list that holds the fixture's opt-out.
type verdict string

const (
	passes     verdict = "passes"
	blocked    verdict = "blocked"
	refused    verdict = "refused"
	stopped200         = verdict("stop")
)

// fixture is the list of shared/corpus: one opt-out.
type fixture struct {
	api    *API
	realm  string
	sender phone.Sender
	phone  phone.Number
}

// fixtureSenders are the senders that the fixture's phone has opted out of.
var fixtureSenders = map[string]string{
	"":           "120162701555",
	"alnum":      "MyBrand",
	"short":      "12345",
	"number":     "12065550000",
	"long":       "MyLongBrand",
	"marked":     "Shop!",
	"twice":      "123123",
	"twicephone": "12065520655",
}

func newFixture(t testing.TB, kind string) *fixture {
	t.Helper()
	region, err := phone.NewRegion("US")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{api: New(region), realm: "myrealm"}
	code, ok := fixtureSenders[kind]
	if !ok {
		t.Fatalf("unknown fixture %q", kind)
	}
	if f.sender, err = region.CanonicalSender(code); err != nil {
		t.Fatal(err)
	}
	if f.phone, err = region.Canonical("12065551212"); err != nil {
		t.Fatal(err)
	}
	return f
}

// judge is the handler's procedure in small.
func (f *fixture) judge(r *http.Request) (verdict, *smsapi.Refusal) {
	smsapi.DropOffer(r, f.api.Guards(r.URL))
	if refusal := smsapi.HeadRefusal(f.api, r); refusal != nil {
		return refused, refusal
	}
	if !f.api.Guards(r.URL) {
		return passes, nil
	}
	body := smsapi.NewBody(r, 1<<20)
	var call smsapi.Call
	if refusal := f.api.Read(r, &body, &call); refusal != nil {
		return refused, refusal
	}
	if call.RealmFolded && call.Kind != smsapi.Other && call.Realm != f.realm {
		return refused, nil
	}
	switch call.Kind {
	case smsapi.Stop:
		return stopped200, nil
	case smsapi.Send, smsapi.Subscribe, smsapi.FanOut:
		if f.holds(&call) {
			return blocked, nil
		}
	}
	return passes, nil
}

// holds reports whether the fixture's opt-out forbids the call.
func (f *fixture) holds(call *smsapi.Call) bool {
	if guess := smsapi.GuessRealm(call.Realm); call.Realm != f.realm && (call.Realm == "second" || !guess.MayMean(f.realm)) {
		return false
	}
	for _, to := range call.Recipients {
		phones := call.Kind == smsapi.FanOut
		for _, n := range to.Phones {
			phones = phones || n == f.phone
		}
		senders := len(to.Senders) == 0
		for _, s := range to.Senders {
			senders = senders || s == f.sender
		}
		if phones && senders {
			return true
		}
	}
	return false
}

// parse parses a raw request, each character one byte.
func parse(raw string) (*http.Request, error) {
	b := make([]byte, 0, len(raw))
	for _, r := range raw {
		b = append(b, byte(r))
	}
	return readRequest(string(b))
}

func readRequest(raw string) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
}
