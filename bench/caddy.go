package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// buildTags leave out two old Badgers that Caddy's standard modules would link.
const buildTags = "nobadger,nomysql,nopgx"

// buildCaddy builds Caddy with the module into dir.
func buildCaddy(dir string) (string, error) {
	name := filepath.Join(dir, "caddy")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", buildTags, "-o", name, "github.com/stopgate/stopgate/cmd/caddy")
	cmd.Stderr = os.Stderr
	return name, cmd.Run()
}

// server is a program that runs beside this one.
type server struct {
	contender
	cmd *exec.Cmd
	log string
}

// guarded is the configuration with the directive, bare that without it. They
// differ in nothing else.
func startCaddy(o options, name, store string, guarded bool) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddr()
	if err != nil {
		return nil, err
	}
	list, directive := "", ""
	if guarded {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
		if err != nil {
			return nil, err
		}
		list = fmt.Sprintf("sms_optout {\n store badger %s\n realm %s %s\n }", store, realm, hash)
		directive = "sms_optout"
	}
	dir, err := os.MkdirTemp(o.dir, name)
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`{
	admin %s
	persist_config off
	auto_https off
	log {
		output discard
	}
	log stopgate {
		output stderr
		include sms_optout
	}
	%s
}
http://:%s {
	bind 127.0.0.1
	%s
	reverse_proxy %s
}
`, admin, list, port(addr), directive, o.backend)
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(o.caddy, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+o.witness, "XDG_CONFIG_HOME="+dir)
	s := &server{contender: contender{name: name, addr: addr, admin: admin}, cmd: cmd, log: filepath.Join(dir, "log")}
	return s, s.start()
}

// start starts the program and waits until it answers.
func (s *server) start() error {
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.pid = s.cmd.Process.Pid
	err = waitFor(s.addr)
	if err != nil {
		text, _ := os.ReadFile(s.log)
		s.stop()
		return fmt.Errorf("%s did not start: %w: %s", s.name, err, text)
	}
	return nil
}

// stop ends the program as an operator would.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		<-done
	}
}

// waitFor waits until something listens on addr.
func waitFor(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freeAddr is a loopback address with a port that was free just now.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// memory is how much memory of its own a process has, in bytes: not the files
// that it has mapped, which the kernel takes back when it needs the space.
func memory(pid int) (anonymous int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("the kernel does not say how much memory a process has of its own")
}

// processorTime is how many seconds of processors a process has used, or 0.
func processorTime(pid int) float64 {
	if pid == 0 {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field is the program's name in parentheses; user and system time are
	// the 14th and 15th, in hundredths of a second (proc_pid_stat(5)).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100
}
