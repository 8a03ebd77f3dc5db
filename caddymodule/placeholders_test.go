package caddymodule

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// What other handlers of a request learn of the decision.
func TestPlaceholders(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{before: "stopgate_test_watch"})
	g.mustStop(testPhone)
	for _, tc := range []struct {
		name, query, want string // call, outcome, scope
		decided           bool
	}{
		{"passing", sendTo(otherPhone), "send forwarded ", false},
		{"other", call("show_lists"), "other forwarded ", false},
		{"blocked", sendTo(testPhone), "send blocked pair", true},
		{"stop", stopOf(testPhone), "stop repeated ", true},
		{"refused", stopOf("nonsense"), "stop refused ", true},
	} {
		r := g.get(tc.query)
		repl := watched.Load().Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		got := repl.ReplaceAll("{http.sms_optout.call} {http.sms_optout.outcome} {http.sms_optout.scope}", "")
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		id, known := repl.GetString("http.sms_optout.decision")
		if !known || (id != "") != tc.decided || id != r.Header.Get(decisionHeader) {
			t.Errorf("%s: decision %q, the answer has %q", tc.name, id, r.Header.Get(decisionHeader))
		}
	}
	g.mustRaw("GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
	repl := watched.Load().Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if _, known := repl.Get("http.sms_optout.call"); known {
		t.Error("a request that is not guarded has placeholders")
	}
}

// Two directives in a row: the one that had something to say is heard.
func TestPlaceholdersOfTwo(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	text := strings.Replace(g.caddyfile(options{backend: b.addr, before: "stopgate_test_watch"}), "sms_optout {\n\t\t\n\t}",
		"route {\nsms_optout {\nmode observe\nfan_out forward\n}\nsms_optout {\nfan_out block\n}\n}", 1)
	g.mustLoad(text)
	fanOut := call("smssendmessagetosendercode", "sender_code", "55555", "message_name", "m", "name", "n")
	for query, want := range map[string]string{
		sendTo(otherPhone): "forwarded", sendTo(testPhone): "blocked", fanOut: "blocked",
	} {
		g.get(query)
		repl := watched.Load().Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		if got, _ := repl.GetString("http.sms_optout.outcome"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Errors of the backend are handled in the operator's way, who may want to know
// what was decided.
func TestPlaceholdersInHandleErrors(t *testing.T) {
	g := startGateway(t, nil, options{backend: "127.0.0.1:9", before: "handle_errors {\nrespond \"{http.sms_optout.call} {http.sms_optout.outcome}\" 502\n}"})
	if r := g.get(sendTo(otherPhone)); r.Body != "send forwarded" {
		t.Errorf("%d %q", r.Status, r.Body)
	}
}

// The header of mode observe tells only those what the list holds whom a block
// would tell.
func TestObserveHeader(t *testing.T) {
	b := newBackend(t)
	const name = "X-Observed"
	g := startGateway(t, b, options{site: "mode observe\nobserve_header " + name})
	g.mustStop(testPhone) // the password is remembered from here on
	wrong := strings.Replace(sendTo(testPhone), testPassword, "sesame", 1)
	for range 2 { // the second time the wrong password is remembered, too
		for query, want := range map[string]string{
			sendTo(testPhone):                         "blocked; code=opted_out; decision=",
			sendTo(testPhone) + "&phone=13105550000":  "refused; code=repeated_phone; decision=",
			wrong + "&phone=13105550000":              "refused; code=repeated_phone; decision=",
			sendTo(otherPhone):                        "",
			wrong:                                     "",
			strings.ReplaceAll(wrong, testSender, ""): "",
			call("show_lists"):                        "",
		} {
			r := g.get(query)
			got := r.Header.Get(name)
			if r.Body != sendSuccess || !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%s: %q %q, want %q", query, r.Body, got, want)
			}
		}
	}
	if r := g.get(stopOf(testPhone)); r.Header.Get(name) != "" {
		t.Error("a stop has the header")
	}

	// A password that is not known yet is not waited for.
	accountPool.Range(func(_, value any) bool {
		a := value.(*account)
		a.mu.Lock()
		a.verified = digest{}
		a.mu.Unlock()
		return true
	})
	if r := g.get(sendTo(testPhone)); r.Header.Get(name) != "" {
		t.Error("a password was hashed while the request waited")
	}
	eventually(t, "the password is remembered", func() bool { return g.get(sendTo(testPhone)).Header.Get(name) != "" })

	g.reload(options{backend: b.addr, site: "observe_header " + name})
	if r := g.get(sendTo(testPhone)); r.Header.Get(name) != "" {
		t.Error("the header is there although nothing is observed")
	}
}

// The access log of docs/operations.md.
func TestPlaceholdersInAccessLog(t *testing.T) {
	b := newBackend(t)
	log := filepath.Join(t.TempDir(), "log")
	before := "log {\n output file " + log + "\n}\nlog_append optout {http.sms_optout.outcome}\nlog_append optout_decision {http.sms_optout.decision}"
	g := startGateway(t, b, options{before: before})
	g.mustStop(testPhone)
	r := g.get(sendTo(testPhone))
	g.get(sendTo(otherPhone))
	g.reload(options{backend: b.addr}) // closes the file
	lines := strings.Split(tail(t, log), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, want := range [][2]string{{"recorded", ""}, {"blocked", r.Header.Get(decisionHeader)}, {"forwarded", ""}} {
		var line map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		if line["optout"] != want[0] || i > 0 && line["optout_decision"] != want[1] {
			t.Errorf("%v %v, want %v", line["optout"], line["optout_decision"], want)
		}
	}
}
