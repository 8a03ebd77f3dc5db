package caddymodule

import (
	"fmt"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
)

func TestHealthHandler(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name, before: "sms_optout_health /healthz\nsms_optout_health /readable {\nrequire read\n}"})
	get := func(path string) reply {
		return g.mustRaw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	}
	for _, tc := range []struct {
		readable, writable bool
		healthz, read      int
	}{{true, true, 200, 200}, {true, false, 503, 200}, {false, false, 503, 503}} {
		store.SetHealth(&optoutstore.Health{Readable: tc.readable, Writable: tc.writable, Reason: "secret/path"})
		want := fmt.Sprintf("{\"readable\":%t,\"writable\":%t}\n", tc.readable, tc.writable)
		for path, status := range map[string]int{"/healthz": tc.healthz, "/readable": tc.read} {
			r := get(path)
			if r.Status != status || r.Body != want || r.Header.Get("Cache-Control") != "no-store" || (r.Header.Get("Retry-After") != "") != (status == 503) {
				t.Errorf("%s: %d %q %v, want %d %q", path, r.Status, r.Body, r.Header, status, want)
			}
		}
	}
	if r := g.mustRaw("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); r.Status != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", r.Status, r.Header)
	}
	if r := g.mustRaw("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); r.Status != 503 || r.Body != "" {
		t.Errorf("HEAD: %d %q", r.Status, r.Body)
	}
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests reached the backend", n)
	}
}
