package caddymodule

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPrivacy makes every kind of log line, with Caddy's log at DEBUG, and looks
// for phones and passwords in what the module wrote.
// Not the numbers of the examples in docs and reasons.
const (
	heldPhone = "14155550142"
	freePhone = "14155550199"
)

func TestPrivacy(t *testing.T) {
	b := newBackend(t)
	log := filepath.Join(t.TempDir(), "log")
	caddyLog := "debug\nlog {\n output file " + log + "\n include " + ourLoggers + "\n}"
	g := startGateway(t, b, options{caddy: caddyLog})

	provoke := func() {
		g.mustStop(heldPhone)
		g.mustStop(heldPhone)
		g.wantBlocked(b, heldPhone)
		g.wantForwarded(b, freePhone)
		for _, q := range []string{
			strings.Replace(stopOf(heldPhone), testPassword, "sesame", 1),
			strings.Replace(sendTo(heldPhone), testPassword, "sesame", 1),
			sendTo(heldPhone) + "&phone=14155550199",
			stopOf("1-415-555-0142"),
			call("addphonetosendercode", "phone", heldPhone, "sender_code", testSender),
			call("smssendmessagetosendercode", "sender_code", testSender),
			"r=" + heldPhone + "&p=sesame&c=smsstopsubscribersend&phone=14155550142&sender_code=1",
		} {
			g.get(q)
		}
	}
	provoke()
	text := tail(t, log)
	for _, line := range []string{"stop recorded", "blocked", "refused", "wrong password"} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q", line)
		}
	}
	if !strings.Contains(text, "1415*****42") {
		t.Error("the phone is not there masked")
	}
	for _, secret := range []string{heldPhone, freePhone, "4155550142", testPassword, "sesame", testHash()} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in the log: %s", secret, line)
			}
		}
	}

	// In full for those who ask for it; passwords never.
	full := filepath.Join(t.TempDir(), "full")
	g.reload(options{backend: b.addr, global: "log_phones full", caddy: strings.Replace(caddyLog, log, full, 1)})
	provoke()
	text = tail(t, full)
	if !strings.Contains(text, heldPhone) || strings.Contains(text, testPassword) || strings.Contains(text, "sesame") {
		t.Error("log_phones full: the phone is missing, or a password is there")
	}
}

// ourLoggers are the names of the loggers of this module's modules.
const ourLoggers = "sms_optout http.handlers.sms_optout"

// TestExampleLogs runs the repository's own Caddyfile and looks for phones and
// passwords in everything that the gateway's side logs, Caddy's lines included.
func TestExampleLogs(t *testing.T) {
	example, err := os.ReadFile("../Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	g := startGateway(t, nil, options{backend: "127.0.0.1:9"})
	g.addr = freeAddr(t)
	dir := t.TempDir()
	down := freeAddr(t)
	text := string(example)
	for _, r := range []struct{ old, new string }{
		{":8080 {", "http://:" + port(g.addr) + " {\n\tbind 127.0.0.1"},
		{"localhost:9090}", down + "}"},
		{":9090 {", ":" + port(freeAddr(t)) + " {"},
		{"./data/optouts", filepath.Join(dir, "optouts")},
		{"\tsms_optout {\n", "\tadmin off\n\tpersist_config off\n\tdebug\n\tsms_optout {\n"},
	} {
		if !strings.Contains(text, r.old) {
			t.Fatalf("the example has no %q", r.old)
		}
		text = strings.Replace(text, r.old, r.new, 1)
	}
	// Each log into a file, the default one and the access log.
	logs := regexp.MustCompile(`(?m)^(\s*)log \{$`).ReplaceAllString(text, "${1}log {\n${1}\toutput file "+dir+"/log")
	g.mustLoad(logs)

	g.mustStop(heldPhone)
	g.get(sendTo(heldPhone))
	g.get(sendTo(freePhone) + "&PHONE=14155550199")
	g.post(sendTo(freePhone))
	if r := g.get(sendTo(freePhone)); r.Status != 502 { // Caddy logs an error of its own
		t.Errorf("%d %q", r.Status, r.Body)
	}
	for _, path := range []string{"/bin/api_web;p=mypass;phone=14155550142", "/bin/api_web%3Fp=mypass%26phone=14155550142", "/bin/api_web/p/mypass", "/x;p=mypass", "/bin/api%5Fweb/phone/14155550142"} {
		g.mustRaw("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	g.mustRaw("GET /other?phone=14155550142&p=mypass HTTP/1.1\r\nHost: x\r\nReferer: http://x/?phone=14155550142\r\nX-Original-URL: /bin/api_web?phone=14155550142\r\n\r\n")
	g.reload(options{backend: down}) // closes the files

	got := tail(t, dir+"/log")
	for _, want := range []string{"api_web[cut]", "handled request", "http.log.error", "stop recorded"} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in:\n%s", want, got)
		}
	}
	for line := range strings.Lines(got) {
		for _, secret := range []string{heldPhone, freePhone, "mypass"} {
			if strings.Contains(line, secret) {
				t.Errorf("%s is in the log: %s", secret, line)
			}
		}
	}
}
