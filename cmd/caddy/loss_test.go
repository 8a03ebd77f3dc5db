package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoss takes the list away from under a gateway, and wants it to refuse to
// start, to name the way on, and to start again once the loss is accepted.
func TestLoss(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	addr := freeAddr(t)
	config := configure(t, dir, addr)
	p := start(t, home, config, addr)
	for _, phone := range []string{"12065550101", "12065550102"} {
		if body, err := get(plain, addr, "smsstopsubscribersend", phone); err != nil || !strings.HasPrefix(body, "SUCCESS") {
			t.Fatalf("stop: %v %q", err, body)
		}
	}
	p.terminate()
	store := filepath.Join(dir, "optouts")
	kept := filepath.Join(dir, "kept")
	if err := os.Rename(store, kept); err != nil {
		t.Fatal(err)
	}

	run := func(args ...string) (string, error) {
		cmd := caddyCommand(t, home, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("run", "--config", config, "--adapter", "caddyfile")
	if err == nil {
		t.Fatal("Caddy started without its list")
	}
	accept := "caddy sms-optout accept-loss --store " + store
	for _, want := range []string{"2", "restore", accept} {
		if !strings.Contains(out, want) {
			t.Errorf("the error does not say %q:\n%s", want, out)
		}
	}

	// With the list back, all is well, and there is no loss to accept.
	if err := os.Rename(kept, store); err != nil {
		t.Fatal(err)
	}
	if out, err := run("sms-optout", "accept-loss", "--store", store, "--reason", "test"); err == nil {
		t.Errorf("a loss was accepted that is none:\n%s", out)
	}
	p = start(t, home, config, addr)
	wantBlocked(t, addr, []string{"12065550101", "12065550102"})
	p.terminate()

	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	if out, err := run("sms-optout", "accept-loss", "--store", store); err == nil || !strings.Contains(out, "--reason") {
		t.Errorf("without a reason: %v\n%s", err, out)
	}
	if out, err := run("sms-optout", "accept-loss", "--store", store, "--reason", "test"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p = start(t, home, config, addr)
	if body, err := get(plain, addr, "smssendmessagetophone", "12065550101"); err != nil || !strings.HasPrefix(body, "SUCCESS") {
		t.Errorf("send: %v %q", err, body)
	}
	p.terminate()
}
