package caddymodule

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestForwardingIsInvisible sends the same bytes through a site with the
// directive and one without, and wants the same bytes at the backend.
func TestForwardingIsInvisible(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	bare := freeAddr(t)
	g.addr = freeAddr(t) // as reload does: the server before may still accept, and reset, on the old one
	g.mustLoad(g.caddyfile(options{backend: b.addr}) + fmt.Sprintf(`
http://:%s {
	bind 127.0.0.1
	reverse_proxy %s
}`, port(bare), b.addr))

	const send = "r=myrealm&p=mypass&c=smssendmessagetophone&phone=13105550000&sender_code=120162701555&message_text=hello"
	const head = " HTTP/1.1\r\nHost: gw.example\r\n"
	for name, raw := range map[string]string{
		"GET":                      "GET /bin/api_web?" + send + head + "\r\n",
		"GET with sloppy text":     "GET /bin/api_web?" + send + "+100%+;+%zz&x=%" + head + "\r\n",
		"GET with raw UTF-8":       "GET /bin/api_web?" + send + "+caf\xc3\xa9" + head + "\r\n",
		"POST":                     "POST /bin/api_web" + head + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + fmt.Sprint(len(send)) + "\r\n\r\n" + send,
		"POST with charset":        "POST /bin/api_web" + head + "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: " + fmt.Sprint(len(send)) + "\r\n\r\n" + send,
		"POST, 200 kB":             form("/bin/api_web", send+strings.Repeat("x", 200_000)),
		"POST chunked":             "POST /bin/api_web" + head + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(send, 7),
		"POST chunked, empty":      "POST /bin/api_web?" + send + head + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST, Content-Length: 0":  "POST /bin/api_web?" + send + head + "Content-Length: 0\r\n\r\n",
		"POST, no Content-Length":  "POST /bin/api_web?" + send + head + "\r\n",
		"Expect: 100-continue":     "POST /bin/api_web" + head + "Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: " + fmt.Sprint(len(send)) + "\r\n\r\n" + send,
		"headers":                  "GET /bin/api_web?" + send + head + "User-Agent: x\r\nX-A: 1\r\nX-A: 2\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer x\r\n\r\n",
		"no User-Agent":            "GET /bin/api_web?" + send + head + "Accept: */*\r\n\r\n",
		"HTTP/1.0":                 "GET /bin/api_web?" + send + " HTTP/1.0\r\n\r\n",
		"OPTIONS preflight":        "OPTIONS /bin/api_web" + head + "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
		"unrelated command":        "GET /bin/api_web?r=myrealm&p=mypass&c=show_lists" + head + "\r\n",
		"form by GET":              "GET /bin/api_web" + head + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + fmt.Sprint(len(send)) + "\r\n\r\n" + send,
		"unguarded upload":         "PUT /files/a%20b;v=1?x=%zz" + head + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n\r\nhello",
		"unguarded chunked upload": "POST /files" + head + "Transfer-Encoding: chunked\r\n\r\n" + chunked("hello, world", 3),
	} {
		t.Run(name, func(t *testing.T) {
			var arrived [2]string
			for i, addr := range []string{bare, g.addr} {
				b.take()
				r, err := rawTo(addr, raw)
				// This client does not wait for the 100, and a server that answers before it
				// has read the body resets the connection, with or without the directive.
				for tries := 0; errors.Is(err, syscall.ECONNRESET) && strings.Contains(raw, "Expect:") && tries < 5; tries++ {
					b.take()
					r, err = rawTo(addr, raw)
				}
				if err != nil {
					t.Fatal(err)
				}
				if r.Body != sendSuccess && !strings.HasPrefix(raw, "HEAD") {
					t.Fatalf("%d %q", r.Status, r.Body)
				}
				got, err := b.only()
				if err != nil {
					t.Fatal(err)
				}
				arrived[i] = string(got.Raw)
			}
			if arrived[0] != arrived[1] {
				t.Errorf("without the directive:\n%q\nwith it:\n%q", arrived[0], arrived[1])
			}
		})
	}
}

// TestUnguardedIsNotRead passes an upload of 1 GiB by the gateway, and wants the
// process to have needed next to no memory for it.
func TestUnguardedIsNotRead(t *testing.T) {
	if testing.Short() {
		t.Skip("1 GiB through the loopback")
	}
	const size = 1 << 30
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	sink := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ = io.Copy(io.Discard, r.Body)
	})}
	go sink.Serve(ln)
	defer sink.Close()

	g := startGateway(t, nil, options{backend: ln.Addr().String()})
	before := resident(t)
	req, err := http.NewRequest("POST", "http://"+g.addr+"/upload", io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if n != size {
		t.Errorf("%d bytes arrived", n)
	}
	if grown := resident(t) - before; grown > 64<<20 {
		t.Errorf("the process grew by %d MiB", grown>>20)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// resident is the process's memory at its peak, in bytes, where the system tells.
func resident(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("the system does not tell a process's memory in /proc")
	}
	var kb int64
	for line := range bytes.Lines(status) {
		if bytes.HasPrefix(line, []byte("VmHWM:")) {
			fmt.Sscan(string(line[6:]), &kb)
		}
	}
	return kb << 10
}

// TestWebSocket upgrades a connection past the gateway and talks over it.
func TestWebSocket(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		br := bufio.NewReader(c)
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := br.ReadString('\n')
		fmt.Fprint(c, "echo "+line)
	}()
	g := startGateway(t, nil, options{backend: ln.Addr().String()})

	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(c, "GET /ws HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v", resp, err)
	}
	fmt.Fprint(c, "hello\n")
	if line, err := br.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("%q %v", line, err)
	}
}

// TestTunnelsAreRefused wants no other upgrade to pass, on any path.
func TestTunnelsAreRefused(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	for name, raw := range map[string]string{
		"h2c":                 "GET /other HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
		"TLS":                 "GET /other HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n",
		"CONNECT":             "CONNECT other.example:80 HTTP/1.1\r\nHost: other.example:80\r\n\r\n",
		"X-Original-URL":      "GET / HTTP/1.1\r\nHost: gw.example\r\nX-Original-URL: /bin/api_web?c=x\r\n\r\n",
		"X-Rewrite-URL":       "GET / HTTP/1.1\r\nHost: gw.example\r\nX-Rewrite-URL: /bin/api%5fweb?c=x\r\n\r\n",
		"websocket, api_web":  "GET /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"websocket and other": "GET /ws HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := g.raw(raw)
			if err != nil {
				t.Fatal(err)
			}
			if r.Status < 400 || r.Status >= 500 {
				t.Errorf("%d %q", r.Status, r.Body)
			}
			if n := len(b.take()); n != 0 {
				t.Errorf("%d requests reached the backend", n)
			}
		})
	}
}

// TestOfferIsDropped wants the request of Java's HttpClient, which offers HTTP/2 with
// each, to be served like any other, and the backend not to hear of the offer.
func TestOfferIsDropped(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	for query, want := range map[string]string{sendTo(otherPhone): sendSuccess, stopOf(testPhone): stopSuccess} {
		r := g.mustRaw("GET /bin/api_web?" + query + " HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade, HTTP2-Settings\r\n" +
			"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAABgAGAAA\r\nUpgrade: h2c\r\n\r\n")
		if r.Body != want {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	got, err := b.only()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Upgrade", "Http2-Settings"} {
		if values := got.Header.Values(name); len(values) != 0 {
			t.Errorf("the backend got %s: %q", name, values)
		}
	}
}

// No trailer reaches the backend on a path that is not guarded either: Puma takes the end of
// long ones for the next request.
func TestTrailersElsewhere(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	for name, announced := range map[string]string{"announced": "Trailer: X-Sum\r\n", "not announced": "", "one of two": "Trailer: X-Other\r\n"} {
		b.take()
		r := g.mustRaw("POST /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + announced +
			"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: " + testPhone + "\r\nX-Other: 1\r\n\r\n")
		got, err := b.only()
		if err != nil {
			t.Fatalf("%s: %v: %d %q", name, err, r.Status, r.Body)
		}
		if string(got.Body) != "hello" || bytes.Contains(got.Raw, []byte("X-Sum")) || bytes.Contains(got.Raw, []byte("X-Other")) {
			t.Errorf("%s: it arrived as %q", name, got.Raw)
		}
	}
}

// A trailer that no Trailer header announces does not reach the backend, so that the
// request passes; docs/reading.md says so.
func TestTrailerNotAnnounced(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	form := sendTo(otherPhone)
	r := g.mustRaw(fmt.Sprintf("POST /bin/api_web HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nphone: %s\r\n\r\n", len(form), form, testPhone))
	got, err := b.only()
	if err != nil {
		t.Fatalf("%v: %d %q", err, r.Status, r.Body)
	}
	if string(got.Body) != form || bytes.Contains(got.Raw, []byte(testPhone)) {
		t.Errorf("it arrived as %q", got.Raw)
	}
}
