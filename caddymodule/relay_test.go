package caddymodule

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// relayAccount is the test realm as the backend calls it.
const (
	relayAccount  = "MyRealm"
	relayPassword = "at-the-backend"
)

// relayTo is the block of a relay to a backend.
func relayTo(addr string, more ...string) string {
	return "relay http://" + addr + "/bin/api_web {\nrealm " + relayAccount + " " + relayPassword + "\n" + strings.Join(more, "\n") + "\n}"
}

func fanOutOf(sender string) string {
	return call("smssendmessagetosendercode", "sender_code", sender, "message_name", "m", "name", "n")
}

func subscribeOf(phone string) string {
	return call("addphonetosendercode", "phone", phone, "sender_code", testSender)
}

// stops are the relay's deliveries among what a backend received.
func (b *backend) stops(t *testing.T) (phones []string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.got {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil || form.Get("c") != "smsstopsubscribersend" {
			continue
		}
		if r.Method != http.MethodPost || r.Target != "/bin/api_web" || form.Get("r") != relayAccount || form.Get("sender_code") != testSender {
			t.Errorf("the backend was told %s", r.Line)
		}
		phones = append(phones, form.Get("phone"))
	}
	return phones
}

// answerStops lets a backend answer the relay by a function, and all else with
// success.
func (b *backend) answerStops(f func(form url.Values) (status int, body string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = func(r received) (int, http.Header, string) {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil || form.Get("c") != "smsstopsubscribersend" {
			return http.StatusOK, http.Header{}, sendSuccess
		}
		status, body := f(form)
		return status, http.Header{}, body
	}
}

func (g *gateway) untold(sender string) uint64 {
	g.tb.Helper()
	s, _ := onlyStore(g.tb.(*testing.T))
	n, err := s.Store.Untold(g.tb.Context(), testRealm, "")
	if err != nil {
		g.tb.Fatal(err)
	}
	return n
}

func (g *gateway) wantTold() {
	g.tb.Helper()
	eventually(g.tb, "the backend is told of every opt-out", func() bool { return g.untold(testSender) == 0 })
}

// wantFanOut asserts what becomes of a fan-out of the test's sender.
func (g *gateway) wantFanOut(forwarded bool) {
	g.tb.Helper()
	r := g.get(fanOutOf(testSender))
	if got := r.Body == sendSuccess; got != forwarded || !got && !strings.HasPrefix(r.Body, "FAILURE: Phones have opted out") {
		g.tb.Errorf("fan-out: %d %q, want it forwarded: %v", r.Status, r.Body, forwarded)
	}
}

// A stop is repeated to the backend, and until the backend has taken it fan-outs are
// blocked.
func TestRelay(t *testing.T) {
	b := newBackend(t)
	log := filepath.Join(t.TempDir(), "log")
	passwords := make(chan string, 16)
	b.answerStops(func(form url.Values) (int, string) {
		passwords <- form.Get("p")
		return 200, "FAILURE: " + form.Get("p") + " is the wrong password for " + form.Get("phone")
	})
	g := startGateway(t, b, options{global: relayTo(b.addr), caddy: "log {\n output file " + log + "\n level debug\n}"})
	g.wantFanOut(true)
	g.mustStop(testPhone)
	if p := <-passwords; p != relayPassword {
		t.Errorf("the backend was told with password %q", p)
	}
	g.wantFanOut(false)
	eventually(t, "the failure is logged", func() bool { return strings.Contains(tail(t, log), "the backend fails a stop") })

	b.answerStops(func(url.Values) (int, string) { return 200, stopSuccess })
	s, _ := onlyStore(t)
	s.relay.running().Retry("")
	g.wantTold()
	g.wantFanOut(true)
	g.wantBlocked(b, testPhone)

	g.mustStop(otherPhone)
	g.wantTold()
	g.wantFanOut(true)
	text := tail(t, log)
	for _, secret := range []string{relayPassword, testPhone, otherPhone} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %s:\n%s", secret, text)
		}
	}
}

// What is pending goes to the backend of the newest configuration. Without a relay
// it stays pending, and the fan-outs blocked.
func TestRelayReload(t *testing.T) {
	before, after := newBackend(t), newBackend(t)
	before.answerStops(func(url.Values) (int, string) { return 503, "down" })
	g := startGateway(t, before, options{global: relayTo(before.addr)})
	g.mustStop(testPhone)
	eventually(t, "the first backend is told", func() bool { return len(before.stops(t)) > 0 })

	g.reload(options{backend: before.addr}) // no relay
	g.mustStop(otherPhone)
	g.wantFanOut(false)
	s, _ := onlyStore(t)
	eventually(t, "the relay ends", func() bool { return s.relay.running() == nil })
	if n := g.untold(testSender); n != 2 {
		t.Errorf("%d are untold", n)
	}

	if err := g.load(g.caddyfile(options{backend: before.addr, global: relayTo("user:secret@" + after.addr)})); err == nil {
		t.Fatal("a password in the URL is taken")
	}
	g.reload(options{backend: before.addr, global: relayTo(after.addr)})
	g.wantTold()
	g.wantFanOut(true)
	told := after.stops(t)
	slices.Sort(told)
	if !slices.Equal(told, []string{testPhone, otherPhone}) {
		t.Errorf("told: %v", told)
	}
}

// A load that fails after its relay has begun leaves the relay of the running
// configuration.
func TestRelayFailedReload(t *testing.T) {
	running, failed := newBackend(t), newBackend(t)
	g := startGateway(t, running, options{global: relayTo(running.addr)})
	cfg, err := adapt(g.caddyfile(options{backend: running.addr, global: relayTo(failed.addr)}))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // apps are started in no order
		if err := caddy.Load(withApp(t, cfg, "stopgate_failing_app", failingApp{At: "start"}), true); err == nil {
			t.Fatal("the load did not fail")
		}
	}
	g.mustStop(testPhone)
	g.wantTold()
	if got := running.stops(t); !slices.Equal(got, []string{testPhone}) {
		t.Errorf("the running configuration's backend was told %v", got)
	}
	if got := failed.stops(t); len(got) != 0 {
		t.Errorf("the failed one's was told %v", got)
	}
}

// A relay that hangs holds up neither a reload nor a stop of Caddy.
func TestRelayHangs(t *testing.T) {
	b := newBackend(t)
	let := make(chan struct{})
	defer close(let)
	b.answerStops(func(url.Values) (int, string) { <-let; return 200, stopSuccess })
	g := startGateway(t, b, options{global: relayTo(b.addr, "timeout 5m")})
	g.mustStop(testPhone)
	eventually(t, "the backend is told", func() bool { return len(b.stops(t)) == 1 })
	began := time.Now()
	g.reload(options{backend: b.addr, global: relayTo(b.addr, "timeout 4m")})
	if took := time.Since(began); took > handover {
		t.Errorf("the reload took %s", took)
	}
	began = time.Now()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*handover+5*time.Second {
		t.Errorf("stopping took %s", took)
	}
	eventually(t, "all goroutines end", func() bool { return len(ours()) == 0 })
}

// panickingAPI is a guest module whose request to the backend panics with the password
// in hand.
type panickingAPI struct{ smsapi.Relayer }

func init() { caddy.RegisterModule(panickingAPI{}) }

func (panickingAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sms_optout.apis.panicking", New: func() caddy.Module { return new(panickingAPI) }}
}

func (panickingAPI) NewAPI(region *phone.Region) smsapi.API {
	return panickingAPI{WhatCounts{}.NewAPI(region).(smsapi.Relayer)}
}

func (panickingAPI) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (panickingAPI) StopRequest(_ *url.URL, _, password string, _ phone.Sender, to phone.Number) (*http.Request, error) {
	panic(password + to.Digits())
}

// A panic of an API's module is counted and logged, and the opt-out told again later.
func TestRelayPanics(t *testing.T) {
	b := newBackend(t)
	log := filepath.Join(t.TempDir(), "log")
	g := startGateway(t, b, options{global: relayTo(b.addr, "api panicking"), caddy: "log {\n output file " + log + "\n}"})
	before := scrape(t)["panics_total"]
	g.mustStop(testPhone)
	eventually(t, "the panic is counted", func() bool { return scrape(t)["panics_total"] > before })
	eventually(t, "the panic is logged", func() bool { return strings.Contains(tail(t, log), "panic while telling the backend") })
	text := tail(t, log)
	if !strings.Contains(text, `"logger":"sms_optout.relay"`) || !strings.Contains(text, "StopRequest") ||
		strings.Contains(text, relayPassword) || strings.Contains(text, testPhone) {
		t.Errorf("the log:\n%s", text)
	}
	g.wantFanOut(false)
}

// A relay that leads back to the gateway is noticed, and does not go round.
func TestRelayLoop(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.addr = freeAddr(t)
	g.mustLoad(g.caddyfile(options{backend: b.addr, global: "relay http://" + g.addr + "/bin/api_web {\nrealm " + testRealm + " " + testPassword + "\n}"}))
	g.mustStop(testPhone)
	s, _ := onlyStore(t)
	eventually(t, "the loop is noticed", func() bool {
		e := s.relay.running()
		return e != nil && e.Status().Down && strings.Contains(e.Status().Reason, "leads back")
	})
	n := 0
	if err := s.Store.History(t.Context(), phoneOf(t, testPhone), func(optoutstore.Event) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d events, %v", n, err)
	}
	g.wantFanOut(false)
}

// The backend hears of a stop and of a subscribe in the order in which the gateway
// took them.
func TestRelayCrossing(t *testing.T) {
	for _, test := range []struct{ name, site string }{
		{"lift", "subscribe lift"},
		{"forward", "subscribe forward"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBackend(t)
			var mu sync.Mutex
			var heard []string
			hear := func(what string) { mu.Lock(); heard = append(heard, what); mu.Unlock() }
			stopCame, letStop := make(chan struct{}, 16), make(chan struct{})
			subscribeCame, letSubscribe := make(chan struct{}), make(chan struct{})
			var untold uint64
			g := &gateway{}
			b.answer = func(r received) (int, http.Header, string) {
				if strings.Contains(string(r.Body), "smsstopsubscribersend") {
					stopCame <- struct{}{}
					<-letStop
					hear("stop")
					return 200, http.Header{}, stopSuccess
				}
				if !strings.Contains(r.Target, "addphone") {
					return 200, http.Header{}, sendSuccess
				}
				untold = g.untold(testSender)
				subscribeCame <- struct{}{}
				<-letSubscribe
				hear("subscribe")
				return 200, http.Header{}, "SUCCESS: Adding phone to sender code was successful"
			}
			*g = *startGateway(t, b, options{site: test.site, global: relayTo(b.addr)})

			// A subscribe waits for the stop that is being told.
			g.mustStop(testPhone)
			<-stopCame
			answered := make(chan reply, 1)
			go func() { answered <- g.get(subscribeOf(testPhone)) }()
			s, _ := onlyStore(t)
			eventually(t, "the subscribe waits", func() bool { return s.relay.order.Holds(phoneOf(t, testPhone)) == 1 })
			close(letStop)
			<-subscribeCame
			if untold != 1 {
				t.Errorf("%d opt-outs are untold while the subscribe is under way, want 1", untold)
			}
			// A stop that comes now is acknowledged at once, and told after it.
			g.mustStop(testPhone)
			g.wantFanOut(false)
			close(letSubscribe)
			if r := <-answered; !strings.HasPrefix(r.Body, "SUCCESS: Adding") {
				t.Errorf("subscribe: %d %q", r.Status, r.Body)
			}
			g.wantTold()
			g.wantBlocked(b, testPhone)
			g.wantFanOut(true)
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(heard, []string{"stop", "subscribe", "stop"}) {
				t.Errorf("the backend heard %v", heard)
			}
		})
	}
}

// A subscribe waits only so long for a stop that the backend is being told. To observe,
// it passes all the same.
func TestRelayCrossingTimesOut(t *testing.T) {
	for _, tc := range []struct {
		site   string
		passes bool
	}{{"", false}, {"subscribe forward", false}, {"mode observe", true}, {"mode observe\nsubscribe lift", true}} {
		t.Run(tc.site, func(t *testing.T) {
			b := newBackend(t)
			let := make(chan struct{})
			b.answerStops(func(url.Values) (int, string) { <-let; return 200, stopSuccess })
			log := filepath.Join(t.TempDir(), "log")
			g := startGateway(t, b, options{site: tc.site, global: relayTo(b.addr), caddy: "log {\n output file " + log + "\n}"})
			s, _ := onlyStore(t)
			s.relay.crossing = time.Millisecond
			g.mustStop(testPhone)
			eventually(t, "the backend is told", func() bool { return len(b.stops(t)) == 1 })
			switch r := g.get(subscribeOf(testPhone)); {
			case tc.passes && r.Body != sendSuccess:
				t.Errorf("%d %q", r.Status, r.Body)
			case !tc.passes && (r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" ||
				r.Body != "FAILURE: Another request about this phone is under way, try again later"):
				t.Errorf("%d %q", r.Status, r.Body)
			}
			if text := tail(t, log); strings.Count(text, `"code":"relay_busy"`) != 1 || strings.Contains(text, "store_unavailable") {
				t.Errorf("the log:\n%s", text)
			}
			close(let)
		})
	}
}

// A phone is held until the backend has answered a subscribe, and not until the answer
// has been read: a client that is slow keeps no stop from being told.
func TestHoldEndsWithAnswer(t *testing.T) {
	for _, site := range []string{"subscribe lift", "subscribe forward", "mode observe"} {
		t.Run(site, func(t *testing.T) {
			came, goOn := make(chan struct{}), make(chan struct{})
			slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				came <- struct{}{}
				io.WriteString(w, "SUCCESS: Adding phone to sender code was successful")
				w.(http.Flusher).Flush()
				select {
				case <-goOn:
				case <-t.Context().Done():
				}
			}))
			defer slow.Close()
			g := startGateway(t, nil, options{backend: slow.Listener.Addr().String(), site: site})
			g.mustStop(testPhone)
			s, _ := onlyStore(t)
			answered := make(chan reply, 1)
			go func() { answered <- g.get(subscribeOf(testPhone)) }()
			holds := func() int { return s.relay.order.Holds(phoneOf(t, testPhone)) }
			eventually(t, "the phone is held", func() bool { return holds() == 1 })
			<-came
			eventually(t, "the phone is let go", func() bool { return holds() == 0 })
			if len(answered) > 0 {
				t.Error("the answer has ended")
			}
			close(goOn)
			if r := <-answered; !strings.HasPrefix(r.Body, "SUCCESS: Adding") {
				t.Errorf("%d %q", r.Status, r.Body)
			}
		})
	}
}

// A subscribe that the backend refuses leaves the opt-out in force, and to be told
// again; one that it takes ends it, under the policy lift.
func TestRelaySubscribe(t *testing.T) {
	b := newBackend(t)
	answer := make(chan string, 1)
	b.answer = func(r received) (int, http.Header, string) {
		if strings.Contains(r.Target, "addphone") {
			return 200, http.Header{}, <-answer
		}
		if strings.Contains(string(r.Body), "smsstopsubscribersend") {
			return 200, http.Header{}, stopSuccess
		}
		return 200, http.Header{}, sendSuccess
	}
	g := startGateway(t, b, options{site: "subscribe lift", global: relayTo(b.addr)})
	g.mustStop(testPhone)
	g.wantTold()
	answer <- "FAILURE: no"
	g.get(subscribeOf(testPhone))
	g.wantTold()
	if got := b.stops(t); len(got) != 2 {
		t.Errorf("told %d times", len(got))
	}
	answer <- "SUCCESS: yes"
	g.get(subscribeOf(testPhone))
	g.wantTold()
	if got := b.stops(t); len(got) != 2 {
		t.Errorf("told %d times, the last time of a lifted opt-out", len(got))
	}
	g.wantForwarded(b, testPhone)
}

// lagging is a list whose states lag behind a told that is still being written.
type lagging struct{ optoutstore.Store }

func (l lagging) States(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.State) error) error {
	return l.Store.States(ctx, f, func(s optoutstore.State) error {
		s.Told = false
		return fn(s)
	})
}

// A subscribe that is forwarded makes every opt-out that it could undo at the
// backend one to be told again: one whose told is being written meanwhile, and a
// wide one that an operator has entered at the backend by hand.
func TestRelaySubscribeUntells(t *testing.T) {
	for _, test := range []struct {
		name string
		pair optoutstore.Pair
	}{
		{"being written", optoutstore.Pair{Realm: testRealm, Sender: testSender}},
		{"every sender", optoutstore.Pair{Realm: testRealm, Sender: phone.AnySender}},
		{"every realm", optoutstore.Pair{Realm: optoutstore.AnyRealm, Sender: phone.AnySender}},
		{"the sender in every realm", optoutstore.Pair{Realm: optoutstore.AnyRealm, Sender: testSender}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBackend(t)
			name := strings.ReplaceAll(t.Name(), "/", "_")
			testStores.Store(name, storetest.NewFaulty(lagging{storetest.NewModel()}))
			defer testStores.Delete(name)
			g := startGateway(t, b, options{store: "test " + name, site: "subscribe forward"})
			s, _ := onlyStore(t)
			c := optoutstore.Change{Pair: test.pair, Source: optoutstore.SourceCLI}
			c.Phone = phoneOf(t, testPhone)
			event, err := s.Store.OptOut(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			other := c
			other.Pair = optoutstore.Pair{Realm: testRealm, Sender: "99999", Phone: c.Phone}
			otherEvent, err := s.Store.OptOut(t.Context(), other)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Store.Told(t.Context(), c, event.Number); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Store.Told(t.Context(), other, otherEvent.Number); err != nil {
				t.Fatal(err)
			}
			g.wantFanOut(true)
			g.get(subscribeOf(testPhone))
			g.wantFanOut(false)
			if n, err := s.Store.Untold(t.Context(), testRealm, ""); n != 1 || err != nil {
				t.Errorf("%d are untold, %v: that of another sender stands", n, err)
			}
		})
	}
}

// A subscribe is not forwarded where it cannot be noted that the backend has to be
// told again of the opt-out, whatever the policy: the fan-outs behind it would reach
// the phone.
func TestRelaySubscribeUnnoted(t *testing.T) {
	b := newBackend(t)
	name := t.Name()
	store := storetest.NewFaulty(storetest.NewModel())
	testStores.Store(name, store)
	defer testStores.Delete(name)
	o := options{store: "test " + name, site: "subscribe forward\non_store_error forward"}
	g := startGateway(t, b, o)
	g.mustStop(testPhone)
	s, _ := onlyStore(t)
	c := optoutstore.Change{Pair: optoutstore.Pair{Realm: testRealm, Sender: testSender, Phone: phoneOf(t, testPhone)}, Source: optoutstore.SourceCLI}
	if _, err := s.Store.Told(t.Context(), c, 1); err != nil {
		t.Fatal(err)
	}
	g.wantFanOut(true)
	for _, m := range []storetest.Method{storetest.MethodUntell, storetest.MethodStates} {
		store.Set(storetest.Fault{Err: optoutstore.ErrNoSpace}, m)
		b.take()
		if r := g.get(subscribeOf(testPhone)); r.Status != http.StatusServiceUnavailable || len(b.take()) != 0 {
			t.Errorf("%d %q, or it was forwarded", r.Status, r.Body)
		}
		if r := g.get(subscribeOf(otherPhone)); r.Body != sendSuccess {
			t.Errorf("of a phone that has not opted out: %d %q", r.Status, r.Body)
		}
		store.Clear()
	}
}

func phoneOf(t *testing.T, digits string) phone.Number {
	t.Helper()
	n, err := phone.ParseNumber(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
