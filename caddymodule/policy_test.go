package caddymodule

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Observe mode serves stops, and forwards what it would block.
func TestObserve(t *testing.T) {
	b := newBackend(t)
	log := filepath.Join(t.TempDir(), "log")
	g := startGateway(t, b, options{site: "mode observe", caddy: "log {\n output file " + log + "\n}"})
	g.mustStop(testPhone)
	for name, raw := range map[string]string{
		"send":      query(sendTo(testPhone)),
		"fan-out":   query(call("smssendmessagetosendercode", "sender_code", testSender, "message_name", "m", "name", "n")),
		"subscribe": query(call("addphonetosendercode", "phone", testPhone, "sender_code", testSender)),
		"ambiguous": query(sendTo(testPhone) + "&phone=13105550000"),
		"too large": form("/bin/api_web", sendTo(otherPhone)+"&x="+strings.Repeat("x", 1<<20)),
		"too large, chunked": "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n" + chunked(sendTo(otherPhone)+"&x="+strings.Repeat("x", 1<<20), 4096),
		"multipart": "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 7\r\n\r\n--x--\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			b.take()
			r, err := g.raw(raw)
			if err != nil || r.Body != sendSuccess {
				t.Errorf("%v %d %q", err, r.Status, r.Body)
			}
			got, err := b.only()
			if err != nil {
				t.Fatal(err)
			}
			sent, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(sent.Body); !bytes.Equal(body, got.Body) {
				t.Errorf("%d bytes of %d arrived", len(got.Body), len(body))
			}
		})
	}
	if r := g.get("r=myrealm&p=wrong&c=smsstopsubscribersend&phone=12065551212&sender_code=1"); !strings.HasPrefix(r.Body, "FAILURE: ") {
		t.Errorf("stop with a wrong password: %q", r.Body)
	}
	if text := tail(t, log); strings.Count(text, "would block") < 3 {
		t.Errorf("the log does not tell what would be blocked:\n%s", text)
	}
	g.reload(options{backend: b.addr})
	g.wantBlocked(b, testPhone)
}

// Observe mode forwards a subscribe whose password cannot be checked in time.
func TestObserveBusy(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{site: "subscribe lift"})
	g.mustStop(testPhone)
	var turns []*turn
	for turn := hashers.queue("127.0.0.1"); turn != nil; turn = hashers.queue("127.0.0.1") {
		turns = append(turns, turn)
	}
	defer func() {
		for _, turn := range slices.Backward(turns) {
			if !hashers.leave(turn) {
				hashers.release()
			}
		}
	}()
	unknown := strings.Replace(subscribeOf(testPhone), testPassword, "never-tried", 1)
	b.take()
	if r := g.get(unknown); r.Status != http.StatusServiceUnavailable || len(b.take()) != 0 {
		t.Errorf("enforce: %d %q", r.Status, r.Body)
	}
	g.reload(options{backend: b.addr, site: "mode observe\nsubscribe lift"})
	if r := g.get(unknown); r.Body != sendSuccess || len(b.take()) != 1 {
		t.Errorf("observe: %d %q", r.Status, r.Body)
	}
}

// The three policies for fan-outs.
func TestFanOutPolicies(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	fanOut := func(sender string) bool {
		b.take()
		r := g.get(call("smssendmessagetosendercode", "sender_code", sender, "message_name", "m", "name", "n"))
		_, err := b.only()
		if forwarded := r.Body == sendSuccess; forwarded != (err == nil) {
			t.Errorf("%q, but %v", r.Body, err)
		}
		return err == nil
	}
	for _, tc := range []struct {
		policy      string
		held, fresh bool
	}{{"safe", false, true}, {"block", false, false}, {"forward", true, true}} {
		g.reload(options{backend: b.addr, site: "fan_out " + tc.policy})
		if held, fresh := fanOut(testSender), fanOut("55555"); held != tc.held || fresh != tc.fresh {
			t.Errorf("%s: a sender with an opt-out: %v, one without: %v", tc.policy, held, fresh)
		}
	}
}

// The three policies for subscribes, and what a backend may answer to a lift.
func TestSubscribePolicies(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	subscribe := func() reply {
		return g.get(call("addphonetosendercode", "phone", testPhone, "sender_code", testSender))
	}
	const accepted = "SUCCESS: Adding phone to sender code was successful"
	b.answers(func(r received) (int, http.Header, string) {
		if strings.Contains(r.Target, "addphonetosendercode") {
			return 200, nil, accepted
		}
		return 200, nil, sendSuccess
	})

	g.mustStop(testPhone)
	if r := subscribe(); !strings.HasPrefix(r.Body, "FAILURE: ") || len(b.take()) != 0 {
		t.Errorf("refuse: %q", r.Body)
	}

	g.reload(options{backend: b.addr, site: "subscribe forward"})
	if r := subscribe(); r.Body != accepted {
		t.Errorf("forward: %q", r.Body)
	}
	g.wantBlocked(b, testPhone)

	g.reload(options{backend: b.addr, site: "subscribe lift"})
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, accepted)
	z.Close()
	for name, answer := range map[string]func(received) (int, http.Header, string){
		"FAILURE":       func(received) (int, http.Header, string) { return 200, nil, "FAILURE: no" },
		"500":           func(received) (int, http.Header, string) { return 500, nil, accepted },
		"empty":         func(received) (int, http.Header, string) { return 200, nil, "" },
		"html":          func(received) (int, http.Header, string) { return 200, nil, "<html>SUCCESS: yes</html>" },
		"hangs up":      func(received) (int, http.Header, string) { return 0, nil, "" },
		"short":         func(received) (int, http.Header, string) { return 200, nil, "SUCC" },
		"no content":    func(received) (int, http.Header, string) { return 204, nil, "" },
		"long and none": func(received) (int, http.Header, string) { return 200, nil, strings.Repeat("x", 1<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			b.answers(answer)
			subscribe()
			b.answers(nil)
			g.wantBlocked(b, testPhone)
		})
	}

	b.answers(func(received) (int, http.Header, string) { return 200, nil, accepted })
	if r := subscribe(); r.Body != accepted {
		t.Errorf("lift: %q", r.Body)
	}
	b.answers(nil)
	g.wantForwarded(b, testPhone)
	g.mustStop(testPhone)
	g.wantBlocked(b, testPhone)

	// Caddy's transport undoes a coding that only itself has asked for.
	b.answers(func(received) (int, http.Header, string) {
		return 200, http.Header{"Content-Encoding": {"gzip"}}, zipped.String()
	})
	if r := subscribe(); r.Body != accepted {
		t.Errorf("lift, gzip: %q", r.Body)
	}
	b.answers(nil)
	g.wantForwarded(b, testPhone)
}

// A lift needs the realm's password here, whatever the backend says: to it the name may
// be another account's, and something else may answer in its place.
func TestLiftNeedsPassword(t *testing.T) {
	b := newBackend(t)
	b.answers(func(received) (int, http.Header, string) { return 200, nil, "SUCCESS: up" })
	g := startGateway(t, b, options{site: "subscribe lift"})
	g.mustStop(testPhone)
	subscribe := url.Values{"c": {"addphonetosendercode"}, "phone": {testPhone}, "sender_code": {testSender}}
	for _, tc := range []struct{ realm, password string }{
		{testRealm, "wrong"}, {testRealm, ""}, {"MYREALM", "another's"}, {"myr\u00ebalm", "another's"},
		{"\uff4dyrealm", "another's"}, {"my\u200brealm", "another's"}, {testRealm + " ", "another's"}, {"unknown", testPassword},
	} {
		subscribe.Set("r", tc.realm)
		subscribe.Set("p", tc.password)
		g.get(subscribe.Encode())
		g.wantBlocked(b, testPhone)
	}
	subscribe.Set("r", testRealm)
	subscribe.Set("p", testPassword)
	g.get(subscribe.Encode())
	b.answers(nil)
	g.wantForwarded(b, testPhone)
}

// A stop that is acknowledged while a backend carries out a subscribe stands.
func TestStopDuringSubscribe(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{site: "subscribe lift"})
	g.mustStop(testPhone)
	began, carryOut := make(chan struct{}), make(chan struct{})
	b.answers(func(received) (int, http.Header, string) {
		close(began)
		<-carryOut
		return 200, nil, "SUCCESS: Adding phone to sender code was successful"
	})
	answered := make(chan reply)
	go func() {
		r, err := rawTo(g.addr, query(call("addphonetosendercode", "phone", testPhone, "sender_code", testSender)))
		if err != nil {
			t.Error(err)
		}
		answered <- r
	}()
	<-began
	g.mustStop(testPhone)
	close(carryOut)
	<-answered
	b.answers(nil)
	g.wantBlocked(b, testPhone)
}

// Whose opt-out a subscribe may lift: only that of exactly the pair that it names,
// in a way that can be read once.
func TestWhoseOptOutIsLifted(t *testing.T) {
	b := newBackend(t)
	for _, tc := range []struct {
		name      string
		held      optoutstore.Pair
		subscribe []string // phone, sender
		lifted    bool
	}{
		{"the pair", pairOf(testRealm, testSender, testPhone), []string{testPhone, testSender}, true},
		{"alphanumeric sender", pairOf(testRealm, "mybrand", testPhone), []string{testPhone, "MyBrand"}, true},
		{"a name with a blank", pairOf(testRealm, "my brand", testPhone), []string{testPhone, "My Brand"}, true},
		{"another name that is made of it", pairOf(testRealm, "mybrand", testPhone), []string{testPhone, "My-Brand"}, false},
		{"sender *", pairOf(testRealm, "*", testPhone), []string{testPhone, testSender}, false},
		{"realm *", pairOf("*", testSender, testPhone), []string{testPhone, testSender}, false},
		{"no sender named", pairOf(testRealm, testSender, testPhone), []string{testPhone, ""}, false},
		{"the same digits abroad", pairOf(testRealm, testSender, "14791234567"), []string{"+4791234567", testSender}, false},
		{"another reading has opted out", pairOf(testRealm, testSender, "4791234567"), []string{"4791234567", testSender}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			name, store := newTestStore(t)
			g := startGateway(t, b, options{store: "test " + name, site: "subscribe lift"})
			if _, err := store.OptOut(t.Context(), optoutstore.Change{Pair: tc.held, Source: optoutstore.SourceCLI}); err != nil {
				t.Fatal(err)
			}
			b.take()
			r := g.get(call("addphonetosendercode", "phone", tc.subscribe[0], "sender_code", tc.subscribe[1]))
			n := len(b.take())
			q := optoutstore.Query{Realm: tc.held.Realm, Senders: []phone.Sender{tc.held.Sender}, Phones: []phone.Number{tc.held.Phone}}
			_, held, err := store.Lookup(t.Context(), q)
			if err != nil || held == tc.lifted || (n == 1) != tc.lifted {
				t.Errorf("%q, %d forwarded, still held: %v, %v", r.Body, n, held, err)
			}
		})
	}
}

func pairOf(realm, sender, digits string) optoutstore.Pair {
	n, err := phone.ParseNumber(digits)
	if err != nil {
		panic(err)
	}
	return optoutstore.Pair{Realm: realm, Sender: phone.Sender(sender), Phone: n}
}

// In observe mode no stop is lost on the way: one that cannot be read is answered,
// one that only offers an upgrade is recorded.
func TestObserveStops(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{site: "mode observe"})
	for name, raw := range map[string]string{
		"ambiguous":       query(stopOf(testPhone) + "&phone=13105550000"),
		"body of no type": "POST /bin/api_web HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\nc=smsstopsubscribersend&",
		"trailers": "POST /bin/api_web HTTP/1.1\r\nHost: x\r\nTrailer: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n" + chunked(stopOf(testPhone), 500),
		"by PUT": "PUT /bin/api_web?" + stopOf(testPhone) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"h2c":    "GET /bin/api_web?" + stopOf(testPhone) + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := g.mustRaw(raw)
			if n := len(b.take()); n != 0 {
				t.Errorf("%d stops were forwarded and not recorded: %d %q", n, r.Status, r.Body)
			}
			if r.Body != stopSuccess && !strings.HasPrefix(r.Body, "FAILURE: ") {
				t.Errorf("%d %q", r.Status, r.Body)
			}
		})
	}
	// What is no stop is forwarded as it is, upgrade and all.
	raw := strings.Replace(query(sendTo(otherPhone)), "Host", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\nHost", 1)
	if r := g.mustRaw(raw); r.Body != sendSuccess {
		t.Errorf("%d %q", r.Status, r.Body)
	}
}
