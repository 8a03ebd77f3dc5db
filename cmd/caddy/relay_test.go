package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"
)

// relayedBackend takes stops at an address of its own, and fan-outs from the site.
type relayedBackend struct {
	t        *testing.T
	addr     string
	password string

	mood    atomic.Int32
	stopped chan struct{} // closed when the test ends

	mu    sync.Mutex
	known map[string]int // stops that were carried out, by phone
	asked int
	http  *http.Server
}

// The moods of a backend.
const (
	good int32 = iota
	lying
	hanging
)

// listen lets the backend live, at the address that it had before.
func (b *relayedBackend) listen() {
	b.t.Helper()
	reuse := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }); e != nil {
			return e
		}
		return err
	}}
	ln, err := reuse.Listen(context.Background(), "tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.http = &http.Server{Handler: http.HandlerFunc(b.stop)}
	go b.http.Serve(ln)
}

// die ends it amid whatever it does.
func (b *relayedBackend) die() { b.http.Close() }

// stop answers the relay as the mood is. It knows a phone from before its answer on,
// and in no other case.
func (b *relayedBackend) stop(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		return
	}
	phone := r.PostForm.Get("phone")
	if r.PostForm.Get("c") != "smsstopsubscribersend" || r.PostForm.Get("p") != b.password || r.PostForm.Get("sender_code") != "120162701555" || phone == "" || r.URL.RawQuery != "" {
		b.t.Errorf("the backend was told something odd: %s %s", r.Method, r.URL.Path)
	}
	b.mu.Lock()
	b.asked++
	n := b.asked
	b.mu.Unlock()
	success := func() {
		b.mu.Lock()
		b.known[phone]++
		b.mu.Unlock()
		io.WriteString(w, "SUCCESS: Stopping message to phone was successful")
	}
	switch b.mood.Load() {
	case good:
		success()
	case hanging:
		select {
		case <-r.Context().Done():
		case <-b.stopped:
		}
	case lying:
		switch n % 20 {
		case 0:
			w.WriteHeader(http.StatusInternalServerError)
			success() // and says that it did not
		case 3:
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, "SUCCESS: Stopping message to phone was successful")
		case 6:
			io.WriteString(w, "<html>SUCCESS</html>")
		case 9:
			http.Redirect(w, r, "/bin/api_web?c=success", http.StatusFound)
		case 12:
			w.Header().Set("Content-Length", "100") // the connection is cut in between
			io.WriteString(w, "SUCCESS: Stopp")
		case 15:
			io.WriteString(w, "FAILURE: "+b.password+" of "+phone+" is not what it was")
		case 18:
			io.WriteString(w, "SUCCESS: "+strings.Repeat("x", 1<<16))
		default:
			success()
		}
	}
}

// hear waits until the backend has been asked n times more.
func (b *relayedBackend) hear(n int) {
	b.t.Helper()
	count := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.asked
	}
	want := count() + n
	for deadline := time.Now().Add(time.Minute); count() < want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("the backend was asked %d times, want %d", count(), want)
		}
	}
}

// unknown counts the phones that the backend has not been told of.
func (b *relayedBackend) unknown(phones []string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range phones {
		if b.known[p] == 0 {
			n++
		}
	}
	return n
}

// acknowledged are the phones whose stop was answered SUCCESS, in order.
type acknowledged struct {
	mu     sync.Mutex
	phones []string
}

func (a *acknowledged) add(phone string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phones = append(a.phones, phone)
}

func (a *acknowledged) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.phones[:len(a.phones):len(a.phones)]
}

// TestRelayThroughBadDays stops thousands of phones while the backend dies, lies and
// hangs, and while the gateway is killed twice. In the end each stop that was
// acknowledged is known to the backend, and at no time does a fan-out pass while one
// is not.
func TestRelayThroughBadDays(t *testing.T) {
	stops := 10_000
	if testing.Short() {
		stops = 1_000
	}
	b := &relayedBackend{t: t, addr: freeAddr(t), password: "the-relay's-own", known: make(map[string]int), stopped: make(chan struct{})}
	t.Setenv("STOPGATE_TEST_RELAY_PASSWORD", b.password)
	b.listen()
	defer func() { close(b.stopped); b.die() }()
	site := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "SUCCESS: sent") })}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go site.Serve(ln)
	defer site.Close()

	dir, home, addr, admin := t.TempDir(), t.TempDir(), freeAddr(t), freeAddr(t)
	config := relayConfig(t, dir, addr, admin, ln.Addr().String(), b.addr)
	p := start(t, home, config, addr)
	var outputs []*output

	var acked acknowledged
	var next atomic.Int64
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}

	// Clients that stop one phone after the other, again where no answer came.
	var clients sync.WaitGroup
	target := atomic.Int64{} // how far they may go
	turn := make(chan struct{})
	for range 16 {
		clients.Go(func() {
			for n := next.Add(1); n <= int64(stops); n = next.Add(1) {
				for n > target.Load() {
					<-turn
				}
				phone := fmt.Sprintf("1206555%04d", n-1)
				for deadline := time.Now().Add(2 * time.Minute); ; {
					if body, err := get(client, addr, "smsstopsubscribersend", phone); err == nil && strings.HasPrefix(body, "SUCCESS") {
						acked.add(phone)
						break
					}
					if time.Now().After(deadline) {
						t.Errorf("no stop is acknowledged")
						return
					}
					time.Sleep(time.Millisecond) // the gateway is being started again
				}
			}
		})
	}
	// until lets the clients go on up to a part of all stops, and waits for some of it.
	until := func(go_, wait float64) {
		t.Helper()
		target.Store(int64(go_ * float64(stops)))
		for {
			select {
			case turn <- struct{}{}:
				continue
			default:
			}
			if len(acked.all()) >= int(wait*float64(stops)) {
				return
			}
			if t.Failed() {
				t.FailNow()
			}
			time.Sleep(time.Millisecond) // between two looks
		}
	}
	// fanOut sends one, and reports whether it passed. It must not while an opt-out
	// that was acknowledged before is unknown to the backend.
	fanOut := func() bool {
		before := acked.all()
		body, err := get(plain, addr, "smssendmessagetosendercode&message_name=m&name=n", "")
		if err != nil || !strings.HasPrefix(body, "SUCCESS") {
			return false
		}
		if n := b.unknown(before); n > 0 {
			t.Errorf("a fan-out passed although %d opt-outs of %d were unknown to the backend", n, len(before))
		}
		return true
	}
	var passed, blocked atomic.Int64
	watching, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-watching:
				return
			default:
			}
			if fanOut() {
				passed.Add(1)
			} else {
				blocked.Add(1)
			}
		}
	}()
	again := func() {
		p.kill()
		outputs = append(outputs, p.out)
		p = start(t, home, config, addr)
	}

	until(0.2, 0.2)
	b.die()
	until(0.4, 0.3)
	again() // amid stops, with the backend dead
	until(0.5, 0.5)
	b.mood.Store(lying)
	b.listen()
	until(0.7, 0.7)
	b.hear(200)
	b.mood.Store(hanging)
	until(0.9, 0.8)
	again() // amid stops and deliveries
	until(0.95, 0.95)
	if fanOut() {
		t.Error("a fan-out passes while the backend hangs")
	}
	b.mood.Store(good)
	until(1, 1)
	clients.Wait()

	// What the backend has failed is due in some minutes; an operator does not wait.
	retry := func() {
		cmd := caddyCommand(t, home, "sms-optout", "relay", "retry", "--address", admin)
		if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != 10 {
			t.Errorf("relay retry: %v\n%s", err, out)
		}
	}
	began := time.Now()
	for !fanOut() {
		if time.Since(began) > 3*time.Minute {
			out, _ := caddyCommand(t, home, "sms-optout", "relay", "status", "--address", admin).CombinedOutput()
			t.Fatalf("%d of %d are unknown to the backend:\n%s", b.unknown(acked.all()), stops, out)
		}
		retry()
		time.Sleep(100 * time.Millisecond) // between two tries
	}
	close(watching)
	<-watched
	if n := len(acked.all()); n != stops {
		t.Errorf("%d stops were acknowledged", n)
	}
	if n := b.unknown(acked.all()); n != 0 {
		t.Errorf("%d opt-outs are unknown to the backend", n)
	}

	// Blocked by a single one, and by that alone.
	b.mood.Store(hanging)
	if body, err := get(plain, addr, "smsstopsubscribersend", "13105550000"); err != nil || !strings.HasPrefix(body, "SUCCESS") {
		t.Fatalf("%v %q", err, body)
	}
	acked.add("13105550000")
	if fanOut() {
		t.Error("a fan-out passes while one opt-out is unknown to the backend")
	}
	b.mood.Store(good)
	for began := time.Now(); !fanOut(); {
		if time.Since(began) > time.Minute {
			t.Fatal("fan-outs stay blocked")
		}
		retry()
		time.Sleep(10 * time.Millisecond) // between two tries
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	for _, out := range append(outputs, p.out) {
		text := out.String()
		if strings.Contains(text, b.password) || strings.Contains(text, "12065550000") {
			t.Error("the log holds the password or a phone")
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Logf("%d stops, told in %d deliveries, the last of them %s after the last stop; %d fan-outs passed, %d were blocked",
		stops, b.asked, time.Since(began).Round(time.Millisecond), passed.Load(), blocked.Load())
}

// relayConfig writes a Caddyfile with a relay.
func relayConfig(t *testing.T, dir, addr, admin, site, backend string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("mypass"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	config := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf(`{
	admin %s
	persist_config off
	sms_optout {
		store badger optouts
		realm myrealm %s
		relay %s {
			realm myrealm {env.STOPGATE_TEST_RELAY_PASSWORD}
			rate 100000/s
			timeout 1s
		}
	}
}
http://:%s {
	bind 127.0.0.1
	sms_optout
	reverse_proxy %s
}
`, admin, hash, (&url.URL{Scheme: "http", Host: backend, Path: "/bin/api_web"}).String(), port, site)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}
