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

// preparedByWrk is how many different requests wrk sends in turn: so many that most
// stops of a run are the first of their phone.
const preparedByWrk = 1 << 14

func (w wrk) run(addr string, k kind, conns int, d time.Duration) (load, error) {
	script, err := w.script(addr, k)
	if err != nil {
		return load{}, err
	}
	out, err := exec.Command("wrk", "-t1", "-c", strconv.Itoa(conns), "-d", fmt.Sprintf("%ds", max(1, int(d.Seconds()+0.5))), // it takes no less than a second

		"--latency", "-s", script, "http://"+addr).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	return parseWrk(string(out))
}

// script writes a Lua script that sends prepared requests one after the other. The
// requests are in a file of their own, since Lua bounds the constants of one function.
func (w wrk) script(addr string, k kind) (string, error) {
	name := filepath.Join(w.dir, fmt.Sprintf("%d-%s", k, strings.ReplaceAll(addr, ":", "-")))
	if _, err := os.Stat(name + ".lua"); err == nil {
		return name + ".lua", nil // of a round before
	}
	var data strings.Builder
	for _, r := range requests(k, addr, preparedByWrk) {
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
	wrkP99   = regexp.MustCompile(`99%\s+([0-9.]+(?:us|ms|s))`)
	wrkWrong = regexp.MustCompile(`Non-2xx or 3xx responses: ([0-9]+)`)
	wrkError = regexp.MustCompile(`Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)`)
)

// parseWrk reads what wrk prints.
func parseWrk(out string) (load, error) {
	rate, p99 := wrkRate.FindStringSubmatch(out), wrkP99.FindStringSubmatch(out)
	if rate == nil || p99 == nil {
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
	if l.p99, err = time.ParseDuration(p99[1]); err != nil {
		return load{}, err
	}
	if m := wrkWrong.FindStringSubmatch(out); m != nil {
		l.wrong, err = strconv.Atoi(m[1])
	}
	return l, err
}
