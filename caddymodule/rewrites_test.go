package caddymodule

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The directive has to see what the backend gets. TestRewrites puts Caddy's own
// ways of changing a request around it, each in the place where it stands when a
// Caddyfile orders it or a route does, and sends to an opted-out phone and to
// another.
func TestRewrites(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	for name, tc := range map[string]struct {
		site   string // %s is sms_optout and reverse_proxy
		path   string // that the client asks for
		arrive string // path at the backend
	}{
		"plain":                {"%s", "/bin/api_web", "/bin/api_web"},
		"handle":               {"handle /bin/* {\n%s\n}", "/bin/api_web", "/bin/api_web"},
		"handle_path":          {"handle_path /gw/* {\n%s\n}", "/gw/bin/api_web", "/bin/api_web"},
		"handle_path to it":    {"handle_path /gw/* {\nrewrite * /bin/api_web?{query}\n%s\n}", "/gw/sms", "/bin/api_web"},
		"uri strip_prefix":     {"uri strip_prefix /v1\n%s", "/v1/bin/api_web", "/bin/api_web"},
		"uri strip_suffix":     {"uri strip_suffix .php\n%s", "/bin/api_web.php", "/bin/api_web"},
		"uri replace":          {"uri replace /sms/ /bin/api_\n%s", "/sms/web", "/bin/api_web"},
		"uri path_regexp":      {"uri path_regexp ^/x$ /bin/api_web\n%s", "/x", "/bin/api_web"},
		"rewrite":              {"rewrite /sms /bin/api_web?{query}\n%s", "/sms", "/bin/api_web"},
		"rewrite, query added": {"rewrite /sms /bin/api_web?{query}&headers=1\n%s", "/sms", "/bin/api_web"},
		"try_files, no match":  {"try_files {path} {path}/\n%s", "/bin/api_web", "/bin/api_web"},
		"route":                {"route {\nrewrite /sms /bin/api_web?{query}\n%s\n}", "/sms", "/bin/api_web"},
		"request_body":         {"request_body {\nmax_size 1MB\n}\n%s", "/bin/api_web", "/bin/api_web"},
		"encode":               {"encode\n%s", "/bin/api_web", "/bin/api_web"},
		"absolute-form":        {"%s", "http://gw.example/bin/api_web", "/bin/api_web"},
	} {
		t.Run(name, func(t *testing.T) {
			g.addr = freeAddr(t)
			text := g.caddyfile(options{backend: b.addr})
			i := strings.Index(text, "bind 127.0.0.1\n") + len("bind 127.0.0.1\n")
			g.mustLoad(text[:i] + fmt.Sprintf(tc.site, "sms_optout\nreverse_proxy "+b.addr) + "\n}\n")

			ask := func(phone string) reply {
				return g.mustRaw("GET " + tc.path + "?" + sendTo(phone) + " HTTP/1.1\r\nHost: gw.example\r\n\r\n")
			}
			b.take()
			if r := ask(testPhone); r.Status != 200 || !strings.HasPrefix(r.Body, "FAILURE: ") || len(b.take()) != 0 {
				t.Errorf("send to an opted-out phone: %d %q", r.Status, r.Body)
			}
			r := ask(otherPhone)
			got, err := b.only()
			if err != nil {
				t.Fatalf("send: %v, %d %q", err, r.Status, r.Body)
			}
			if path, query, _ := strings.Cut(got.Target, "?"); path != tc.arrive || !strings.HasPrefix(query, sendTo(otherPhone)) {
				t.Errorf("it arrived as %q", got.Target)
			}
		})
	}
}

// A site's sms_optout guards the proxies in its blocks, wherever it is written.
func TestDirectiveOrder(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	for name, site := range map[string]string{
		"handle":      "handle /bin/* {\nreverse_proxy %s\n}\nsms_optout",
		"handle_path": "handle_path /gw/* {\nreverse_proxy %s\n}\nsms_optout",
		"route":       "route {\nreverse_proxy %s\n}\nsms_optout",
		"invoke":      "invoke backend\nsms_optout\n}\n&(backend) {\nreverse_proxy %s",
		"bare":        "reverse_proxy %s\nsms_optout",
	} {
		t.Run(name, func(t *testing.T) {
			g.addr = freeAddr(t)
			text := g.caddyfile(options{backend: b.addr})
			i := strings.Index(text, "bind 127.0.0.1\n") + len("bind 127.0.0.1\n")
			g.mustLoad(text[:i] + fmt.Sprintf(site, b.addr) + "\n}\n")
			path := "/bin/api_web"
			if name == "handle_path" {
				path = "/gw" + path
			}
			ask := func(phone string) reply {
				return g.mustRaw("GET " + path + "?" + sendTo(phone) + " HTTP/1.1\r\nHost: gw.example\r\n\r\n")
			}
			b.take()
			if r := ask(testPhone); !strings.HasPrefix(r.Body, "FAILURE: ") || len(b.take()) != 0 {
				t.Errorf("send to an opted-out phone: %d %q", r.Status, r.Body)
			}
			r := ask(otherPhone)
			if _, err := b.only(); err != nil {
				t.Errorf("send: %v, %d %q", err, r.Status, r.Body)
			}
		})
	}
}

// A FastCGI backend is told what the request was before it was rewritten, and many
// route by that: a front controller behind try_files is guarded, too.
func TestFrontController(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	if err := os.WriteFile(g.dir+"/index.php", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, site := range map[string]string{
		"rewrite":   "rewrite * /index.php?{query}",
		"try_files": "root * " + g.dir + "\ntry_files {path} /index.php?{query}",
	} {
		t.Run(name, func(t *testing.T) {
			g.addr = freeAddr(t)
			text := g.caddyfile(options{backend: b.addr, before: site})
			g.mustLoad(text)
			g.wantBlocked(b, testPhone)
			r := g.get(sendTo(otherPhone))
			if got, err := b.only(); err != nil || !strings.HasPrefix(got.Target, "/index.php?") {
				t.Errorf("%d %q: %v, it arrived as %q", r.Status, r.Body, err, got.Target)
			}
		})
	}
}

// What an operator must not do: a rewrite behind the directive takes it where the
// directive does not see it. docs/reading.md says so; this holds the sentence.
func TestRewriteBehindTheDirective(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	g.addr = freeAddr(t)
	text := g.caddyfile(options{backend: b.addr})
	i := strings.Index(text, "bind 127.0.0.1\n") + len("bind 127.0.0.1\n")
	g.mustLoad(text[:i] + "route {\nsms_optout\nrewrite /sms /bin/api_web?{query}\nreverse_proxy " + b.addr + "\n}\n}\n")
	b.take()
	g.mustRaw("GET /sms?" + sendTo(testPhone) + " HTTP/1.1\r\nHost: gw.example\r\n\r\n")
	if n := len(b.take()); n != 1 {
		t.Errorf("%d requests reached the backend: the warning in docs/reading.md no longer holds", n)
	}
}

// A stop with a wrong password is answered without a look at the list, so that
// nothing about the answer can depend on what the list holds.
func TestStrangersDoNotReachTheList(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	g := startGateway(t, b, options{store: "test " + name})
	g.mustStop(testPhone)
	before := storeCalls(store)
	for _, phone := range []string{testPhone, otherPhone} {
		for _, q := range []string{
			strings.Replace(stopOf(phone), testPassword, "wrong", 1),
			strings.Replace(stopOf(phone), testRealm, "nobody", 1),
		} {
			if r := g.get(q); !strings.HasPrefix(r.Body, "FAILURE: ") {
				t.Errorf("%q", r.Body)
			}
		}
	}
	if after := storeCalls(store); after != before {
		t.Errorf("the store was asked %d times", after-before)
	}
}
