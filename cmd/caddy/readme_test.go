package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme does what README.md tells a newcomer to do, with the repository's own
// Caddyfile on other ports, and wants to see what README.md shows.
func TestReadme(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("README.md's walk is written with curl, which is not installed")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	dir, home := t.TempDir(), t.TempDir()
	gateway, backend := freeAddr(t), freeAddr(t)
	_, gatewayPort, _ := net.SplitHostPort(gateway)
	_, backendPort, _ := net.SplitHostPort(backend)
	ports := strings.NewReplacer("localhost:8080", gateway, ":8080 {", "http://:"+gatewayPort+" {\n\tbind 127.0.0.1\n", ":9090", ":"+backendPort,
		"\tsms_optout {\n\t\tstore", "\tadmin off\n\tpersist_config off\n\tsms_optout {\n\t\tstore")
	config := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(ports.Replace(string(example))), 0o600); err != nil {
		t.Fatal(err)
	}

	blocks := strings.Split(string(readme), "```console\n")[1:]
	if len(blocks) < 4 {
		t.Fatalf("README.md has %d walks", len(blocks))
	}
	p, log := start(t, home, config, gateway), ""
	for i, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if i == len(blocks)-1 { // behind "start it again"
			if code := p.terminate(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			log += p.out.String()
			p = start(t, home, config, gateway)
		}
		var command string
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			if after, ok := strings.CutPrefix(line, "$ "); ok {
				command = after
				continue
			}
			run := exec.Command("bash", "-c", ports.Replace(strings.Replace(command, "curl ", "curl -sS ", 1)))
			if out, err := run.CombinedOutput(); err != nil || string(out) != line {
				t.Errorf("%s\nprints %q (%v), README.md says %q", command, out, err, line)
			}
		}
	}
	// The stand-in backend shows what reached it, and nothing that did not.
	p.terminate()
	log += p.out.String()
	if !strings.Contains(log, "smssendmessagetophone") || strings.Contains(log, "mypass") {
		t.Errorf("the log does not show what reached the backend, or shows the password:\n%s", log)
	}
}
