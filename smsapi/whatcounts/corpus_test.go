package whatcounts

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hostile is one case of testdata/hostile.jsonl, more.jsonl and attack.jsonl. The first
// is a sample of twenty families of requests, each tried against real parsers; the
// second continues it, and the third is what readers with fresh eyes tried.
type hostile struct {
	ID      string
	Fixture string
	Raw     string
	Note    string
	Expect  verdict
	Also    []verdict
	// Elsewhere says that the case is decided outside this package, by net/http's
	// server or the site's configuration.
	Elsewhere string
}

func cases(t testing.TB, name string) []hostile {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []hostile
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c hostile
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		all = append(all, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// decidedElsewhere are cases whose request cannot be told from a good one once
// net/http has parsed it; whole-server tests hold them.
var decidedElsewhere = map[string]string{
	"frame-10": "Content-Length beside chunked: net/http drops the former, and the harmless rest may arrive",
	"frame-27": "two requests on one connection: the first is harmless",
	"conn-16":  "HTTP/2 with prior knowledge",
}

func TestHostileRequests(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"hostile.jsonl", "more.jsonl", "attack.jsonl"} {
		for _, c := range cases(t, name) {
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				if why, ok := decidedElsewhere[c.ID]; ok {
					t.Skip(why)
				}
				got, code := refused, "net/http"
				if r, err := parse(c.Raw); err == nil {
					verdict, refusal := newFixture(t, c.Fixture).judge(r)
					got, code = verdict, ""
					if refusal != nil {
						code = refusal.Code
						if refusal.Status == 200 { // the command's own failure
							got = blocked
						}
					}
				}
				if got != c.Expect && !slices.Contains(c.Also, got) && !(got == blocked && c.Expect == refused) {
					t.Errorf("%s %s, want %s %v\n%s\n%s", got, code, c.Expect, c.Also, c.Note,
						strings.ReplaceAll(c.Raw[:min(len(c.Raw), 400)], "\r\n", "\n"))
				}
			})
		}
	}
}
