package caddymodule

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
)

// The process has one Caddy, so a test that loads a configuration holds this
// lock until it has stopped it.
var oneCaddy sync.Mutex

func TestMain(m *testing.M) {
	// Caddy's data directory, where the default store and the memory of what was
	// are kept.
	home, err := os.MkdirTemp("", "stopgate")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("XDG_DATA_HOME", filepath.Join(home, "data"))
	os.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// The pair that has opted out in most tests, and the account it belongs to.
const (
	testRealm    = "myrealm"
	testPassword = "mypass"
	testPhone    = "12065551212"
	testSender   = "120162701555"
	otherPhone   = "13105550000"
)

// testHash is a hash of testPassword that costs little.
var testHash = sync.OnceValue(func() string { return hashOf(testPassword) })

func hashOf(password string) string {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(h)
}

// testStore is a store module for tests: a model of the list in memory that can
// be made to fail. It is found by name in testStores, and lives as long as the
// test.
type testStore struct {
	Name string `json:"name"`
}

var testStores sync.Map // of name to *storetest.Faulty

func init() {
	caddy.RegisterModule(testStore{})
}

func (testStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sms_optout.stores.test",
		New: func() caddy.Module { return new(testStore) },
	}
}

func (s *testStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&s.Name)
	return nil
}

func (s *testStore) StoreKey() string { return "test:" + s.Name }

func (s *testStore) OpenStore() (optoutstore.Store, error) {
	if s.Name == "panics" {
		panic("in OpenStore")
	}
	store, ok := testStores.Load(s.Name)
	if !ok {
		return nil, errors.New("no such test store")
	}
	return store.(*storetest.Faulty), nil
}

func (s *testStore) Reconfigure(optoutstore.Store) {}

// newTestStore makes a store for `store test <name>`.
func newTestStore(tb testing.TB) (name string, store *storetest.Faulty) {
	tb.Helper()
	name = strings.NewReplacer("/", "_", " ", "_").Replace(tb.Name())
	store = storetest.NewFaulty(storetest.NewModel())
	testStores.Store(name, store)
	tb.Cleanup(func() { testStores.Delete(name) })
	return name, store
}

// gateway is a running Caddy.
type gateway struct {
	tb   testing.TB
	addr string
	dir  string // for stores
}

// options are what a test varies of the usual configuration.
type options struct {
	store   string // the line after `store`; default: badger in a temporary folder
	global  string // further lines of the sms_optout global option
	site    string // lines in the sms_optout directive
	before  string // directives in the site before reverse_proxy
	backend string // address
	caddy   string // further global options
	realms  string // default: testRealm
	admin   string // address of Caddy's admin endpoint; default: off
}

// startGateway loads a configuration with one guarded site, and unloads it when
// the test ends.
func startGateway(tb testing.TB, b *backend, o options) *gateway {
	tb.Helper()
	oneCaddy.Lock()
	g := &gateway{tb: tb, addr: freeAddr(tb), dir: tb.TempDir()}
	tb.Cleanup(func() {
		defer oneCaddy.Unlock()
		if err := caddy.Stop(); err != nil {
			tb.Errorf("stopping Caddy: %v", err)
		}
	})
	if o.backend == "" && b != nil {
		o.backend = b.addr
	}
	g.mustLoad(g.caddyfile(o))
	return g
}

// caddyfile is the usual configuration.
func (g *gateway) caddyfile(o options) string {
	if o.store == "" {
		o.store = "badger " + filepath.Join(g.dir, "optouts")
	}
	if o.realms == "" {
		o.realms = "realm " + testRealm + " " + testHash()
	}
	if o.admin == "" {
		o.admin = "off"
	}
	return fmt.Sprintf(`{
	admin %s
	persist_config off
	auto_https off
	%s
	sms_optout {
		store %s
		%s
		%s
	}
}
http://:%s {
	bind 127.0.0.1
	sms_optout {
		%s
	}
	%s
	reverse_proxy %s
}
`, o.admin, o.caddy, o.store, o.realms, o.global, port(g.addr), o.site, o.before, o.backend)
}

// reload loads the usual configuration anew, on another port: the server of the
// configuration before may accept connections for a moment longer.
func (g *gateway) reload(o options) {
	g.tb.Helper()
	g.addr = freeAddr(g.tb)
	g.mustLoad(g.caddyfile(o))
}

// load adapts a Caddyfile and runs it.
func (g *gateway) load(text string) error {
	cfg, err := adapt(text)
	if err != nil {
		return err
	}
	return caddy.Load(cfg, true)
}

func (g *gateway) mustLoad(text string) {
	g.tb.Helper()
	if err := g.load(text); err != nil {
		g.tb.Fatalf("loading: %v\n%s", err, text)
	}
}

func adapt(text string) ([]byte, error) {
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return cfg, err
}

// freeAddr returns a loopback address that is the test's until it ends. The port
// is bound but not listened on, and shared: Caddy can listen on it, and nobody
// else is given it meanwhile.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", sa.(*unix.SockaddrInet4).Port)
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// reply is an answer of the gateway.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// raw sends bytes on a connection of its own and returns the last answer that
// is not an interim one. A connection that ends without an answer is tried again:
// for a moment after a load, a server that Caddy is stopping may still accept.
func (g *gateway) raw(request string) (r reply, err error) {
	for range 5 {
		if r, err = rawTo(g.addr, request); err == nil {
			break
		}
	}
	return r, err
}

func rawTo(addr, request string) (reply, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return reply{}, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		return reply{}, err
	}
	method, _, _ := strings.Cut(request, " ")
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, &http.Request{Method: method})
	for err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(br, &http.Request{Method: method})
	}
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

func (g *gateway) mustRaw(request string) reply {
	g.tb.Helper()
	r, err := g.raw(request)
	if err != nil {
		g.tb.Fatalf("request %.80q: %v", request, err)
	}
	return r
}

// get calls api_web by GET.
func (g *gateway) get(query string) reply {
	g.tb.Helper()
	return g.mustRaw("GET /bin/api_web?" + query + " HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n\r\n")
}

// post calls api_web by POST with a form.
func (g *gateway) post(form string) reply {
	g.tb.Helper()
	return g.mustRaw(fmt.Sprintf("POST /bin/api_web HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(form), form))
}

// call makes the arguments of a command of the test realm.
func call(command string, more ...string) string {
	v := url.Values{"r": {testRealm}, "p": {testPassword}, "c": {command}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v.Encode()
}

func sendTo(phone string) string {
	return call("smssendmessagetophone", "phone", phone, "sender_code", testSender, "message_text", "hello")
}

func stopOf(phone string) string {
	return call("smsstopsubscribersend", "phone", phone, "sender_code", testSender)
}

const stopSuccess = "SUCCESS: Stopping message to phone was successful"

// mustStop records an opt-out through the gateway.
func (g *gateway) mustStop(phone string) {
	g.tb.Helper()
	if r := g.get(stopOf(phone)); r.Status != 200 || r.Body != stopSuccess {
		g.tb.Fatalf("stop: %d %q", r.Status, r.Body)
	}
}

// wantBlocked asserts that a send is answered by the gateway.
func (g *gateway) wantBlocked(b *backend, phone string) {
	g.tb.Helper()
	b.take()
	r := g.get(sendTo(phone))
	if r.Status != 200 || !strings.HasPrefix(r.Body, "FAILURE: ") {
		g.tb.Errorf("send to an opted-out phone: %d %q", r.Status, r.Body)
	}
	if n := len(b.take()); n != 0 {
		g.tb.Errorf("send to an opted-out phone: %d requests reached the backend", n)
	}
}

// wantForwarded asserts that a send reaches the backend.
func (g *gateway) wantForwarded(b *backend, phone string) {
	g.tb.Helper()
	b.take()
	r := g.get(sendTo(phone))
	if r.Status != 200 || r.Body != sendSuccess {
		g.tb.Errorf("send: %d %q", r.Status, r.Body)
	}
	if _, err := b.only(); err != nil {
		g.tb.Error("send:", err)
	}
}

// ours returns the stacks of the goroutines that run code of this module or of
// Badger, and that Caddy's stopping should have ended.
func ours() []string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var found []string
	for _, stack := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(stack, "_test.go") {
			continue // the tests' own backends
		}
		if strings.Contains(stack, "dgraph-io/badger") || strings.Contains(stack, "stopgate/stopgate/") {
			found = append(found, stack)
		}
	}
	return found
}

// eventually waits for something that another goroutine brings about.
func eventually(tb testing.TB, what string, f func() bool) {
	tb.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !f() {
		if time.Now().After(deadline) {
			tb.Fatalf("it did not come about in 15 s: %s", what)
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond) // between two looks, not instead of one
	}
}

// tail returns what a file holds.
func tail(tb testing.TB, path string) string {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		tb.Fatal(err)
	}
	return string(bytes.TrimSpace(b))
}

// storeCalls is how often a store was asked or changed.
func storeCalls(s *storetest.Faulty) (n int) {
	for _, m := range []storetest.Method{storetest.MethodLookup, storetest.MethodUntold, storetest.MethodOptOut, storetest.MethodLift, storetest.MethodHistory, storetest.MethodStates} {
		n += s.Calls(m)
	}
	return n
}

func writeFile(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
