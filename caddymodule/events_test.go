package caddymodule

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// listener is an event handler for tests: it keeps what it is told.
type listener struct {
	Panics bool `json:"panics,omitempty"`
}

var heard struct {
	sync.Mutex
	events []caddy.Event
}

func init() { caddy.RegisterModule(listener{}) }

func (listener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.stopgate_test", New: func() caddy.Module { return new(listener) }}
}

func (l *listener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	l.Panics = d.NextArg()
	return nil
}

func (l *listener) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	defer heard.Unlock()
	heard.events = append(heard.events, e)
	if l.Panics {
		panic("in a handler")
	}
	return nil
}

// hear returns the events of ours since the last time.
func hear() (found []caddy.Event) {
	heard.Lock()
	defer heard.Unlock()
	for _, e := range heard.events {
		if strings.HasPrefix(e.Name(), "sms_optout.") {
			found = append(found, e)
		}
	}
	heard.events = nil
	return found
}

// mustHear returns the one event since the last time.
func mustHear(t *testing.T, name string) caddy.Event {
	t.Helper()
	events := hear()
	if len(events) != 1 || events[0].Name() != name {
		t.Fatalf("%d events, want %s: %v", len(events), name, events)
	}
	return events[0]
}

func TestEvents(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{site: "subscribe lift", caddy: "events {\n on * stopgate_test\n}"})
	hear()
	subscribe := call("addphonetosendercode", "phone", heldPhone, "sender_code", testSender)
	for _, tc := range []struct {
		query, event string
		data         map[string]any
	}{
		{stopOf(heldPhone), eventOptedOut, map[string]any{"kind": "opted_out", "event": uint64(1), "realm": testRealm, "phone": "1415*****42", "scope": "pair", "source": "api_web"}},
		{stopOf(heldPhone), eventOptedOut, map[string]any{"kind": "opted_out_again", "event": uint64(2)}},
		{sendTo(heldPhone), eventBlocked, map[string]any{"call": "send", "code": "opted_out", "realm": testRealm, "phone": "1415*****42", "scope": "pair"}},
		{subscribe, eventLifted, map[string]any{"kind": "lifted", "event": uint64(3), "phone": "1415*****42"}},
	} {
		if tc.event == eventLifted {
			b.answers(nil) // sendSuccess begins with SUCCESS as well
		}
		r := g.get(tc.query)
		e := mustHear(t, tc.event)
		for key, want := range tc.data {
			if e.Data[key] != want {
				t.Errorf("%s: %s is %v, want %v", tc.event, key, e.Data[key], want)
			}
		}
		if id := r.Header.Get(decisionHeader); id != "" && e.Data["decision"] != id {
			t.Errorf("%s: decision %v, the answer has %s", tc.event, e.Data["decision"], id)
		}
		if text := fmt.Sprint(e.Data); strings.Contains(text, heldPhone) || strings.Contains(text, testSender) || strings.Contains(text, testPassword) {
			t.Errorf("%s tells too much: %s", tc.event, text)
		}
		if e.Origin().CaddyModule().ID != appName {
			t.Errorf("%s comes from %s", tc.event, e.Origin().CaddyModule().ID)
		}
	}

	// What comes by another way than a request is heard as well.
	shared, _ := onlyStore(t)
	if _, err := shared.OptOut(t.Context(), optoutstore.Change{Pair: pairOf(testRealm, testSender, freePhone), Source: optoutstore.SourceCLI}); err != nil {
		t.Fatal(err)
	}
	if e := mustHear(t, eventOptedOut); e.Data["source"] != "cli" {
		t.Errorf("%v", e.Data)
	}

	// What passes and what is refused is none.
	g.get(sendTo(otherPhone))
	g.get(stopOf("nonsense"))
	if events := hear(); len(events) > 0 {
		t.Errorf("heard %v", events)
	}
}

// What an opt-out covers is called the same wherever it is told.
func TestScopes(t *testing.T) {
	b := newBackend(t)
	log := filepath.Join(t.TempDir(), "log")
	g := startGateway(t, b, options{caddy: "events {\n on * stopgate_test\n}\nlog {\n output file " + log + "\n}"})
	hear()
	shared, _ := onlyStore(t)
	for _, tc := range []struct{ realm, sender, phone, scope string }{
		{testRealm, testSender, "12065550101", operate.ScopePair},
		{testRealm, "*", "12065550102", operate.ScopeEverySender},
		{"*", testSender, "12065550103", operate.ScopeEveryRealm},
		{"*", "*", "12065550104", operate.ScopeEverything},
	} {
		t.Run(tc.scope, func(t *testing.T) {
			if _, err := shared.OptOut(t.Context(), optoutstore.Change{Pair: pairOf(tc.realm, tc.sender, tc.phone), Source: optoutstore.SourceCLI}); err != nil {
				t.Fatal(err)
			}
			if e := mustHear(t, eventOptedOut); e.Data["scope"] != tc.scope {
				t.Errorf("opted out: %v", e.Data["scope"])
			}
			before := tail(t, log)
			g.get(sendTo(tc.phone))
			if e := mustHear(t, eventBlocked); e.Data["scope"] != tc.scope {
				t.Errorf("blocked: %v", e.Data["scope"])
			}
			if line := strings.TrimPrefix(tail(t, log), before); !strings.Contains(line, `"scope":"`+tc.scope+`"`) {
				t.Errorf("the log: %s", line)
			}
		})
	}
}

// A handler that panics changes nothing of what was decided.
func TestEventHandlerPanics(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{caddy: "events {\n on sms_optout.opted_out stopgate_test panics\n on sms_optout.blocked stopgate_test panics\n}"})
	hear()
	before := scrape(t)
	g.mustStop(testPhone)
	mustHear(t, eventOptedOut)
	g.wantBlocked(b, testPhone)
	mustHear(t, eventBlocked)
	if n := scrape(t)["panics_total"] - before["panics_total"]; n != 2 {
		t.Errorf("%v panics were counted", n)
	}
}

// Nothing is put together that nobody listens to.
func TestEventsCostNothing(t *testing.T) {
	h := newHandler(t, "")
	h.app.emit(eventBlocked, func() map[string]any {
		t.Error("the event was put together")
		return nil
	})
}

// A store that no longer takes stops is one event, and its recovery another.
func TestStoreEvents(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name, caddy: "events {\n on * stopgate_test\n}"})
	hear()
	await := func(name string) (found caddy.Event) {
		t.Helper()
		eventually(t, name, func() bool {
			for _, e := range hear() {
				if e.Name() != name {
					t.Fatalf("heard %s", e.Name())
				}
				found = e
			}
			return found.Name() == name
		})
		return found
	}
	for range 2 {
		store.SetHealth(&optoutstore.Health{Readable: true, Reason: "no space"})
		if e := await(eventStoreDegraded); e.Data["readable"] != true || e.Data["writable"] != false || e.Data["reason"] != "no space" {
			t.Errorf("%v", e.Data)
		}
		g.reload(options{backend: b.addr, store: "test " + name, caddy: "events {\n on * stopgate_test\n}"})
		store.SetHealth(nil)
		await(eventStoreRecovered)
	}
}

func TestMaskedSender(t *testing.T) {
	t.Parallel()
	for sender, want := range map[phone.Sender]string{
		"12345":          "12345",
		"mybrand":        "mybrand",
		"brand2026":      "brand2026",
		"120162701555":   "1201******55",
		"120162701555x1": "1201*******5x1",
		"call12065551":   "call1206**51",
	} {
		if got := maskedSender(sender); got != want {
			t.Errorf("%s is shown as %s, want %s", sender, got, want)
		}
	}
}
