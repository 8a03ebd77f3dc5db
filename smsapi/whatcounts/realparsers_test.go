package whatcounts

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNoRealParserSendsWhatPasses holds the reading against parsers themselves,
// as far as their interpreters are here: what the models say is no more than a
// belief until then. Python's urllib, Werkzeug, Django and python-multipart,
// Node's querystring and qs, PHP, and Perl's CGI are asked about generated
// requests that pass.
func TestNoRealParserSendsWhatPasses(t *testing.T) {
	t.Parallel()
	passed := passing(t, 2000)
	for name, command := range map[string][]string{
		"python": {"python3", "python.py"},
		"node":   {"node", "node.js"},
		"php":    {"php", "php.php"},
		"perl":   {"perl", "perl.pl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for parser, answers := range ask(t, command, passed) {
				for i, views := range answers {
					for _, view := range views {
						if messages(view) {
							t.Errorf("%s messages the opted-out pair\n?%s\n%s\nreads %q", parser, passed[i].query, passed[i].body, view)
						}
					}
				}
			}
		})
	}
}

// TestModelsAgreeWithRealParsers holds the models against the parsers that they
// are models of, on generated requests, passing or not.
func TestModelsAgreeWithRealParsers(t *testing.T) {
	t.Parallel()
	var all []asked
	gen := rapid.Custom(genAsked)
	for i := range 2000 {
		if a := gen.Example(i); isASCII(a.query + a.body) {
			a.method, a.cookie = "POST", ""
			all = append(all, a)
		}
	}
	modelOf := map[string]string{"urllib &;": "old python", "werkzeug": "flask", "django": "django", "php": "php", "perl cgi": "perl cgi"}
	for name, command := range map[string][]string{
		"python": {"python3", "python.py"},
		"php":    {"php", "php.php"},
		"perl":   {"perl", "perl.pl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for parser, answers := range ask(t, command, all) {
				for _, m := range models {
					if m.name != modelOf[parser] {
						continue
					}
					for i, views := range answers {
						for _, view := range views {
							if messages(view) && !anyMessages(m.views(all[i])) {
								t.Errorf("%s messages the opted-out pair, its model does not\n?%s\n%s\nreads %q", parser, all[i].query, all[i].body, view)
							}
						}
					}
				}
			}
		})
	}
}

func anyMessages(views []seen) bool {
	for _, view := range views {
		if messages(view) {
			return true
		}
	}
	return false
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0 }

// passing generates n requests that the gateway forwards.
func passing(t *testing.T, n int) (all []asked) {
	t.Helper()
	f := newFixture(t, "")
	gen := rapid.Custom(genAsked)
	for i := 0; len(all) < n && i < 50*n; i++ {
		a := gen.Example(i)
		if r := a.request(); r != nil {
			if verdict, _ := f.judge(r); verdict == passes {
				all = append(all, a)
			}
		}
	}
	return all
}

// ask runs a script of testdata/parsers over the requests.
func ask(t *testing.T, command []string, all []asked) map[string][][]seen {
	t.Helper()
	interpreter, err := exec.LookPath(command[0])
	if err != nil {
		t.Skip(command[0] + " is not here")
	}
	type wire struct {
		Query string `json:"query"`
		Body  string `json:"body"`
	}
	in := make([]wire, len(all))
	for i, a := range all {
		in[i] = wire{latin1(a.query), latin1(a.body)}
	}
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, filepath.Join("testdata", "parsers", command[1]))
	cmd.Stdin = bytes.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		if strings.Contains(stderr.String(), "Can't locate CGI.pm") {
			t.Skip("Perl's CGI is not here")
		}
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var answers map[string][][]seen
	if err := json.Unmarshal(output, &answers); err != nil {
		t.Fatal(err)
	}
	for parser, views := range answers {
		if len(views) != len(all) {
			t.Fatalf("%s answers %d of %d", parser, len(views), len(all))
		}
		t.Logf("%s: %d requests", parser, len(views))
	}
	return answers
}

// latin1 is s with each byte as one character.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
