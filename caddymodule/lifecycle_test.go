package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/stopgate/stopgate/optoutstore"
)

// failingApp is an app of another plugin that fails where it is told to.
type failingApp struct {
	At string `json:"at"`
}

func init() { caddy.RegisterModule(failingApp{}) }

func (failingApp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "stopgate_failing_app", New: func() caddy.Module { return new(failingApp) }}
}

func (f *failingApp) Provision(caddy.Context) error { return f.fail("provision") }
func (f *failingApp) Validate() error               { return f.fail("validate") }
func (f *failingApp) Start() error                  { return f.fail("start") }
func (f *failingApp) Stop() error                   { return nil }

func (f *failingApp) fail(at string) error {
	if f.At == at {
		return errors.New("failing at " + at)
	}
	return nil
}

// withApp adds an app to an adapted configuration.
func withApp(t *testing.T, cfg []byte, name string, app any) []byte {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(cfg, &c); err != nil {
		t.Fatal(err)
	}
	c["apps"].(map[string]any)[name] = app
	out, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// onlyStore is the one open store of the process, and how many configurations
// use it.
func onlyStore(t *testing.T) (*sharedStore, int) {
	t.Helper()
	var shared *sharedStore
	refs, n := 0, 0
	storePool.Range(func(key, value any) bool {
		shared, n = value.(*sharedStore), n+1
		return true
	})
	storePool.Range(func(key, _ any) bool { refs, _ = storePool.References(key); return true })
	if n > 1 {
		t.Fatalf("%d stores are open", n)
	}
	return shared, refs
}

// A reload overlaps: the new configuration is provisioned and started while the
// old one runs. The store stays open throughout.
func TestReloadKeepsStoreOpen(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	before, refs := onlyStore(t)
	if refs != 1 {
		t.Fatalf("%d references", refs)
	}
	for i := range 5 {
		g.reload(options{backend: b.addr, site: fmt.Sprintf("max_body %dMiB", i+2)})
		after, refs := onlyStore(t)
		if after != before || refs != 1 {
			t.Fatalf("reload %d: same store: %v, references: %d", i, after == before, refs)
		}
		g.wantBlocked(b, testPhone)
		g.wantForwarded(b, otherPhone)
	}
}

// A load that fails, in whatever way, leaves the running server whole.
func TestFailedReload(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	running := options{backend: b.addr}
	good, err := adapt(g.caddyfile(running))
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	held := filepath.Join(t.TempDir(), "held")
	other, err := optoutstore.Open(optoutstore.Options{Dir: held})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()

	changed := func(old, new string) []byte {
		cfg := strings.Replace(string(good), old, new, 1)
		if cfg == string(good) {
			t.Fatalf("%q is not in the configuration", old)
		}
		return []byte(cfg)
	}
	for name, cfg := range map[string][]byte{
		"an app fails to provision": withApp(t, good, "stopgate_failing_app", failingApp{"provision"}),
		"an app fails to validate":  withApp(t, good, "stopgate_failing_app", failingApp{"validate"}),
		"an app fails to start":     withApp(t, good, "stopgate_failing_app", failingApp{"start"}),
		"our app: bad hash":         changed(testHash(), "secret"),
		"our app: unknown field":    changed(`"store":{`, `"nonsense":1,"store":{`),
		"our app: unknown store":    changed(`"store":"badger"`, `"store":"nonsense"`),
		"our handler: bad value":    changed(`"handler":"sms_optout"`, `"handler":"sms_optout","mode":"nonsense"`),
		"our handler: unknown api":  changed(`"handler":"sms_optout"`, `"handler":"sms_optout","api":[{"api":"nonsense"}]`),
		"a later handler":           changed(`"handler":"reverse_proxy"`, `"handler":"nonsense"`),
		"the path is a file":        changed(filepath.Join(g.dir, "optouts"), file),
		"the store is held":         changed(filepath.Join(g.dir, "optouts"), held),
		"the port is taken":         changed(":"+port(g.addr), ":"+port(taken.Addr().String())),
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := onlyStore(t)
			// Map order decides which app starts first: try both.
			for range 4 {
				if err := caddy.Load(cfg, true); err == nil {
					t.Fatal("the configuration was accepted")
				} else if strings.Contains(err.Error(), "secret") {
					t.Errorf("the error shows the hash: %v", err)
				}
			}
			after, refs := onlyStore(t)
			if after != before || refs != 1 || len(after.openers) != 1 {
				t.Fatalf("same store: %v, references: %d, openers: %d", after == before, refs, len(after.openers))
			}
			g.wantBlocked(b, testPhone)
			g.wantForwarded(b, otherPhone)
			g.mustStop(testPhone)
		})
	}
	g.reload(running)
	g.wantBlocked(b, testPhone)
}

// Through the admin API, whose server and routers are those of the newest
// configuration, of a failed one, too, for Caddy replaces them before it provisions
// any app (its caddy.go, provisionContext): what the running handlers use is untouched
// by that, and a good load follows a bad one.
func TestReloadThroughAdminAPI(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	admin := freeAddr(t)
	g.addr = freeAddr(t)
	config := func(o options) []byte {
		t.Helper()
		o.backend = b.addr
		cfg, err := adapt(strings.Replace(g.caddyfile(o), "admin off", "admin "+admin, 1))
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	if err := caddy.Load(config(options{}), true); err != nil {
		t.Fatal(err)
	}
	store, _ := onlyStore(t)
	post := func(cfg []byte) int {
		t.Helper()
		// Not kept alive: a load replaces the admin server as well.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for range 5 {
			resp, err := client.Post("http://"+admin+"/load", "application/json", strings.NewReader(string(cfg)))
			if err == nil {
				resp.Body.Close()
				return resp.StatusCode
			}
		}
		t.Fatal("the admin API does not answer")
		return 0
	}
	good := config(options{site: "max_body 2MiB"})
	for range 3 {
		for _, at := range []string{"provision", "validate", "start"} {
			if status := post(withApp(t, good, "stopgate_failing_app", failingApp{at})); status != http.StatusBadRequest {
				t.Errorf("failing at %s: status %d", at, status)
			}
			g.wantBlocked(b, testPhone)
			g.wantForwarded(b, otherPhone)
		}
		if status := post(good); status != http.StatusOK {
			t.Errorf("a good load after a bad one: status %d", status)
		}
		good = config(options{site: fmt.Sprintf("max_body %dMiB", 3+len(good)%5)})
		if s, refs := onlyStore(t); s != store || refs != 1 {
			t.Errorf("same store: %v, references: %d", s == store, refs)
		}
		g.mustStop(testPhone)
	}
}

// Provisioning touches no store, so that a configuration can be checked beside
// the server that runs it.
func TestValidateBesideRunningServer(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	fresh := filepath.Join(t.TempDir(), "fresh")
	for _, o := range []options{{backend: b.addr}, {backend: b.addr, store: "badger " + fresh}} {
		cfg, err := adapt(g.caddyfile(o))
		if err != nil {
			t.Fatal(err)
		}
		var c caddy.Config
		if err := json.Unmarshal(cfg, &c); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&c); err != nil {
			t.Errorf("validate: %v", err)
		}
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("validate made the store's directory: %v", err)
	}
	if _, refs := onlyStore(t); refs != 1 {
		t.Errorf("%d references", refs)
	}
	g.wantBlocked(b, testPhone)
}

// A request that is being read while a reload changes the store's directory is
// decided by the store it began with, which stays open for it.
func TestRequestInFlightAcrossReload(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	old, _ := onlyStore(t)

	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	body := stopOf("13105550001")
	fmt.Fprintf(c, "POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body[:10])
	eventually(t, "the request is inside", func() bool { return old.inside.Load() == 1 })

	loaded := make(chan error, 1)
	g.addr = freeAddr(t)
	cfg, err := adapt(g.caddyfile(options{backend: b.addr, store: "badger " + filepath.Join(g.dir, "second")}))
	if err != nil {
		t.Fatal(err)
	}
	go func() { loaded <- caddy.Load(cfg, true) }()
	eventually(t, "the old store is closing", old.closing.Load)
	fmt.Fprint(c, body[10:])
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(answer), stopSuccess) {
		t.Errorf("%v %q", err, answer)
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	if err := old.enter(); !errors.Is(err, optoutstore.ErrClosed) {
		t.Errorf("the old store can still be entered: %v", err)
	}
	g.wantForwarded(b, testPhone) // the second store is another list

	// Back to the first: what was acknowledged in flight is there.
	g.reload(options{backend: b.addr})
	g.wantBlocked(b, testPhone)
	g.wantBlocked(b, "13105550001")
}

// A request that meets a store closed under it is answered 503, not forwarded.
func TestClosedStore(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	s, _ := onlyStore(t)
	s.closing.Store(true)
	defer s.closing.Store(false)
	r := g.get(sendTo(otherPhone))
	if r.Status != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests reached the backend", n)
	}
}

// Apps start in no order: a request may come before the list's Start.
func TestRequestBeforeStart(t *testing.T) {
	oneCaddy.Lock()
	defer oneCaddy.Unlock()
	dir := t.TempDir()
	ctx, err := caddy.ProvisionContext(&caddy.Config{AppsRaw: caddy.ModuleMap{
		appName: json.RawMessage(fmt.Sprintf(`{"store":{"store":"badger","path":%q},"realm":[{"name":%q,"hash":%q}]}`,
			dir, testRealm, testHash())),
	}})
	if err != nil {
		t.Fatal(err)
	}
	h := new(Handler)
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	serve := func(query string) string {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/bin/api_web?"+query, nil)
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
		if err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			io.WriteString(w, "forwarded")
			return nil
		})); err != nil {
			t.Fatal(err)
		}
		return w.Body.String()
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := serve(stopOf(testPhone)); got != stopSuccess {
				t.Errorf("stop: %q", got)
			}
		})
	}
	wg.Wait()
	if got := serve(sendTo(testPhone)); !strings.HasPrefix(got, "FAILURE: ") {
		t.Errorf("send: %q", got)
	}
	if err := h.app.Start(); err != nil {
		t.Error(err)
	}
	if _, refs := onlyStore(t); refs != 1 {
		t.Errorf("%d references", refs)
	}
	if err := h.app.Cleanup(); err != nil {
		t.Error(err)
	}
	if s, _ := onlyStore(t); s != nil {
		t.Error("the store is still open")
	}
	if got := serve(sendTo(otherPhone)); !strings.HasPrefix(got, "FAILURE: ") {
		t.Errorf("send after the store was closed: %q", got)
	}
}

// Several sites, one list; the handler several times in one site; the same
// directory written in several ways.
func TestOneListForAll(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{site: "mode enforce\n}\nsms_optout {"})
	var second string
	load := func(o options) {
		t.Helper()
		g.addr, second = freeAddr(t), freeAddr(t)
		o.backend = b.addr
		g.mustLoad(g.caddyfile(o) + fmt.Sprintf("\nhttp://:%s {\n\tbind 127.0.0.1\n\troute {\n\t\tsms_optout\n\t\tsms_optout\n\t\treverse_proxy %s\n\t}\n}\n",
			port(second), b.addr))
	}
	load(options{})
	g.mustStop(testPhone)
	if r, err := rawTo(second, query(sendTo(testPhone))); err != nil || !strings.HasPrefix(r.Body, "FAILURE: ") {
		t.Errorf("the second site: %v %q", err, r.Body)
	}

	first, _ := onlyStore(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(g.dir, link); err != nil {
		t.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(wd, filepath.Join(g.dir, "optouts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("STOPGATE_TEST_DIR", g.dir)
	for name, path := range map[string]string{
		"relative":    relative,
		"symlink":     filepath.Join(link, "optouts"),
		"unclean":     g.dir + "/./x/../optouts/",
		"placeholder": "{env.STOPGATE_TEST_DIR}/optouts",
	} {
		load(options{store: "badger " + path})
		if s, refs := onlyStore(t); s != first || refs != 1 {
			t.Errorf("%s: same store: %v, references: %d", name, s == first, refs)
		}
		g.wantBlocked(b, testPhone)
	}
}

// Nothing outlives the last configuration that used it.
func TestNothingIsLeft(t *testing.T) {
	b := newBackend(t)
	dir := t.TempDir()
	t.Run("a server's life", func(t *testing.T) {
		g := startGateway(t, b, options{store: "badger " + filepath.Join(dir, "first")})
		for i := range 4 {
			g.mustStop(testPhone)
			g.reload(options{backend: b.addr, store: "badger " + filepath.Join(dir, fmt.Sprint("s", i%2))})
		}
	})
	oneCaddy.Lock()
	defer oneCaddy.Unlock()
	if s, _ := onlyStore(t); s != nil {
		t.Error("a store is still in the pool")
	}
	accountPool.Range(func(key, _ any) bool { t.Error("an account is still in the pool"); return true })
	eventually(t, "no goroutine of ours is left", func() bool { return len(ours()) == 0 })
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		for _, fd := range fds {
			if target, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(target, dir) {
				t.Errorf("still open: %s", target)
			}
		}
	}
	for _, name := range []string{"first", "s0", "s1"} {
		s, err := optoutstore.Open(optoutstore.Options{Dir: filepath.Join(dir, name)})
		if err != nil {
			t.Errorf("opening what Caddy has let go of: %v", err)
			continue
		}
		s.Close()
	}
}

// Fifty reloads under load, and each request gets the answer it would get
// without. A client whose connection the old server closes before it has answered
// tries again, as it has to with any Caddy: the same test with a bare
// reverse_proxy sees as many (17 of 1,017 requests in one run). Over a Unix
// socket, for which Caddy keeps one listener: at a TCP port it opens another with
// each reload, and the system resets what the old one had not accepted yet.
func TestReloadsUnderLoad(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	socket := filepath.Join(g.dir, "socket")
	load := func(i int) {
		t.Helper()
		text := g.caddyfile(options{backend: b.addr, site: fmt.Sprintf("max_body %dMiB", i%2+1)})
		g.mustLoad(strings.Replace(text, "bind 127.0.0.1", "bind unix/"+socket, 1))
	}
	load(0)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var requests, again atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "unix", socket)
				},
			}}
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				q, want := sendTo(otherPhone), sendSuccess
				switch (n + i) % 4 {
				case 1:
					q, want = sendTo(testPhone), "FAILURE: "
				case 2:
					q, want = stopOf(fmt.Sprintf("1310555%04d", n%9000+500)), stopSuccess
				}
				resp, err := client.Get("http://" + g.addr + "/bin/api_web?" + q)
				for range 10 {
					if err == nil {
						break
					}
					again.Add(1)
					resp, err = client.Get("http://" + g.addr + "/bin/api_web?" + q)
				}
				if err != nil {
					t.Errorf("request %d: %v", n, err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || !strings.HasPrefix(string(body), want) {
					t.Errorf("request %d: %v %d %q", n, err, resp.StatusCode, body)
					return
				}
				requests.Add(1)
				if n%16 == 0 {
					// Caddy duplicates a Unix socket to keep it over a reload, which leaves it
					// blocking: its old listener is closed once another connection comes.
					client.CloseIdleConnections()
				}
			}
		})
	}
	for i := range 50 {
		before := requests.Load()
		load(i)
		eventually(t, "requests go on", func() bool { return requests.Load() > before+8 || t.Failed() })
	}
	cancel()
	wg.Wait()
	t.Logf("%d requests, %d tried again", requests.Load(), again.Load())
}
