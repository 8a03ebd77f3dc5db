package caddymodule

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
	"github.com/stopgate/stopgate/phone"
)

var errDisk = fmt.Errorf("%w: reading failed", optoutstore.ErrUnavailable)

// What each call gets while the store cannot answer, under both policies.
func TestStoreFails(t *testing.T) {
	fanOut := call("smssendmessagetosendercode", "sender_code", "55555", "message_name", "m", "name", "n")
	subscribe := call("addphonetosendercode", "phone", otherPhone, "sender_code", testSender)
	for _, policy := range []string{"block", "forward"} {
		t.Run(policy, func(t *testing.T) {
			b := newBackend(t)
			name, store := newTestStore(t)
			g := startGateway(t, b, options{store: "test " + name, site: "on_store_error " + policy})
			store.Set(storetest.Fault{Err: errDisk})
			for what, query := range map[string]string{
				"send": sendTo(otherPhone), "fan-out": fanOut, "subscribe": subscribe,
				"stop": stopOf(testPhone), "other": call("show_lists"),
			} {
				r := g.get(query)
				n := len(b.take())
				switch {
				case what == "other", what != "stop" && policy == "forward":
					if r.Status != 200 || n != 1 {
						t.Errorf("%s: %d %q, %d forwarded", what, r.Status, r.Body, n)
					}
				default:
					if r.Status != 503 || r.Header.Get("Retry-After") == "" || !strings.HasPrefix(r.Body, "FAILURE: ") || n != 0 {
						t.Errorf("%s: %d %q, %d forwarded", what, r.Status, r.Body, n)
					}
				}
			}
			store.Clear()
			g.mustStop(testPhone)
			g.wantBlocked(b, testPhone)
			g.wantForwarded(b, otherPhone)
		})
	}
}

// The errors that a store may return all mean "not known".
func TestStoreErrors(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name})
	for _, err := range []error{
		optoutstore.ErrClosed, optoutstore.ErrNotReady, optoutstore.ErrNoSpace, optoutstore.ErrBusy,
		optoutstore.ErrUnavailable, optoutstore.ErrDamaged, optoutstore.ErrInvalid, errors.New("unheard of"),
	} {
		store.Set(storetest.Fault{Err: err})
		for what, query := range map[string]string{"send": sendTo(otherPhone), "stop": stopOf(testPhone)} {
			if r := g.get(query); r.Status != 503 || strings.Contains(r.Body, err.Error()) {
				t.Errorf("%v, %s: %d %q", err, what, r.Status, r.Body)
			}
		}
	}
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests reached the backend", n)
	}
}

// A slow store makes a slow answer, never a wrong one.
func TestStoreIsSlow(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name})
	g.mustStop(testPhone)
	release := store.Block(storetest.MethodLookup)
	answers := make(chan reply, 2)
	for _, phone := range []string{testPhone, otherPhone} {
		go func() {
			r, err := g.raw(query(sendTo(phone)))
			if err != nil {
				t.Error(err)
			}
			answers <- r
		}()
	}
	eventually(t, "both wait for the store", func() bool { return store.Waiting(storetest.MethodLookup) == 2 })
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests reached the backend before the store answered", n)
	}
	release()
	failures := 0
	for range 2 {
		if r := <-answers; strings.HasPrefix(r.Body, "FAILURE: ") {
			failures++
		}
	}
	if n := len(b.take()); n != 1 || failures != 1 {
		t.Errorf("%d forwarded, %d blocked", n, failures)
	}
}

// A client that has gone after its stop was written has still opted out.
func TestClientDisconnects(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name, before: "stopgate_test_watch"})
	release := store.Block(storetest.MethodOptOut)
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, query(stopOf(testPhone)))
	eventually(t, "the stop is being written", func() bool { return store.Waiting(storetest.MethodOptOut) == 1 })
	c.Close()
	waitUntilGone(t)
	release()
	number, _ := phone.ParseNumber(testPhone)
	eventually(t, "the stop is recorded", func() bool {
		_, held, err := store.Lookup(t.Context(), optoutstore.Query{Realm: testRealm, Phones: []phone.Number{number}})
		return err == nil && held
	})
	g.wantBlocked(b, testPhone)
}

// A client that goes away while its send is decided gets nothing forwarded.
func TestClientDisconnectsAmidDecision(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name, site: "on_store_error forward", before: "stopgate_test_watch"})
	store.Block(storetest.MethodLookup)
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, query(sendTo(otherPhone)))
	eventually(t, "the send is being decided", func() bool { return store.Waiting(storetest.MethodLookup) == 1 })
	c.Close()
	waitUntilGone(t)
	eventually(t, "the decision ends", func() bool {
		s, _ := onlyStore(t)
		return store.Waiting(storetest.MethodLookup) == 0 && s.inside.Load() == 0
	})
	store.Clear()
	g.mustStop(testPhone) // one request later
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests of a client that has gone reached the backend", n)
	}
	g.wantForwarded(b, otherPhone)
}

// panicking is a store whose lookups panic with the phone in hand.
type panicking struct{ optoutstore.Store }

func (panicking) OptOut(_ context.Context, c optoutstore.Change) (optoutstore.Event, error) {
	panic("amid " + c.Phone.Digits())
}

func (panicking) Lookup(_ context.Context, q optoutstore.Query) (optoutstore.State, bool, error) {
	panic("amid " + q.Phones[0].Digits())
}

// A panic becomes a 500 that is not forwarded, and the store can still be closed.
func TestPanic(t *testing.T) {
	b := newBackend(t)
	name := "panicking"
	testStores.Store(name, storetest.NewFaulty(panicking{storetest.NewModel()}))
	defer testStores.Delete(name)
	log := t.TempDir() + "/log"
	g := startGateway(t, b, options{store: "test " + name, site: "on_store_error forward", caddy: "log {\n output file " + log + "\n}"})
	for _, q := range []string{sendTo(otherPhone), stopOf(otherPhone)} {
		if r := g.get(q); r.Status != 500 || !strings.HasPrefix(r.Body, "FAILURE: ") {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests reached the backend", n)
	}
	if s, _ := onlyStore(t); s.inside.Load() != 0 {
		t.Errorf("%d requests are still inside", s.inside.Load())
	}
	text := tail(t, log)
	if !strings.Contains(text, "panic while deciding") || !strings.Contains(text, "decide.go") {
		t.Errorf("no line with a stack: %s", text)
	}
	if strings.Contains(text, otherPhone) {
		t.Errorf("the log shows the phone: %s", text)
	}
}

// A panic while an opt-out is lifted leaves it in force and the answer whole, and
// shows no phone.
func TestPanicInLift(t *testing.T) {
	b := newBackend(t)
	name := "panicking in Lift"
	testStores.Store(strings.ReplaceAll(name, " ", "_"), storetest.NewFaulty(panickingLift{storetest.NewModel()}))
	log := t.TempDir() + "/log"
	g := startGateway(t, b, options{
		store: "test " + strings.ReplaceAll(name, " ", "_"), site: "subscribe lift", caddy: "log {\n output file " + log + "\n}",
	})
	g.mustStop(otherPhone)
	const accepted = "SUCCESS: Adding phone to sender code was successful"
	b.answers(func(received) (int, http.Header, string) { return 200, nil, accepted })
	if r := g.get(call("addphonetosendercode", "phone", otherPhone, "sender_code", testSender)); r.Body != accepted {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	b.answers(nil)
	g.wantBlocked(b, otherPhone)
	if text := tail(t, log); !strings.Contains(text, "panic while lifting") || strings.Contains(text, otherPhone) {
		t.Errorf("the log: %s", text)
	}
	if s, _ := onlyStore(t); s.inside.Load() != 0 {
		t.Errorf("%d requests are still inside", s.inside.Load())
	}
}

type panickingLift struct{ optoutstore.Store }

func (panickingLift) Lift(_ context.Context, c optoutstore.Change, _ uint64) (optoutstore.Event, error) {
	panic("amid " + c.Phone.Digits())
}

// A store whose opening panics is an error of the configuration, and the next one
// can be loaded.
func TestPanicInOpen(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	if err := g.load(g.caddyfile(options{backend: b.addr, store: "test panics"})); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("%v", err)
	}
	g.reload(options{backend: b.addr})
	g.wantBlocked(b, testPhone)
}

// Policies that need no list are kept while it cannot be asked.
func TestPoliciesWithoutTheList(t *testing.T) {
	b := newBackend(t)
	fanOut := call("smssendmessagetosendercode", "sender_code", "55555", "message_name", "m", "name", "n")
	subscribe := call("addphonetosendercode", "phone", otherPhone, "sender_code", testSender)
	g := startGateway(t, b, options{})
	for _, tc := range []struct {
		site, query string
		forwarded   bool
	}{
		{"fan_out block\non_store_error forward", fanOut, false},
		{"fan_out forward\non_store_error block", fanOut, true},
		{"fan_out safe\non_store_error forward", fanOut, true},
		{"fan_out safe\non_store_error block", fanOut, false},
		{"subscribe forward\non_store_error forward", subscribe, true},
		{"subscribe forward\non_store_error block", subscribe, false},
		{"subscribe refuse\non_store_error block", subscribe, false},
	} {
		g.reload(options{backend: b.addr, site: tc.site})
		s, _ := onlyStore(t)
		s.closing.Store(true)
		b.take()
		r := g.get(tc.query)
		if n := len(b.take()); (n == 1) != tc.forwarded {
			t.Errorf("%q: %d %q, %d forwarded", tc.site, r.Status, r.Body, n)
		}
		s.closing.Store(false)
	}
}

// A backend that is down, slow or talks nonsense is none of the gateway's
// business: stops are served, and the rest gets what Caddy gives.
func TestBackendFails(t *testing.T) {
	b := newBackend(t)
	down := freeAddr(t)
	g := startGateway(t, b, options{backend: down})
	g.mustStop(testPhone)
	if r := g.get(sendTo(testPhone)); r.Status != 200 || !strings.HasPrefix(r.Body, "FAILURE: ") {
		t.Errorf("blocked send: %d %q", r.Status, r.Body)
	}
	if r := g.get(sendTo(otherPhone)); r.Status != 502 {
		t.Errorf("send: %d %q", r.Status, r.Body)
	}

	g.reload(options{backend: b.addr})
	b.answers(func(received) (int, http.Header, string) { return 0, nil, "" }) // hangs up
	if r := g.get(sendTo(otherPhone)); r.Status != 502 {
		t.Errorf("send: %d %q", r.Status, r.Body)
	}
	b.answers(func(received) (int, http.Header, string) { return 500, nil, "<html>nonsense" })
	if r := g.get(sendTo(otherPhone)); r.Status != 500 || r.Body != "<html>nonsense" {
		t.Errorf("send: %d %q", r.Status, r.Body)
	}
	hold := make(chan struct{})
	b.answers(func(received) (int, http.Header, string) { <-hold; return 200, nil, sendSuccess })
	answered := make(chan reply)
	go func() {
		r, _ := g.raw(query(sendTo(otherPhone)))
		answered <- r
	}()
	g.mustStop("13105550009") // meanwhile
	close(hold)
	if r := <-answered; r.Body != sendSuccess {
		t.Errorf("send: %d %q", r.Status, r.Body)
	}
}

// A body that breaks off never reaches the backend, nor does a stop in it count.
func TestTruncatedBody(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	for name, raw := range map[string]string{
		"Content-Length": "Content-Length: 500\r\n\r\n" + sendTo(otherPhone),
		"chunked":        "Transfer-Encoding: chunked\r\n\r\n5\r\nr=myr\r\n5\r\nealm",
		"bad chunk":      "Transfer-Encoding: chunked\r\n\r\n5\r\nr=myr\r\nzz\r\nealm",
		"stop":           "Content-Length: 500\r\n\r\n" + stopOf(otherPhone),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", g.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprint(c, "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"+raw)
			c.(*net.TCPConn).CloseWrite()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err == nil && (resp.StatusCode < 400 || resp.StatusCode >= 500) {
				t.Errorf("%d", resp.StatusCode)
			}
			if n := len(b.take()); n != 0 {
				t.Errorf("%d requests reached the backend", n)
			}
		})
	}
	g.wantForwarded(b, otherPhone)
}
