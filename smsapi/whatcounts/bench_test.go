package whatcounts

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/smsapi"
)

const (
	ordinarySend = "r=myrealm&p=mypass&c=smssendmessagetophone&phone=13105550000&sender_code=120162701555" +
		"&message_text=Your%20table%20is%20ready,%20see%20you%20at%20eight%21"
	plusSend = "r=myrealm&p=my%40pass&c=smssendmessagetophone&phone=%2B13105550000&sender_code=120162701555" +
		"&message_text=Your+table+is+ready%2C+see+you+at+eight%21"
)

// readOnce reads a request as the handler does.
func readOnce(tb testing.TB, api *API, r *http.Request, call *smsapi.Call) {
	call.Reset()
	body := smsapi.NewBody(r, 1<<20)
	if refusal := api.Read(r, &body, call); refusal != nil {
		tb.Fatal(refusal)
	}
	if call.Kind != smsapi.Send || len(call.Recipients[0].Phones) == 0 {
		tb.Fatal("not read as a send")
	}
}

func BenchmarkReadGET(b *testing.B) {
	for _, query := range []struct{ name, raw string }{{"plain", ordinarySend}, {"escapes", plusSend}} {
		api := newFixture(b, "").api
		r := httptest.NewRequest("GET", "/bin/api_web?"+query.raw, nil)
		b.Run(query.name+"/Read", func(b *testing.B) {
			b.ReportAllocs()
			var call smsapi.Call
			for b.Loop() {
				readOnce(b, api, r, &call)
			}
		})
		b.Run(query.name+"/ParseQuery", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := url.ParseQuery(query.raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadPOST(b *testing.B) {
	b.ReportAllocs()
	api := newFixture(b, "").api
	r := httptest.NewRequest("POST", "/bin/api_web", strings.NewReader(ordinarySend))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form := strings.NewReader("")
	var call smsapi.Call
	for b.Loop() {
		form.Reset(ordinarySend)
		r.Body = io.NopCloser(form)
		readOnce(b, api, r, &call)
	}
}

// addFrontProxyHeaders adds what front proxies and clients send along.
func addFrontProxyHeaders(r *http.Request) {
	for name, value := range map[string]string{
		"User-Agent": "Acme/1.0 (like Gecko)", "Accept": "*/*", "Accept-Encoding": "gzip", "Content-Type": "text/plain", "Cache-Control": "no-cache",
		"X-Forwarded-For": "192.0.2.1, 192.0.2.2", "X-Forwarded-Host": "sms.example", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443",
		"X-Real-Ip": "192.0.2.1", "X-Request-Id": "8c1f6a0e-5a57-4b5f-9d1c-5a1f0e2b7c11", "X-Amzn-Trace-Id": "Root=1-67891233-abc",
	} {
		r.Header.Set(name, value)
	}
}

func BenchmarkGuards(b *testing.B) {
	api := newFixture(b, "").api
	for _, path := range []string{"/", "/static/css/site.css", "/bin/api_web", "/static/a%20b"} {
		r := httptest.NewRequest("GET", path, nil)
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				api.Guards(r.URL)
			}
		})
	}
}

func BenchmarkHeadRefusal(b *testing.B) {
	b.ReportAllocs()
	api := newFixture(b, "").api
	r := httptest.NewRequest("GET", "/static/css/site.css", nil)
	addFrontProxyHeaders(r)
	for b.Loop() {
		if smsapi.HeadRefusal(api, r) != nil {
			b.Fatal("refused")
		}
	}
}

func TestNoAllocation(t *testing.T) {
	api := newFixture(t, "").api
	for name, target := range map[string]string{
		"send":         "/bin/api_web?" + ordinarySend,
		"plus":         "/bin/api_web?" + strings.Replace(ordinarySend, "phone=", "phone=%2B", 1),
		"encoded text": "/bin/api_web?" + ordinarySend + "%26+more%3Dless+%F0%9F%98%80+http://h/a_b",
	} {
		r := httptest.NewRequest("GET", target, nil)
		addFrontProxyHeaders(r)
		var call smsapi.Call
		n := testing.AllocsPerRun(100, func() {
			if smsapi.HeadRefusal(api, r) != nil || !api.Guards(r.URL) {
				t.Fatal("not guarded")
			}
			readOnce(t, api, r, &call)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	for _, path := range []string{"/", "/static/css/site.css", "/bin/api_web"} {
		r := httptest.NewRequest("GET", path, nil)
		if n := testing.AllocsPerRun(100, func() { api.Guards(r.URL) }); n != 0 {
			t.Errorf("Guards(%s): %v allocations", path, n)
		}
	}
}
