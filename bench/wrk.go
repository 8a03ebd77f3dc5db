package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// wrk is the load generator of that name. It answers for less of the machine than
// one in Go.
type wrk struct{ dir string }

func (wrk) name() string { return "wrk" }

// preparedByWrk is how many different sends wrk sends in turn.
const preparedByWrk = 1 << 14

// run runs wrk, for whole seconds: it knows no others. It does not look at answers but
// for their status, and a FAILURE has 200 as well; measure finds these.
func (w wrk) run(addr string, k kind, conns int, d time.Duration) (load, error) {
	script, err := w.script(addr, k)
	if err != nil {
		return load{}, err
	}
	seconds := fmt.Sprintf("%ds", max(1, int(d.Seconds()+0.5)))
	// The script goes on behind the phones that were stopped before.
	first := int(stops.Load()) * phoneStep % subscribers
	out, err := exec.Command("wrk", "-t1", "-c", strconv.Itoa(conns), "-d", seconds,
		"--latency", "-s", script, "http://"+addr, strconv.Itoa(first)).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	l, err := parseWrk(string(out))
	if k == stop {
		// Each connection may have sent one more at the end, and wrk asks the script for one
		// at the beginning that it does not send.
		stops.Add(int64(l.requests + conns + 1))
	}
	return l, err
}

// script writes a Lua script that sends prepared requests one after the other, or stops
// of phones from the one on that is its argument, as phoneN has them.
func (w wrk) script(addr string, k kind) (string, error) {
	name := filepath.Join(w.dir, fmt.Sprintf("%d-%s", k, strings.ReplaceAll(addr, ":", "-")))
	if _, err := os.Stat(name + ".lua"); err == nil {
		return name + ".lua", nil // of a round before
	}
	if k == stop {
		head, tail := aroundPhone(addr)
		return name + ".lua", os.WriteFile(name+".lua", fmt.Appendf(nil, `
local x = 0
init = function(args) x = tonumber(args[1]) end
request = function()
  x = (x + %d) %% %d
  return %q .. string.format("%%d", %d + x) .. %q
end
`, phoneStep, subscribers, head, stopped, tail), 0o600)
	}
	// In a file of their own, since Lua bounds the constants of one function.
	var data strings.Builder
	for _, r := range sends(k, addr, preparedByWrk) {
		fmt.Fprintf(&data, "%d\n%s", len(r), r)
	}
	if err := os.WriteFile(name+".requests", []byte(data.String()), 0o600); err != nil {
		return "", err
	}
	return name + ".lua", os.WriteFile(name+".lua", fmt.Appendf(nil, `
local all, n, i = {}, 0, 0
init = function()
  local f = assert(io.open(%q, "rb"))
  while true do
    local length = f:read("*n")
    if not length then break end
    f:read(1)
    n = n + 1
    all[n] = f:read(length)
  end
  f:close()
end
request = function()
  i = i %% n + 1
  return all[i]
end
`, name+".requests"), 0o600)
}

var (
	wrkRate  = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkCount = regexp.MustCompile(`([0-9]+) requests in`)
	wrkP99   = regexp.MustCompile(`99%\s+([0-9.]+(?:us|ms|s))`)
	wrkWrong = regexp.MustCompile(`Non-2xx or 3xx responses: ([0-9]+)`)
	wrkError = regexp.MustCompile(`Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)`)
)

// parseWrk reads what wrk prints.
func parseWrk(out string) (load, error) {
	rate, p99, count := wrkRate.FindStringSubmatch(out), wrkP99.FindStringSubmatch(out), wrkCount.FindStringSubmatch(out)
	if rate == nil || p99 == nil || count == nil {
		return load{}, fmt.Errorf("wrk printed no rate: %s", out)
	}
	if m := wrkError.FindStringSubmatch(out); m != nil {
		return load{}, fmt.Errorf("wrk: %s", m[0])
	}
	var l load
	var err error
	if l.perSecond, err = strconv.ParseFloat(rate[1], 64); err != nil {
		return load{}, err
	}
	if l.requests, err = strconv.Atoi(count[1]); err != nil {
		return load{}, err
	}
	if l.p99, err = time.ParseDuration(p99[1]); err != nil {
		return load{}, err
	}
	if m := wrkWrong.FindStringSubmatch(out); m != nil {
		l.wrong, err = strconv.Atoi(m[1])
	}
	return l, err
}
