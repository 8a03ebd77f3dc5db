package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// newHandler provisions a handler over a store of its own, without a server.
func newHandler(tb testing.TB, fields string) *Handler {
	tb.Helper()
	oneCaddy.Lock()
	ctx, err := caddy.ProvisionContext(&caddy.Config{AppsRaw: caddy.ModuleMap{
		appName: json.RawMessage(fmt.Sprintf(`{"store":{"store":"badger","path":%q},"realm":[{"name":%q,"hash":%q}]}`,
			tb.TempDir(), testRealm, testHash())),
	}})
	if err != nil {
		tb.Fatal(err)
	}
	h := new(Handler)
	if err := json.Unmarshal([]byte("{"+fields+"}"), h); err != nil {
		tb.Fatal(err)
	}
	if err := h.Provision(ctx); err != nil {
		tb.Fatal(err)
	}
	if err := h.app.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		defer oneCaddy.Unlock()
		if err := h.app.Cleanup(); err != nil {
			tb.Error(err)
		}
	})
	// Until then lookups read the index, which allocates.
	eventually(tb, "the phones are in memory", func() bool { return h.app.shared.Load().Health().InMemory })
	return h
}

// prepare gives a request the context that Caddy's server gives it.
func prepare(r *http.Request, w http.ResponseWriter) *http.Request {
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
}

// again makes a request new, as if it had not been served: each request of a server
// has a replacer of its own, to which handlers add.
func again(r *http.Request) func() {
	repl := replacer(r)
	was := *repl
	return func() { *repl = was }
}

// The path of a send that passes, without Caddy's server and proxy: what the
// directive adds to a request.
func BenchmarkPassingSend(b *testing.B) {
	h := newHandler(b, "")
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, prepare(httptest.NewRequest("GET", "/bin/api_web?"+stopOf(testPhone), nil), w), next); err != nil || w.Body.String() != stopSuccess {
		b.Fatal(err, w.Body)
	}
	args := sendTo(otherPhone)

	b.Run("GET", func(b *testing.B) {
		r := prepare(httptest.NewRequest("GET", "/bin/api_web?"+args, nil), w)
		renew := again(r)
		b.ReportAllocs()
		for b.Loop() {
			renew()
			if err := h.ServeHTTP(w, r, next); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("POST", func(b *testing.B) {
		r := prepare(httptest.NewRequest("POST", "/bin/api_web", nil), w)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		body := &rewound{r: strings.NewReader(args)}
		renew := again(r)
		b.ReportAllocs()
		for b.Loop() {
			renew()
			body.r.Reset(args)
			r.Body, r.ContentLength = body, int64(len(args))
			if err := h.ServeHTTP(w, r, next); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unguarded", func(b *testing.B) {
		r := prepare(httptest.NewRequest("GET", "/static/app.css?"+args, nil), w)
		b.ReportAllocs()
		for b.Loop() {
			if err := h.ServeHTTP(w, r, next); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("GET, parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			w := httptest.NewRecorder()
			r := prepare(httptest.NewRequest("GET", "/bin/api_web?"+args, nil), w)
			renew := again(r)
			for pb.Next() {
				renew()
				if err := h.ServeHTTP(w, r, next); err != nil {
					b.Error(err)
				}
			}
		})
	})
	// For comparison: the least that reading the query costs with the standard
	// library, and a map for a store.
	b.Run("url.ParseQuery and a map", func(b *testing.B) {
		held := map[string]bool{testPhone + testSender: true}
		b.ReportAllocs()
		for b.Loop() {
			v, err := url.ParseQuery(args)
			if err != nil || held[v.Get("phone")+v.Get("sender_code")] {
				b.Fatal(err)
			}
		}
	})
}

type rewound struct{ r *strings.Reader }

func (r *rewound) Read(b []byte) (int, error) { return r.r.Read(b) }
func (r *rewound) Close() error               { return nil }

// Allocations on the passing path are counted here, so that a new one is noticed.
func TestPassingSendAllocations(t *testing.T) {
	h := newHandler(t, "")
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	w := httptest.NewRecorder()
	get := prepare(httptest.NewRequest("GET", "/bin/api_web?"+sendTo(otherPhone), nil), w)
	unguarded := prepare(httptest.NewRequest("GET", "/static/app.css", nil), w)
	for _, tc := range []struct {
		name string
		r    *http.Request
		most float64
	}{{"GET", get, 0}, {"unguarded", unguarded, 0}} {
		renew := again(tc.r)
		// What every goroutine of the process allocates is counted, so that a busy moment
		// is no proof: one of its own is there in every count.
		var n float64
		for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
			n = testing.AllocsPerRun(200, func() { renew(); h.ServeHTTP(w, tc.r, next) })
			if n <= tc.most || time.Now().After(end) {
				break
			}
		}
		if n > tc.most {
			t.Errorf("%s: %v allocations, want at most %v", tc.name, n, tc.most)
		}
	}
}
