package caddymodule

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// ran is what became of a command.
type ran struct {
	out    string
	err    error
	status int
}

// runCommand runs `caddy sms-optout` in this process.
func runCommand(tb testing.TB, in io.Reader, args ...string) ran {
	tb.Helper()
	root := &cobra.Command{Use: "caddy"}
	cmd := &cobra.Command{Use: "sms-optout"}
	root.AddCommand(cmd)
	addVerbs(cmd)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetIn(in)
	root.SetArgs(append([]string{"sms-optout"}, args...))
	r := ran{err: root.ExecuteContext(tb.Context())}
	r.out = out.String()
	if r.err != nil {
		r.status = 1
		// Caddy keeps the status in a type of its own.
		if m := regexp.MustCompile(`^exiting with status (\d+)$`).FindStringSubmatch(r.err.Error()); m != nil {
			r.status, _ = strconv.Atoi(m[1])
			r.err = nil
		}
	}
	return r
}

// withDoor runs commands against one list by one door.
type withDoor struct {
	tb    testing.TB
	flags []string
}

func (d withDoor) run(args ...string) ran {
	d.tb.Helper()
	return runCommand(d.tb, strings.NewReader(""), append(args, d.flags...)...)
}

// want runs a command and wants its status and what it prints.
func (d withDoor) want(status int, out string, args ...string) string {
	d.tb.Helper()
	r := d.run(args...)
	if r.status != status || r.err != nil || !strings.Contains(r.out, out) {
		d.tb.Errorf("%q: status %d, %v, prints\n%s\nwant %d and %q", args, r.status, r.err, r.out, status, out)
	}
	return r.out
}

// refuses runs a command and wants it to fail with a text.
func (d withDoor) refuses(says string, args ...string) {
	d.tb.Helper()
	if r := d.run(args...); r.status != 1 || r.err == nil || !strings.Contains(r.err.Error(), says) {
		d.tb.Errorf("%q: status %d, %v, %q; want %q", args, r.status, r.err, r.out, says)
	}
}

// throughBothDoors runs a test on a running server's list, at a TCP and at a Unix
// address, and on a store that is opened by the command.
func throughBothDoors(t *testing.T, f func(t *testing.T, d withDoor)) {
	t.Run("server", func(t *testing.T) {
		g := startAdmin(t, nil, options{})
		f(t, withDoor{t, []string{"--address", g.admin}})
	})
	t.Run("server at a socket", func(t *testing.T) {
		g := startGateway(t, nil, options{backend: "127.0.0.1:9"})
		socket := "unix/" + filepath.Join(g.dir, "admin.sock")
		g.reload(options{backend: "127.0.0.1:9", admin: socket + "|0600"})
		f(t, withDoor{t, []string{"--address", socket}})
	})
	t.Run("store", func(t *testing.T) {
		d := withDoor{t, []string{"--store", filepath.Join(t.TempDir(), "optouts")}}
		makeStore(t, d.flags[1])
		f(t, d)
	})
}

// makeStore makes an empty store.
func makeStore(tb testing.TB, dir string) {
	tb.Helper()
	store, err := (&BadgerStore{dir: dir}).OpenStore()
	if err != nil {
		tb.Fatal(err)
	}
	if err := store.Close(); err != nil {
		tb.Fatal(err)
	}
}

// TestDoors has the ways to choose a door wrongly.
func TestDoors(t *testing.T) {
	g := startAdmin(t, nil, options{})
	held := filepath.Join(g.dir, "optouts")
	d := withDoor{tb: t}
	about := []string{"check", testPhone, "--realm", "myrealm"}
	with := func(more ...string) []string { return append(about[:len(about):len(about)], more...) }

	d.refuses("a running Caddy has it; ask that one: caddy sms-optout check PHONE --json --realm myrealm", with("--store", held, "--json")...)
	d.refuses("leave --address and --config out", with("--store", held, "--address", g.admin)...)
	d.refuses("--region belongs to --store", with("--address", g.admin, "--region", "GB")...)
	d.refuses("no Caddy answers at 127.0.0.1:1;", with("--address", "127.0.0.1:1")...)
	d.refuses("no Caddy answers at unix//nowhere/admin.sock;", with("--address", "unix//nowhere/admin.sock")...)
	d.refuses("is not one that can be called", with("--address", "127.0.0.1:1-9")...)
	d.refuses("holds no opt-out store", with("--store", filepath.Join(t.TempDir(), "none"))...)
	d.refuses("the path is empty", with("--store", "")...)
	d.refuses("--region is not a two-letter region code", with("--store", t.TempDir(), "--region", "Utopia")...)
	d.refuses("unknown flag: --nonsense", with("--nonsense")...)
	d.refuses(`unknown command "chekc"`, "chekc", testPhone)
	d.refuses("--reason is not UTF-8", "add", testPhone, "--realm", "myrealm", "--sender", "1", "--reason", "\xff", "--address", g.admin)
	for _, address := range []string{"foo:bar:baz", "http://127.0.0.1:2019", ":"} {
		d.refuses("is not one that can be called; use host:port", with("--address", address)...)
	}
	d.refuses("accepts 1 arg(s), received 0", "check", "--realm", "myrealm", "--address", g.admin)

	config := filepath.Join(t.TempDir(), "caddy.json")
	writeFile(t, config, `{"admin":{"listen":"`+g.admin+`"}}`)
	d.want(0, "yes: any sender of myrealm may message 12065551212", with("--config", config)...)

	g.mustLoad("{\n admin " + g.admin + "\n persist_config off\n}\n")
	d.refuses("the running configuration has no sms_optout", with("--address", g.admin)...)
}

// interrupt sends this process what Ctrl-C sends, and waits until it has come.
func interrupt(tb testing.TB) {
	tb.Helper()
	came := make(chan os.Signal, 1)
	signal.Notify(came, os.Interrupt)
	defer signal.Stop(came)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
		tb.Error(err)
		return
	}
	<-came
}
