package caddymodule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/smsapi"
	"github.com/stopgate/stopgate/smsapi/whatcounts"
)

// documentedRefusal is a refusal as a developer of a sender meets it. In place of the
// argument that one of a rule is about there is an ellipsis, as in the documents.
type documentedRefusal struct {
	code, reason string
	status       int
}

// refusalsOfSource reads the refusals from the source: a package shows the codes of its
// own and keeps the rest to itself.
func refusalsOfSource(t *testing.T) (found []documentedRefusal) {
	t.Helper()
	for _, dir := range []string{".", "../smsapi", "../smsapi/whatcounts"} {
		for _, file := range sourceOf(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit:
					if r := (documentedRefusal{code: fieldOf(n, "Code"), reason: fieldOf(n, "Reason"), status: statusIn(n)}); r.code != "" && r.status != 0 {
						found = append(found, r)
					}
				case *ast.CallExpr:
					f, ok := n.Fun.(*ast.Ident)
					if !ok || len(n.Args) < 2 {
						break
					}
					first, second := textOf(n.Args[0]), textOf(n.Args[1])
					switch f.Name {
					case "ambiguous":
						found = append(found, documentedRefusal{first + "_…", "The argument …" + second, http.StatusBadRequest})
					case "failure":
						found = append(found, documentedRefusal{first, second, http.StatusOK})
					}
				}
				return true
			})
		}
	}
	return found
}

// sourceOf parses the files of a package but for its tests.
func sourceOf(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no source in", dir, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// textOf is the value of a string literal.
func textOf(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

func valueOf(lit *ast.CompositeLit, field string) ast.Expr {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == field {
				return kv.Value
			}
		}
	}
	return nil
}

func fieldOf(lit *ast.CompositeLit, field string) string { return textOf(valueOf(lit, field)) }

// statusIn is the status of a refusal, such as 400 of http.StatusBadRequest.
func statusIn(lit *ast.CompositeLit) int {
	name, ok := valueOf(lit, "Status").(*ast.SelectorExpr)
	if !ok {
		return 0
	}
	for status := 200; status < 600; status++ {
		if text := http.StatusText(status); text != "" && name.Sel.Name == "Status"+strings.ReplaceAll(text, " ", "") {
			return status
		}
	}
	return 0
}

func document(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is what stands between a heading and the next of its kind or of a higher one.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(text, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no %q", heading)
	}
	level := len(heading) - len(strings.TrimLeft(heading, "#"))
	if end := regexp.MustCompile(`(?m)^#{1,` + strconv.Itoa(level) + `} `).FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	return text
}

// rowsOf are the cells of the tables in a text, their headings first.
func rowsOf(text string) (rows [][]string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") {
			continue // a rule, or no row
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), " | ") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	return rows
}

var inBackquotes = regexp.MustCompile("`([^`]+)`")

// namesIn are the words of a cell that stand between backquotes.
func namesIn(cell string) (names []string) {
	for _, m := range inBackquotes.FindAllStringSubmatch(cell, -1) {
		names = append(names, m[1])
	}
	return names
}

// Every refusal is in the documents with its code, its status and its line, and what is
// there exists.
func TestRefusalsAreDocumented(t *testing.T) {
	t.Parallel()
	refusals := refusalsOfSource(t)
	known := func(code string) bool {
		return slices.ContainsFunc(refusals, func(r documentedRefusal) bool {
			rule, isRule := strings.CutSuffix(r.code, "…")
			return r.code == code || isRule && strings.HasPrefix(code, rule)
		})
	}
	codes := append(smsapi.RefusalCodes(), new(whatcounts.API).RefusalCodes()...)
	for _, code := range append(codes, smsapi.Codes(refusedRealm, refusedLoop)...) {
		if !known(code) {
			t.Errorf("%s was not found in the source: this test misses it", code)
		}
	}

	answers := section(t, document(t, "../docs/errors.md"), "## Answers")
	reading := rowsOf(section(t, document(t, "../docs/reading.md"), "## Refusals"))
	_, others, _ := strings.Cut(section(t, document(t, "../README.md"), "## What a request gets"), "Besides there are 400")
	others, _, _ = strings.Cut(others, "Each carries")
	others = "400" + others
	for _, r := range refusals {
		row := "| `" + strings.TrimSuffix(r.code, "…") + "` | `FAILURE: " + r.reason + "`"
		if r.status != http.StatusOK && !strings.HasSuffix(r.code, "…") {
			row = "| " + strconv.Itoa(r.status) + " " + row
		}
		if !strings.Contains(answers, "\n"+row) {
			t.Errorf("docs/errors.md lacks the row %s", row)
		}
		if !slices.ContainsFunc(reading, func(cells []string) bool {
			return slices.Contains(namesIn(cells[0]), r.code) && strings.Contains(cells[1], strconv.Itoa(r.status))
		}) {
			t.Errorf("docs/reading.md has no row for %s and status %d", r.code, r.status)
		}
		if r.status != http.StatusOK && !strings.Contains(others, strconv.Itoa(r.status)) {
			t.Errorf("README.md does not name the status %d", r.status)
		}
	}

	for _, cells := range reading[1:] {
		for _, code := range namesIn(cells[0]) {
			if !known(code) {
				t.Errorf("docs/reading.md has a row for %s, which does not exist", code)
			}
		}
	}
	for _, cells := range rowsOf(answers) {
		for i, cell := range cells[:len(cells)-1] {
			if code := namesIn(cell); len(code) == 1 && strings.HasPrefix(cells[i+1], "`FAILURE: ") && !known(code[0]) {
				t.Errorf("docs/errors.md has a row for %s, which does not exist", code[0])
			}
		}
	}
}

// loggedText is what a log line says, as far as it is fixed: one that is not whole goes on
// with something else.
type loggedText struct {
	text  string
	whole bool
}

// messageArgument is where functions of ours that write a line have its message.
var messageArgument = map[string]int{"Info": 0, "Warn": 0, "Error": 0, "logHash": 0, "logPanic": 1, "report": 2}

// loggedTexts are the messages that the source writes at a level above debug: what is
// given to a logger as a literal, and what a variable called message is set to.
func loggedTexts(t *testing.T, dir string) (found []loggedText) {
	t.Helper()
	add := func(e ast.Expr) {
		if m := startOf(e); m.text != "" {
			found = append(found, m)
		}
	}
	for _, file := range sourceOf(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				if i, ok := messageArgument[name]; ok && i < len(n.Args) {
					add(n.Args[i])
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if v, ok := left.(*ast.Ident); ok && v.Name == "message" && len(n.Rhs) == len(n.Lhs) {
						add(n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	return found
}

// startOf is what a text begins with, put together of literals and other things.
func startOf(e ast.Expr) loggedText {
	sum, ok := e.(*ast.BinaryExpr)
	if !ok {
		text := textOf(e)
		return loggedText{text, text != ""}
	}
	m := startOf(sum.X)
	if m.whole {
		more := startOf(sum.Y)
		m = loggedText{m.text + more.text, more.whole}
	}
	return m
}

// says reports whether a document names a message: all of it, or up to an ellipsis.
func (m loggedText) says(documented string) bool {
	start, _, cut := strings.Cut(strings.ReplaceAll(documented, "...", "…"), "…")
	if cut {
		return strings.HasPrefix(m.text, start)
	}
	return m.whole && m.text == start
}

// Every log line has its row in the section of the logger that writes it, and every row
// its log line.
func TestLogLinesAreDocumented(t *testing.T) {
	t.Parallel()
	lines := section(t, document(t, "../docs/errors.md"), "## Log lines")
	var all []loggedText
	for dir, text := range map[string]string{
		".":              lines,
		"operate":        lines,
		"../relay":       section(t, lines, "### The relay: `sms_optout.relay`"),
		"../optoutstore": section(t, lines, "### The list: `sms_optout.store`"),
	} {
		documented := namesIn(text)
		logged := loggedTexts(t, dir)
		all = append(all, logged...)
		if len(logged) == 0 && dir != "operate" {
			t.Errorf("no log lines were found in %s: this test misses them", dir)
		}
		for _, m := range logged {
			if !slices.ContainsFunc(documented, m.says) {
				t.Errorf("docs/errors.md does not name a log line of %s: %s", dir, m.text)
			}
		}
	}
	for _, cells := range rowsOf(lines) {
		if level, _, _ := strings.Cut(cells[0], ","); level != "info" && level != "warn" && level != "error" {
			continue
		}
		for _, text := range namesIn(cells[1]) {
			if !slices.ContainsFunc(all, func(m loggedText) bool { return m.says(text) }) {
				t.Errorf("docs/errors.md has a row for a log line that nothing writes: %s", text)
			}
		}
	}
}

// A blank line in a table ends it: what follows is no row to who reads the page.
func TestTablesAreWhole(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal("no documents", err)
	}
	for _, page := range append(pages, "../README.md", "../xcaddy.md") {
		lines := strings.Split(document(t, page), "\n")
		for i := 1; i+1 < len(lines); i++ {
			if lines[i-1] == "" && strings.HasPrefix(lines[i], "| ") && !strings.HasPrefix(lines[i+1], "|-") {
				t.Errorf("%s:%d: a row without a table", page, i+1)
			}
		}
	}
}

// The error of a lost store stands in docs/errors.md as it is printed, so that who
// searches for it finds what to do.
func TestLossErrorIsDocumented(t *testing.T) {
	t.Parallel()
	b := &BadgerStore{MinFree: 1, dir: filepath.Join(t.TempDir(), "optouts")}
	s, err := b.OpenStore()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.dir); err != nil {
		t.Fatal(err)
	}
	if s, err = b.OpenStore(); err == nil {
		s.Close()
		t.Fatal("the store opened without what it held")
	}
	printed := strings.ReplaceAll(err.Error(), b.dir, "/var/lib/caddy/optouts")
	start, rest, _ := strings.Cut(printed, ": ")
	_, ways, _ := strings.Cut(rest, "; mount")
	documented := strings.Join(strings.Fields(section(t, document(t, "../docs/errors.md"), "### Lost events")), " ")
	if !strings.HasPrefix(documented, start+": ...; mount"+ways+" ") {
		t.Errorf("docs/errors.md says\n%.300s\nprinted is\n%s", documented, printed)
	}
}

// Every module has its row in docs/configuration.md.
func TestModulesAreDocumented(t *testing.T) {
	t.Parallel()
	table, _, _ := strings.Cut(document(t, "../docs/configuration.md"), "\n## ")
	var documented []string
	for _, cells := range rowsOf(table) {
		documented = append(documented, namesIn(cells[0])...)
	}
	registered := []string{appName}
	for _, file := range sourceOf(t, ".") { // Caddy knows modules of tests as well
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && fieldOf(lit, "ID") != "" {
				registered = append(registered, fieldOf(lit, "ID"))
			}
			return true
		})
	}
	slices.Sort(documented)
	slices.Sort(registered)
	if !slices.Equal(documented, registered) {
		t.Errorf("docs/configuration.md has the modules %q, registered are %q", documented, registered)
	}
}

// Every verb of the command has its row in docs/list.md, and every flag is named there or
// where the verb's own page is.
func TestCommandIsDocumented(t *testing.T) {
	t.Parallel()
	list := document(t, "../docs/list.md")
	all := list + operationsText(t)
	var verbs []string
	for _, cells := range rowsOf(section(t, list, "## The command")) {
		verbs = append(verbs, namesIn(cells[0])...)
	}
	root := &cobra.Command{Use: "sms-optout"}
	addVerbs(root)
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		name := strings.TrimPrefix(cmd.CommandPath(), "sms-optout ")
		_, last, nested := strings.Cut(name, " ")
		if !slices.ContainsFunc(verbs, func(v string) bool { return v == name || strings.HasPrefix(v, name+" ") || nested && v == last }) {
			t.Errorf("docs/list.md has no row for %s", name)
		}
		for _, f := range visited(cmd.Flags().VisitAll) {
			if !regexp.MustCompile(`--` + f.Name + `\b`).MatchString(all) {
				t.Errorf("neither docs/list.md nor docs/operations.md names the flag --%s of %s", f.Name, name)
			}
		}
		for _, verb := range cmd.Commands() {
			check(verb)
		}
	}
	for _, verb := range root.Commands() {
		check(verb)
	}
}
