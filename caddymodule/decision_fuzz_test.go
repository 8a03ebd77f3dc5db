package caddymodule

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// FuzzDecision gives the handler whole requests. Whatever they say, it either
// passes them on as they came, or answers them itself with one line.
func FuzzDecision(f *testing.F) {
	for i, h := range readCorpus(f) {
		if i%8 == 0 { // each costs the engine milliseconds
			f.Add(h.bytes())
		}
	}
	h := newHandler(f, `"subscribe":"lift"`)
	w := httptest.NewRecorder()
	stop := prepare(httptest.NewRequest("GET", "/bin/api_web?"+stopOf(testPhone), nil), w)
	if err := h.ServeHTTP(w, stop, nil); err != nil || w.Body.String() != stopSuccess {
		f.Fatal(err, w.Body)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		parse := func() (*http.Request, []byte, error) {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
			if err != nil {
				return nil, nil, err
			}
			body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20+1))
			return r, body, err
		}
		want, wantBody, err := parse()
		if err != nil {
			return // the server's own business, or a body that breaks off
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		passed := 0
		err = h.ServeHTTP(w, prepare(r, w), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			passed++
			body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20+1))
			if err != nil || !bytes.Equal(body, wantBody) {
				t.Errorf("%d bytes passed of %d, %v", len(body), len(wantBody), err)
			}
			if r.Method != want.Method || r.URL.String() != want.URL.String() || r.ContentLength != want.ContentLength {
				t.Errorf("%s %s %d passed for %s %s %d", r.Method, r.URL, r.ContentLength, want.Method, want.URL, want.ContentLength)
			}
			return nil
		}))
		if err != nil || passed > 1 {
			t.Fatalf("%v, passed %d times", err, passed)
		}
		if s := h.app.shared.Load(); s.inside.Load() != 0 {
			t.Errorf("%d requests are still inside the store", s.inside.Load())
		}
		if passed == 1 {
			return
		}
		line := w.Body.String()
		if !strings.HasPrefix(line, "FAILURE: ") && line != stopSuccess || strings.ContainsAny(line, "\r\n") || strings.Count(line, ":") != 1 {
			t.Errorf("answered %d %q", w.Code, line)
		}
		switch w.Code {
		case 200, 400, 405, 413, 415, 503:
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}
