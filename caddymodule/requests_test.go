package caddymodule

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// form wraps a urlencoded form into a POST.
func form(target, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: gw.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		target, len(body), body)
}

func query(q string) string {
	return "GET /bin/api_web?" + q + " HTTP/1.1\r\nHost: gw.example\r\n\r\n"
}

// TestRequests sends what README.md, "What a request gets", lists through a running
// Caddy. The realm is testRealm, and testSender must not message testPhone.
func TestRequests(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	b.take()

	const (
		args    = "r=myrealm&p=mypass"
		send    = args + "&c=smssendmessagetophone"
		stop    = args + "&c=smsstopsubscribersend"
		fresh   = "&phone=13105550000&sender_code=120162701555&message_text=hello"
		blocked = "&phone=12065551212&sender_code=120162701555&message_text=hello"
		pair    = "&phone=13105550001&sender_code=120162701555"
	)
	const failure = "FAILURE: "
	for _, tc := range []struct {
		name    string
		raw     string
		status  int
		body    string // exact, or a prefix where it is "FAILURE: "
		forward bool
	}{
		// Stop.
		{"stop by GET", query(stop + pair), 200, stopSuccess, false},
		{"stop again", query(stop + pair), 200, stopSuccess, false},
		{"stop by POST", form("/bin/api_web", stop+pair), 200, stopSuccess, false},
		{"stop, other names", query("realm=myrealm&pwd=mypass&cmd=smsstopsubscribersend" + pair), 200, stopSuccess, false},
		{"stop, split", form("/api_web?"+stop, pair[1:]), 200, stopSuccess, false},
		{"stop, any order", query("sender_code=120162701555&c=smsstopsubscribersend&phone=13105550001&p=mypass&r=myrealm"), 200, stopSuccess, false},
		{"stop, trailing &", query(stop + pair + "&"), 200, stopSuccess, false},
		{"stop without /bin", "GET /api_web?" + stop + pair + " HTTP/1.1\r\nHost: gw.example\r\n\r\n", 200, stopSuccess, false},
		{"stop, version and client", query("version=&api_client=x&" + stop + pair), 200, stopSuccess, false},
		{"stop, realm in other case", query("r=MyRealm&p=mypass&c=smsstopsubscribersend" + pair), 200, stopSuccess, false},
		{"stop, wrong password", query("r=myrealm&p=wrong&c=smsstopsubscribersend" + pair), 200, failure, false},
		{"stop, no password", query("r=myrealm&c=smsstopsubscribersend" + pair), 200, failure, false},
		{"stop, unknown realm", query("r=nobody&p=mypass&c=smsstopsubscribersend" + pair), 200, failure, false},
		{"stop, no realm", query("p=mypass&c=smsstopsubscribersend" + pair), 200, failure, false},
		{"stop, no phone", query(stop + "&sender_code=120162701555"), 200, failure, false},
		{"stop, empty phone", query(stop + "&phone=&sender_code=120162701555"), 200, failure, false},
		{"stop, no sender", query(stop + "&phone=13105550001"), 200, failure, false},
		{"stop, phone with dashes", query(stop + "&phone=1-310-555-0001&sender_code=120162701555"), 200, failure, false},
		{"stop, phone with letters", query(stop + "&phone=1310555000A&sender_code=120162701555"), 200, failure, false},
		{"stop, phone too short", query(stop + "&phone=123&sender_code=120162701555"), 200, failure, false},
		{"stop, phone too long", query(stop + "&phone=" + strings.Repeat("1", 500) + "&sender_code=120162701555"), 200, failure, false},
		{"stop, sender too long", query(stop + "&phone=13105550001&sender_code=" + strings.Repeat("x", 500)), 200, failure, false},
		{"stop, sender *", query(stop + "&phone=13105550001&sender_code=*"), 200, failure, false},
		{"stop by PUT", "PUT /bin/api_web?" + stop + pair + " HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 0\r\n\r\n", 405, failure, false},
		{"stop by DELETE", "DELETE /bin/api_web?" + stop + pair + " HTTP/1.1\r\nHost: gw.example\r\n\r\n", 405, failure, false},
		{"stop, two phones", query(stop + "&phone=13105550001&phone=13105550002&sender_code=120162701555"), 400, failure, false},

		// Send.
		{"send by GET", query(send + fresh), 200, sendSuccess, true},
		{"send by POST", form("/bin/api_web", send+fresh), 200, sendSuccess, true},
		{"send, split", form("/bin/api_web?"+send, fresh[1:]), 200, sendSuccess, true},
		{"send, trailing &", query(send + fresh + "&"), 200, sendSuccess, true},
		{"send, opted out", query(send + blocked), 200, failure, false},
		{"send, opted out, POST", form("/bin/api_web", send+blocked), 200, failure, false},
		{"send, opted out, split", form("/bin/api_web?phone=12065551212", send+"&sender_code=120162701555"), 200, failure, false},
		{"send, opted out, national", query(send + "&phone=2065551212&sender_code=120162701555"), 200, failure, false},
		{"send, opted out, pretty", query(send + "&phone=%2B1%20(206)%20555-1212&sender_code=120162701555"), 200, failure, false},
		{"send, opted out, no sender", query(send + "&phone=12065551212"), 200, failure, false},
		{"send, other sender", query(send + "&phone=12065551212&sender_code=55555"), 200, sendSuccess, true},
		{"send, other realm", query("r=second&p=x&c=smssendmessagetophone" + blocked), 200, sendSuccess, true},
		{"send, opted out, wrong password", query("r=myrealm&p=wrong&c=smssendmessagetophone" + blocked), 200, failure, false},
		{"send, wrong password, not opted out", query("r=myrealm&p=wrong&c=smssendmessagetophone" + fresh), 200, sendSuccess, true},
		{"send, no phone", query(send + "&sender_code=120162701555"), 200, failure, false},
		{"send, fresh, no sender", query(send + "&phone=13105550000"), 200, sendSuccess, true},
		{"send, a list with one opted out", query(send + "&phone=13105550000,12065551212&sender_code=120162701555"), 200, failure, false},
		{"send by HEAD", "HEAD /bin/api_web?" + send + blocked + " HTTP/1.1\r\nHost: gw.example\r\n\r\n", 200, "", false},

		// Fan-out: testSender has an opt-out, the other has none.
		{"fan-out, unsafe", query(args + "&c=smssendmessagetosendercode&sender_code=120162701555&message_name=m&name=n"), 200, failure, false},
		{"fan-out, safe", query(args + "&c=smssendmessagetosendercode&sender_code=55555&message_name=m&name=n"), 200, sendSuccess, true},

		// Subscribe.
		{"subscribe, opted out", query(args + "&c=addphonetosendercode&phone=12065551212&sender_code=120162701555"), 200, failure, false},
		{"subscribe, fresh", query(args + "&c=addphonetosendercode&phone=13105550000&sender_code=120162701555"), 200, sendSuccess, true},
		{"subscribe a contact, opted out", query(args + "&c=addsubscribertosendercode&email=a%40b.example&phone=2065551212&country=US&sender_code=120162701555"), 200, failure, false},

		// Others.
		{"unknown command, no pair", query(args + "&c=accountbalance"), 200, sendSuccess, true},
		{"unknown command, opted-out pair", query(args + "&c=smsblast" + blocked), 200, failure, false},
		{"unknown command, fresh pair", query(args + "&c=smsblast" + fresh), 200, sendSuccess, true},
		{"no command", query(args), 200, sendSuccess, true},
		{"help", query("c=help"), 200, sendSuccess, true},
		{"ambiguous phone", query(send + "&phone=13105550000&phone=12065551212&sender_code=120162701555"), 400, failure, false},

		// The HTTP itself.
		{"too large", form("/bin/api_web", send+fresh+"&x="+strings.Repeat("x", 1<<20)), 413, failure, false},
		{"chunked", "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n" +
			chunked(send+blocked, 7), 200, failure, false},
		{"multipart", "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 7\r\n\r\n--x--\r\n", 415, failure, false},
		{"json", "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 415, failure, false},
		{"gzip", "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx", 415, failure, false},
		{"body without a type", "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 3\r\n\r\na=b", 415, failure, false},
		{"no body, odd type", "POST /bin/api_web?" + send + fresh + " HTTP/1.1\r\nHost: gw.example\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", 200, sendSuccess, true},
		{"HTTP/1.0", "GET /bin/api_web?" + send + blocked + " HTTP/1.0\r\n\r\n", 200, failure, false},
		{"HTTP/1.0, fresh", "GET /bin/api_web?" + send + fresh + " HTTP/1.0\r\n\r\n", 200, sendSuccess, true},
		{"unguarded", "GET /other?" + send + blocked + " HTTP/1.1\r\nHost: gw.example\r\n\r\n", 200, sendSuccess, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b.take()
			r, err := g.raw(tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			if r.Status != tc.status {
				t.Errorf("status %d, want %d (%q)", r.Status, tc.status, r.Body)
			}
			switch {
			case tc.body == failure:
				wantFailureLine(t, r)
			case r.Body != tc.body:
				t.Errorf("body %q, want %q", r.Body, tc.body)
			}
			if got := len(b.take()); (got == 1) != tc.forward || got > 1 {
				t.Errorf("%d requests reached the backend, want forwarding: %v", got, tc.forward)
			}
			if !tc.forward && r.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type %q", r.Header.Get("Content-Type"))
			}
		})
	}
}

// wantFailureLine asserts the shape that clients split at the colon.
func wantFailureLine(t *testing.T, r reply) {
	t.Helper()
	reason, ok := strings.CutPrefix(r.Body, "FAILURE: ")
	if !ok || reason == "" || strings.ContainsAny(reason, ":\r\n") {
		t.Errorf("body %q is not one FAILURE line", r.Body)
	}
	for _, secret := range []string{testPassword, otherPhone, "1310555", testSender, testRealm} {
		if strings.Contains(reason, secret) {
			t.Errorf("body %q echoes input", r.Body)
		}
	}
	if got := r.Header.Get("Content-Length"); got != fmt.Sprint(len(r.Body)) {
		t.Errorf("Content-Length %s for %d bytes", got, len(r.Body))
	}
}

func chunked(body string, size int) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}

// TestSameAnswerToStrangers holds the answers together that must not differ.
func TestSameAnswerToStrangers(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)

	var want reply
	ids := make(map[string]bool)
	for i, q := range []string{
		"r=myrealm&p=wrong&c=smsstopsubscribersend&phone=12065551212&sender_code=120162701555",
		"r=nobody&p=mypass&c=smsstopsubscribersend&phone=12065551212&sender_code=120162701555",
		"r=nobody&p=&c=smsstopsubscribersend&phone=12065551212&sender_code=120162701555",
		"r=myrealm&p=wrong&c=smssendmessagetophone&phone=12065551212&sender_code=120162701555",
		"r=myrealm&p=wrong&c=smssendmessagetosendercode&sender_code=120162701555&message_name=m&name=n",
		"r=myrealm&p=wrong&c=addphonetosendercode&phone=12065551212&sender_code=120162701555",
	} {
		got := g.get(q)
		got.Header.Del("Date")
		// Each decision has a name of its own, made of nothing but chance.
		if id := got.Header.Get(decisionHeader); len(id) != 16 || ids[id] {
			t.Errorf("%s: decision %q", q, id)
		} else {
			ids[id] = true
		}
		got.Header.Set(decisionHeader, "")
		if i == 0 {
			want = got
			continue
		}
		if got.Status != want.Status || got.Body != want.Body || fmt.Sprint(got.Header) != fmt.Sprint(want.Header) {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests reached the backend", n)
	}
}

// TestHTTP2 makes a stop, a blocked and a passing send over HTTP/2 and TLS.
func TestHTTP2(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	addr := freeAddr(t)
	g.mustLoad(fmt.Sprintf(`{
	admin off
	persist_config off
	skip_install_trust
	storage file_system %[1]s/tls
	auto_https disable_redirects
	sms_optout {
		store badger %[1]s/optouts
		realm %[2]s %[3]s
	}
}
https://localhost:%[4]s {
	bind 127.0.0.1
	tls internal
	sms_optout
	reverse_proxy %[5]s
}`, g.dir, testRealm, testHash(), port(addr), b.addr))

	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"},
		ForceAttemptHTTP2: true,
	}}
	defer client.CloseIdleConnections()
	eventually(t, "the certificate is there", func() bool {
		resp, err := client.Get("https://localhost:" + port(addr) + "/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	b.take()
	do := func(q string) (string, string) {
		resp, err := client.Get("https://localhost:" + port(addr) + "/bin/api_web?" + q)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.Proto, string(body)
	}
	if proto, body := do(stopOf(testPhone)); proto != "HTTP/2.0" || body != stopSuccess {
		t.Errorf("stop: %s %q", proto, body)
	}
	if _, body := do(sendTo(testPhone)); !strings.HasPrefix(body, "FAILURE: ") {
		t.Errorf("send to an opted-out phone: %q", body)
	}
	if _, body := do(sendTo(otherPhone)); body != sendSuccess {
		t.Errorf("send: %q", body)
	}
	if got, err := b.only(); err != nil || got.Target != "/bin/api_web?"+sendTo(otherPhone) {
		t.Errorf("%v %q", err, got.Target)
	}
}
