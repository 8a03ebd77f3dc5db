package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"
)

// TestMain makes the test binary the command itself where it is run again by a
// test, so that a test has a whole process to kill.
func TestMain(m *testing.M) {
	if os.Getenv("STOPGATE_TEST_RUN_CADDY") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running `caddy run`.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
	out  *output
	done chan struct{}
}

// output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// caddyCommand is this binary as `caddy`, with Caddy's folders in home.
func caddyCommand(t *testing.T, home string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "STOPGATE_TEST_RUN_CADDY=1",
		"HOME="+home, "XDG_DATA_HOME="+home+"/data", "XDG_CONFIG_HOME="+home+"/config")
	return cmd
}

// start runs Caddy with a Caddyfile, or JSON, and waits until it answers at addr.
func start(t *testing.T, home, config, addr string) *process {
	t.Helper()
	p := &process{t: t, addr: addr, out: new(output), done: make(chan struct{})}
	args := []string{"run", "--config", config}
	if filepath.Ext(config) != ".json" {
		args = append(args, "--adapter", "caddyfile")
	}
	p.cmd = caddyCommand(t, home, args...)
	p.cmd.Dir = filepath.Dir(config)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	for deadline := time.Now().Add(30 * time.Second); ; {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return p
		}
		select {
		case <-p.done:
			t.Fatalf("Caddy ended:\n%s", p.out)
		case <-time.After(5 * time.Millisecond): // between two looks
		}
		if time.Now().After(deadline) {
			t.Fatalf("Caddy does not answer:\n%s", p.out)
		}
	}
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// terminate ends the process as an operator's system does, and returns its exit
// code.
func (p *process) terminate() int {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.t.Errorf("Caddy does not end at SIGTERM:\n%s", p.out)
		p.kill()
	}
	return p.cmd.ProcessState.ExitCode()
}

// freeAddr returns a loopback address that is the test's until it ends. The port
// is bound but not listened on, and shared: Caddy can listen on it, and nobody
// else is given it meanwhile.
func freeAddr(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", sa.(*unix.SockaddrInet4).Port)
}

// configure writes a Caddyfile for a gateway at addr, with a stand-in backend
// behind it, into dir.
func configure(t *testing.T, dir, addr string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("mypass"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	_, backend, _ := net.SplitHostPort(freeAddr(t))
	config := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf(`{
	admin off
	persist_config off
	grace_period 5s
	sms_optout {
		store badger optouts
		realm myrealm %s
	}
}
http://:%s {
	bind 127.0.0.1
	sms_optout
	reverse_proxy 127.0.0.1:%s
}
http://:%[3]s {
	bind 127.0.0.1
	respond "SUCCESS: Sending message to phone was successful"
}
`, hash, port, backend)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// plain is a client without keep-alive.
var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

func get(client *http.Client, addr, command, phone string) (string, error) {
	resp, err := client.Get("http://" + addr + "/bin/api_web?r=myrealm&p=mypass&c=" + command + "&phone=" + phone + "&sender_code=120162701555")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// TestKillAmidStops kills the process amid stops of 64 clients and reloads, twenty
// times, and wants every acknowledged one enforced by the next process. A kill shows
// that the order of things is right; that what is synced is synced is shown by
// optoutstore's TestPowerCut. (Badger's value log holds nothing, so there is none of
// its collection to be amid of.)
func TestKillAmidStops(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	amidStops(t, rounds, (*process).kill)
}

// TestTerminateAmidStops ends it amid the same as an operator's system does, and
// wants it to finish what it has begun, in time, and to say so by its exit code.
func TestTerminateAmidStops(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	amidStops(t, rounds, func(p *process) {
		began := time.Now()
		if code := p.terminate(); code != 0 {
			t.Errorf("exit code %d at SIGTERM:\n%s", code, p.out)
		}
		if took := time.Since(began); took > grace {
			t.Errorf("it took %s to end, its grace period is %s", took, grace)
		}
	})
}

// grace is how long the process may take to end, as configured.
const grace = 10 * time.Second

// amidStops starts a gateway, lets 64 clients send stops and reloads it again and
// again, ends it amid that, and wants what was acknowledged enforced by the next.
func amidStops(t *testing.T, rounds int, end func(*process)) {
	dir, home := t.TempDir(), t.TempDir()
	addr := freeAddr(t)
	config := configure(t, dir, addr)
	var acked []string
	next, reloads, reloaded := 0, 0, 0
	for range rounds {
		p := start(t, home, config, addr)
		checked := len(acked)
		wantBlocked(t, addr, acked[max(0, checked-500):])

		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var wg sync.WaitGroup
		fresh := make(chan struct{}, 1<<16)
		for i := range 64 {
			wg.Go(func() {
				client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
				defer client.CloseIdleConnections()
				for n := 0; ctx.Err() == nil && n < 1000; n++ {
					phone := fmt.Sprintf("1206%07d", 2000000+next+n*64+i)
					body, err := get(client, addr, "smsstopsubscribersend", phone)
					if err != nil {
						// Ended, or the connection was closed by a reload.
						client.CloseIdleConnections()
						continue
					}
					if strings.HasPrefix(body, "SUCCESS") {
						mu.Lock()
						acked = append(acked, phone)
						mu.Unlock()
						fresh <- struct{}{}
					} else if !strings.HasPrefix(body, "FAILURE: ") {
						t.Errorf("stop: %q", body)
						return
					}
				}
			})
		}
		asked := 0
		for n := range 100 + rand.IntN(300) {
			// One at a time: Caddy drops a signal that comes while one waits, and that
			// could be the SIGTERM.
			if n%60 >= 30 && strings.Count(p.out.String(), "successfully reloaded config") == asked {
				reload(t, p, config)
				asked++
				reloads++
			}
			select {
			case <-fresh:
			case <-time.After(30 * time.Second):
				t.Fatalf("no stops are acknowledged:\n%s", p.out)
			}
		}
		end(p)
		cancel()
		wg.Wait()
		reloaded += strings.Count(p.out.String(), "successfully reloaded config")
		next += 64 * 1000
	}
	p := start(t, home, config, addr)
	wantBlocked(t, addr, acked)
	t.Logf("%d stops were acknowledged in %d rounds with %d reloads, %d of them to their end", len(acked), rounds, reloads, reloaded)
	if reloaded == 0 {
		t.Error("no reload was made")
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d at SIGTERM:\n%s", code, p.out)
	}
}

// reload changes the configuration, and tells the process to load it. It does not
// wait for that.
func reload(t *testing.T, p *process, config string) {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	const with, without = "sms_optout {\n\t\tmax_body 2MiB\n\t}\n", "sms_optout\n"
	next := strings.Replace(string(text), "\t"+without, "\t"+with, 1)
	if next == string(text) {
		next = strings.Replace(string(text), "\t"+with, "\t"+without, 1)
	}
	if next == string(text) {
		t.Fatal("the configuration has nothing to change")
	}
	// Replaced whole: a process that starts must not read a half of it.
	if err := os.WriteFile(config+".new", []byte(next), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(config+".new", config); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
}

// wantBlocked asserts that sends to all phones are answered by the gateway.
func wantBlocked(t *testing.T, addr string, phones []string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	for _, phone := range phones {
		body, err := get(client, addr, "smssendmessagetophone", phone)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(body, "FAILURE: ") {
			t.Fatalf("an acknowledged stop was lost: %q", body)
		}
	}
}

// TestSecondProcess wants a second gateway on one store to be refused with words
// that help, for Caddy would share the port with it unseen.
func TestSecondProcess(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	addr := freeAddr(t)
	config := configure(t, dir, addr)
	p := start(t, home, config, addr)

	second := caddyCommand(t, home, "run", "--config", config, "--adapter", "caddyfile")
	second.Dir = dir
	out, err := second.CombinedOutput()
	for _, say := range []string{"in use", "is held by another Caddy", "stop that one, or give this one a directory of its own"} {
		if err == nil || !strings.Contains(string(out), say) {
			t.Errorf("the second process: %v, it does not say %q\n%s", err, say, out)
		}
	}
	// Checking the configuration needs no store.
	validate := caddyCommand(t, home, "validate", "--config", config, "--adapter", "caddyfile")
	validate.Dir = dir
	if out, err := validate.CombinedOutput(); err != nil {
		t.Errorf("caddy validate: %v\n%s", err, out)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d at SIGTERM:\n%s", code, p.out)
	}
}
