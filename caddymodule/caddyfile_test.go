package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

var update = flag.Bool("update", false, "write the expected parts of testdata/*.caddyfiletest anew")

// TestCaddyfile holds each file of testdata to its own second part: the JSON that
// its Caddyfile adapts to, or the error that it gives, at adapting or at
// validating.
func TestCaddyfile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	t.Setenv("STOPGATE_TEST_HASH", "$2a$04$MBbQAS/IHTpyhML9XgdKauGUZyhMbzaXhkBbRsJUIQL/sJi/ZVgEy")
	t.Setenv("STOPGATE_TEST_PASSWORD", "mypass")
	t.Setenv("STOPGATE_TEST_URL", "http://localhost:9090/bin/api_web")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			const ruler = "----------\n"
			input, want, _ := strings.Cut(strings.ReplaceAll(string(content), "\r\n", "\n"), ruler)
			got := outcomeOf(t, input)
			if *update {
				if err := os.WriteFile(file, []byte(input+ruler+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// outcomeOf is what becomes of a Caddyfile.
func outcomeOf(t *testing.T, input string) string {
	t.Helper()
	cfg, err := adapt(input)
	if err != nil {
		return "adapt: " + err.Error() + "\n"
	}
	oneCaddy.Lock()
	defer oneCaddy.Unlock()
	var c caddy.Config
	if err := json.Unmarshal(cfg, &c); err != nil {
		t.Fatal(err)
	}
	c.Admin = &caddy.AdminConfig{Disabled: true}
	if err := caddy.Validate(&c); err != nil {
		// Caddy loads the apps in no order, so that the list is loaded for itself
		// or for a handler.
		text := err.Error()
		if _, after, ok := strings.Cut(text, "the sms_optout list: "); ok {
			text = after
		}
		return "validate: " + text + "\n"
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, cfg, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return pretty.String() + "\n"
}
