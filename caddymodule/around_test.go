package caddymodule

import (
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// loadSite loads a configuration with this site, in which BACKEND is the backend's
// address, and with further global options.
func (g *gateway) loadSite(backend, site string, global ...string) {
	g.tb.Helper()
	g.addr = freeAddr(g.tb)
	text := g.caddyfile(options{backend: backend, caddy: strings.Join(global, "\n")})
	i := strings.Index(text, "bind 127.0.0.1\n") + len("bind 127.0.0.1\n")
	g.mustLoad(text[:i] + strings.ReplaceAll(site, "BACKEND", backend) + "\n}\n")
}

// A prefix that is cut off, with a slash or without, makes no path into api_web that was
// none to the site's directive, as docs/configuration.md says.
func TestPrefixes(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	for name, tc := range map[string]struct {
		site, path string
	}{
		"with a slash":             {"sms_optout\nhandle_path /sms/* {\nreverse_proxy BACKEND\n}", "/sms/api_web"},
		"without":                  {"sms_optout\nhandle_path /sms* {\nreverse_proxy BACKEND\n}", "/smsapi_web"},
		"without, in capitals":     {"sms_optout\nhandle_path /sms* {\nreverse_proxy BACKEND\n}", "/SMSAPI_WEB"},
		"without, with escapes":    {"sms_optout\nhandle_path /sms* {\nreverse_proxy BACKEND\n}", "/sm%73%61pi%5Fweb/"},
		"a directive inside":       {"sms_optout\nhandle_path /sms* {\nsms_optout\nreverse_proxy BACKEND\n}", "/smsapi_web"},
		"one inside alone":         {"handle_path /sms* {\nsms_optout\nreverse_proxy BACKEND\n}", "/sms/api_web"},
		"the backend cuts":         {"sms_optout\nreverse_proxy BACKEND", "/smsapi_web"},
		"the backend cuts further": {"sms_optout\nhandle /sms/* {\nreverse_proxy BACKEND\n}", "/sms/%2e%2e/smsapi_web"},
	} {
		t.Run(name, func(t *testing.T) {
			g.loadSite(b.addr, tc.site)
			b.take()
			r := g.mustRaw("GET " + tc.path + "?" + sendTo(testPhone) + " HTTP/1.1\r\nHost: gw.example\r\n\r\n")
			if n := len(b.take()); n != 0 || !strings.HasPrefix(r.Body, "FAILURE: ") {
				t.Errorf("%s: %d requests reached the backend: %d %q", tc.path, n, r.Status, r.Body)
			}
		})
	}
}

// An intercept block gets the gateway's own refusals, and forwards what was refused
// unless it has a directive of its own, as docs/configuration.md says.
func TestIntercept(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	const site = "intercept {\n@bad status 4xx 5xx\nhandle_response @bad {\nINSIDE\nreverse_proxy BACKEND\n}\n}\nsms_optout\nreverse_proxy BACKEND"
	twice := sendTo(testPhone) + "&phone=" + otherPhone
	g.loadSite(b.addr, strings.Replace(site, "INSIDE\n", "", 1))
	b.take()
	_, _ = g.raw(getRequest(twice)) // the answer has the refusal's Content-Length beside the backend's
	if len(b.take()) == 0 {
		t.Error("nothing reached the backend: the warning in docs/configuration.md no longer holds")
	}
	for _, tc := range []struct {
		name, request     string
		status, forwarded int
	}{
		{"a query", getRequest(twice), 400, 0},
		{"a body", formRequest(twice), 400, 0},
		{"query and body", strings.Replace(formRequest("phone="+otherPhone), "api_web", "api_web?"+sendTo(testPhone), 1), 400, 0},
		{"a body of another kind", strings.Replace(formRequest(sendTo(testPhone)), "x-www-form-urlencoded", "json", 1), 415, 0},
		{"an ordinary send", formRequest(sendTo(otherPhone)), 200, 1},
		{"an opted-out phone", formRequest(sendTo(testPhone)), 200, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g.loadSite(b.addr, strings.Replace(site, "INSIDE", "sms_optout", 1))
			b.take()
			r := g.mustRaw(tc.request)
			if n := len(b.take()); n != tc.forwarded || r.Status != tc.status {
				t.Errorf("status %d, %d requests reached the backend; want %d, %d: %q", r.Status, n, tc.status, tc.forwarded, r.Body)
			}
		})
	}
}

// php_fastcgi rewrites behind the directive: its index is run for paths that are
// not guarded, as docs/configuration.md says.
func TestPHPIndex(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var scripts atomic.Pointer[string]
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = fcgi.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // until it is closed
			script := fcgi.ProcessEnv(r)["SCRIPT_FILENAME"]
			scripts.Store(&script)
			_, _ = w.Write([]byte(sendSuccess)) // the gateway has gone
		}))
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "api_web.php"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g := startGateway(t, nil, options{backend: "127.0.0.1:9"})
	g.mustStop(testPhone)
	const remedy = "try_files {path} {path}/api_web.php api_web.php\nsms_optout\nphp_fastcgi BACKEND {\nindex off\n}"
	for _, tc := range []struct {
		name, site, path string
		ran              bool
	}{
		{"the hole", "sms_optout\nphp_fastcgi BACKEND {\nindex api_web.php\n}", "/", true},
		{"the hole, another path", "sms_optout\nphp_fastcgi BACKEND {\nindex api_web.php\n}", "/anything", true},
		{"try_files in front", remedy, "/", false},
		{"try_files in front, another path", remedy, "/anything", false},
		{"try_files in front, the script", remedy, "/api_web.php", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g.loadSite(ln.Addr().String(), "root * "+root+"\n"+tc.site)
			scripts.Store(nil)
			ask := func(phone string) reply {
				return g.mustRaw("GET " + tc.path + "?" + sendTo(phone) + " HTTP/1.1\r\nHost: gw.example\r\n\r\n")
			}
			r := ask(testPhone)
			if ran := scripts.Load() != nil; ran != tc.ran || !ran && !strings.HasPrefix(r.Body, "FAILURE: ") {
				t.Errorf("an opted-out phone: the script ran: %v; %d %q", ran, r.Status, r.Body)
			}
			r = ask(otherPhone)
			if script := scripts.Load(); script == nil || filepath.Base(*script) != "api_web.php" || r.Body != sendSuccess {
				t.Errorf("another phone: %v, %d %q", script, r.Status, r.Body)
			}
		})
	}
}

// Who is sent away by abort, error or respond has been answered by the directive
// before, unless the configuration says otherwise in one of the ways of
// docs/security.md.
func TestStrangersAtTheDoor(t *testing.T) {
	const stranger = "@stranger not client_ip 192.0.2.0/24\n" // the test is at 127.0.0.1
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	for _, tc := range []struct {
		name, global, site string
		answered           bool // by the directive
	}{
		{"abort in the site", "", stranger + "abort @stranger\nsms_optout\nreverse_proxy BACKEND", true},
		{"respond in the site", "", stranger + "respond @stranger 403\nsms_optout\nreverse_proxy BACKEND", true},
		{"error in the site", "", stranger + "error @stranger 403\nsms_optout\nreverse_proxy BACKEND", true},
		{"a handle block in the site", "", stranger + "handle @stranger {\nabort\n}\nsms_optout\nreverse_proxy BACKEND", true},
		{"abort in a route", "", stranger + "route {\nabort @stranger\nsms_optout\nreverse_proxy BACKEND\n}", false},
		{"respond in a route", "", stranger + "route {\nrespond @stranger 403\nsms_optout\nreverse_proxy BACKEND\n}", false},
		{"abort, ordered", "order abort before sms_optout", stranger + "abort @stranger\nsms_optout\nreverse_proxy BACKEND", false},
		{"respond, ordered", "order respond before sms_optout", stranger + "respond @stranger 403\nsms_optout\nreverse_proxy BACKEND", false},
		{"error, ordered", "order error before sms_optout", stranger + "error @stranger 403\nsms_optout\nreverse_proxy BACKEND", false},
		{"a password", "", "basic_auth {\nbob " + testHash() + "\n}\nsms_optout\nreverse_proxy BACKEND", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g.loadSite(b.addr, tc.site, tc.global)
			for what, query := range map[string]string{"a stop": stopOf(testPhone), "a blocked send": sendTo(testPhone)} {
				r, _ := g.raw(getRequest(query)) // abort answers nothing
				if answered := r.Header.Get("X-Optout-Decision") != ""; answered != tc.answered {
					t.Errorf("%s: the directive answered: %v, want %v: %d %q", what, answered, tc.answered, r.Status, r.Body)
				}
			}
		})
	}
}

// getRequest is a GET of api_web.
func getRequest(query string) string {
	return "GET /bin/api_web?" + query + " HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n\r\n"
}

// formRequest is a POST to api_web with a form.
func formRequest(form string) string {
	return "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
		"Content-Length: " + strconv.Itoa(len(form)) + "\r\n\r\n" + form
}
