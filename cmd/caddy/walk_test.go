package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// walkRows is how many opt-outs TestWalk leads through: STOPGATE_WALK_ROWS, or few.
func walkRows(t *testing.T) int {
	text := os.Getenv("STOPGATE_WALK_ROWS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 10_000_000 {
		t.Fatalf("STOPGATE_WALK_ROWS: %q", text)
	}
	return n
}

// TestWalk does what an operator does with a list: imports a file into a running
// gateway under load, exports it, imports it elsewhere, exports that, verifies,
// backs up, loses the machine, restores, and asks again.
func TestWalk(t *testing.T) {
	rows := walkRows(t)
	dir, home := t.TempDir(), t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	addr, admin := freeAddr(t), freeAddr(t)
	config := configure(t, dir, addr)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.Replace(text, []byte("admin off"), []byte("admin "+admin), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	phone := func(i int) string { return fmt.Sprintf("1%03d%07d", 201+i/10_000_000, i%10_000_000) }
	writeRows(t, path("in.csv"), rows, phone)

	verb := func(args ...string) string {
		t.Helper()
		begun := time.Now()
		cmd := caddyCommand(t, home, append([]string{"sms-optout"}, args...)...)
		var errors bytes.Buffer
		cmd.Stderr = &errors
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v\n%s%s", args, err, out, errors.String())
		}
		t.Logf("%s: %v", args[0], time.Since(begun).Round(10*time.Millisecond))
		return string(out)
	}
	at := []string{"--address", admin}
	online := func(args ...string) string { t.Helper(); return verb(append(args, at...)...) }

	p := start(t, home, config, addr)
	healthy(t, admin)
	load := newLoad(t, addr)
	quiet := load.during(func() { time.Sleep(2 * time.Second) }) // a measure of time, not a wait
	busy := load.during(func() {
		if out := online("import", path("in.csv"), "--json"); !strings.HasPrefix(out, fmt.Sprintf(`{"rows":%d,"imported":%d,"known":0,"rejected":0,`, rows, rows)) {
			t.Errorf("import: %s", out)
		}
	})
	t.Logf("sends: %v alone, %v beside the import", quiet, busy)
	online("export", path("first.csv"))
	if out := online("import", path("first.csv"), "--json"); !strings.HasPrefix(out, fmt.Sprintf(`{"rows":%d,"imported":0,"known":%[1]d,`, rows)) {
		t.Errorf("again: %s", out)
	}

	elsewhere := []string{"--store", path("elsewhere")}
	verb(append([]string{"import", path("first.csv")}, elsewhere...)...)
	verb(append([]string{"export", path("second.csv")}, elsewhere...)...)
	same(t, path("in.csv"), path("first.csv"))
	same(t, path("first.csv"), path("second.csv"))
	if out := online("verify"); !strings.HasPrefix(out, fmt.Sprintf("OK: %d events, %[1]d opt-outs in force", rows)) {
		t.Errorf("verify: %s", out)
	}

	online("backup", path("backup.tar"))
	asked := []string{phone(1), phone(rows/2 | 1), phone((rows - 2) | 1), "13105550000"} // of the sender that wantBlocked asks for
	answers := func(flags []string) (all string) {
		for _, n := range asked {
			cmd := caddyCommand(t, home, append([]string{"sms-optout", "check", n, "--realm", "myrealm", "--json"}, flags...)...)
			out, _ := cmd.Output() // 10 is an answer
			all += string(out) + verb(append([]string{"history", n, "--json"}, flags...)...)
		}
		return all
	}
	before := answers(at)
	if strings.Count(before, `"may":false`) != 3 || strings.Count(before, `"may":true`) != 1 {
		t.Fatalf("answers: %s", before)
	}
	p.kill()
	if err := os.Rename(path("optouts"), path("lost")); err != nil {
		t.Fatal(err)
	}
	verb("restore", path("backup.tar"), "--store", path("optouts"))
	p = start(t, home, config, addr)
	healthy(t, admin)
	online("verify")
	if after := answers(at); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	wantBlocked(t, addr, asked[:3])
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// healthy waits until the list is served: the sites answer a moment before.
func healthy(t *testing.T, admin string) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		resp, err := plain.Get("http://" + admin + "/sms_optout/health")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the list is not healthy", err)
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
}

// writeRows writes a file as an export does, in its order.
func writeRows(t *testing.T, name string, rows int, phone func(int) string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "realm,sender,phone,at,source,reason")
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		fmt.Fprintf(w, "myrealm,%d,%s,%s,api_web,%s\n", []int{12345, 120162701555}[i%2], phone(i),
			from.Add(time.Duration(i)*time.Microsecond).Format("2006-01-02T15:04:05.000000Z"), []string{"", `"he said ""stop"""`, "=1+1"}[i%3])
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s and %s differ", filepath.Base(a), filepath.Base(b))
	}
}

// load is four senders that send one message after the other.
type load struct {
	t    *testing.T
	addr string
}

// latency is what sends took.
type latency struct {
	sends    int
	p50, p99 time.Duration
	a        time.Duration // how long it was looked at
}

func (l latency) String() string {
	return fmt.Sprintf("%.0f a second (half of them within %v, 99 of 100 within %v)", float64(l.sends)/l.a.Seconds(), l.p50, l.p99)
}

func newLoad(t *testing.T, addr string) *load { return &load{t, addr} }

// during sends while f runs.
func (l *load) during(f func()) latency {
	var over atomic.Bool
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range 4 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
			defer client.CloseIdleConnections()
			for n := 0; !over.Load(); n++ {
				one := time.Now()
				body, err := get(client, l.addr, "smssendmessagetophone", fmt.Sprintf("1310%d%06d", i+2, n%1_000_000))
				if err != nil || !strings.HasPrefix(body, "SUCCESS") {
					l.t.Errorf("send: %q, %v", body, err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(one))
				mu.Unlock()
			}
		})
	}
	f()
	over.Store(true)
	wg.Wait()
	slices.Sort(took)
	if len(took) == 0 {
		return latency{a: time.Since(begun)}
	}
	return latency{len(took), took[len(took)/2].Round(10 * time.Microsecond), took[len(took)*99/100].Round(10 * time.Microsecond), time.Since(begun)}
}
