package caddymodule

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
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
