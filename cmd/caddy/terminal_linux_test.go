package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what a person would type is written to it, and what a
// person would see is read from it.
type terminal struct {
	*os.File          // the person's side
	line     *os.File // the command's side
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system gives no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close() })
	return &terminal{person, line}
}

// run runs the command on the terminal, types, and returns what was seen.
func (term *terminal) run(t *testing.T, home, typed string, args ...string) (string, error) {
	t.Helper()
	cmd := caddyCommand(t, home, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = term.line, term.line, term.line
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	term.line.Close() // so that reading ends with the command
	if _, err := term.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	seen := new(output)
	for buf := make([]byte, 4096); ; {
		n, err := term.Read(buf)
		seen.Write(buf[:n])
		if err != nil { // EIO once nobody has the other side open
			break
		}
	}
	err := cmd.Wait()
	return seen.String(), err
}

// TestConfirmation wants an opt-out that covers every sender to be asked about on a
// terminal, and done on a yes alone.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	store := filepath.Join(t.TempDir(), "optouts")
	args := func(verb string, more ...string) []string {
		return append([]string{"sms-optout", verb, "--store", store, "--realm", "myrealm"}, more...)
	}
	rows := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(rows, []byte("phone,sender\n12065550199,120162701555\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := caddyCommand(t, home, args("import", rows)...).CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	for _, tt := range []struct {
		name, typed string
		done        bool
	}{
		{"no", "n\n", false},
		{"nothing", "\n", false},
		{"the end of input", "\x04", false},
		{"another word", "yep\n", false},
		{"yes", "yes\n", true},
	} {
		out, err := newTerminal(t).run(t, home, tt.typed, args("add", "12065550101", "--sender", "*")...)
		if !strings.Contains(out, "every sender of realm myrealm. Go on? [y/N]") {
			t.Errorf("%s: was not asked:\n%s", tt.name, out)
		}
		if done := err == nil; done != tt.done || done == strings.Contains(out, "nothing was done") {
			t.Errorf("%s: %v, %s", tt.name, err, out)
		}
		// 10 says that a sender may not message the phone.
		check := caddyCommand(t, home, args("check", "12065550101", "--sender", "13105550000")...)
		_ = check.Run()
		if blocked := check.ProcessState.ExitCode() == 10; blocked != tt.done {
			t.Errorf("%s: check ended with %d", tt.name, check.ProcessState.ExitCode())
		}
	}
}

// TestProgressBar wants a long verb to draw a bar on a terminal, and none in a file.
func TestProgressBar(t *testing.T) {
	t.Parallel()
	home, dir := t.TempDir(), t.TempDir()
	var rows strings.Builder
	rows.WriteString("phone,sender\n")
	for i := range 20_000 {
		fmt.Fprintf(&rows, "1206555%04d,%d\n", i%10_000, 13105550000+i/10_000)
	}
	name := filepath.Join(dir, "rows.csv")
	if err := os.WriteFile(name, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := func(store string) []string {
		return []string{"sms-optout", "import", name, "--realm", "myrealm", "--store", filepath.Join(dir, store)}
	}
	const bar = "%" // of a bar's share; nothing else that import prints has one
	out, err := newTerminal(t).run(t, home, "", args("seen")...)
	if err != nil || !strings.Contains(out, bar) || !strings.Contains(out, "/s") {
		t.Errorf("on a terminal: %v\n%q", err, out)
	}
	plain, err := caddyCommand(t, home, args("unseen")...).CombinedOutput()
	if err != nil || strings.Contains(string(plain), bar) || strings.Contains(string(plain), "\r") {
		t.Errorf("in a file: %v\n%q", err, plain)
	}
}
