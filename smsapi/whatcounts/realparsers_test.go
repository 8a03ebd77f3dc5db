package whatcounts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Parsers themselves, as far as they are here: what the models say is no more
// than a belief until then. testdata/parsers has a script for each.

// parser is one script: a server to be asked, or a program that reads all
// requests from its input.
type parser struct {
	name   string
	server bool
	// command starts it, or says what is missing.
	command func(t *testing.T) ([]string, error)
}

var parsers = []parser{
	{"php", true, phpCommand},
	{"node", true, script("node.js", "node", "nodejs")},
	{"tomcat", true, java("TomcatParser.java", "org.apache.catalina.startup.Tomcat", "tomcat[0-9]*-*.jar")},
	{"jetty", true, java("JettyParser.java", "org.eclipse.jetty.server.Server", "jetty9-*.jar", "servlet-api.jar")},
	{"python", false, pythonCommand},
	{"perl", false, script("perl.pl", "perl")},
	{"rack", false, script("rack.rb", "ruby")},
	{"asp.net", false, aspNetCommand},
	{"go", false, nil},
}

// modelsOf are the models that together stand for a parser.
var modelsOf = map[string][]string{
	"urllib &":           {"flask", "django"},
	"urllib &;":          {"old python"},
	"werkzeug":           {"flask"},
	"django":             {"django"},
	"starlette":          {"starlette"},
	"php":                {"php"},
	"perl cgi":           {"perl cgi"},
	"rack":               {"rack"},
	"tomcat":             {"tomcat"},
	"jetty":              {"jetty"},
	"express":            {"express"},
	"qs with dots":       {"qs with dots"},
	"qs with semicolons": {"qs with semicolons"},
	"querystring":        {"node"},
	"URLSearchParams":    {"node"},
	"asp.net":            {"asp.net"},
	"go":                 {"go"},
}

// TestRealParsers holds the reading and the models against parsers themselves, on
// the same generated requests and on the hostile ones: none may see a send to
// the opted-out pair in what is forwarded, nor anywhere where its models see none.
func TestRealParsers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts interpreters, which takes long")
	}
	if raceDetector {
		t.Skip("what it tests is in other processes, where the race detector sees nothing; the run without it has this test")
	}
	all := realAsked(t)
	forwarded := make([]bool, len(all))
	f := newFixture(t, "")
	for i, a := range all {
		if r := a.request(); r != nil {
			verdict, _ := f.judge(r)
			forwarded[i] = verdict == passes
		}
	}
	for _, p := range parsers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for id, answers := range p.answers(t, all) {
				checkParser(t, id, all, forwarded, answers)
			}
		})
	}
}

// realAsked is what the parsers are asked: requests that the gateway forwards, mutated
// ones among them, any requests, and the hostile ones.
func realAsked(t *testing.T) []asked {
	all := append(passing(t, 2000), passingMutants(t, 1500)...)
	gen := rapid.Custom(genAsked)
	for i := range 2000 {
		all = append(all, gen.Example(i))
	}
	for _, name := range []string{"hostile.jsonl", "more.jsonl"} {
		for _, c := range cases(t, name) {
			r, err := parse(c.Raw)
			if err != nil || c.Fixture != "" || !strings.Contains(c.Raw, "api_web") {
				continue
			}
			_, body, _ := strings.Cut(c.Raw, "\r\n\r\n")
			if body == "" || isPlainForm(r) {
				all = append(all, asked{r.Method, r.URL.RawQuery, body, strings.Join(r.Header["Cookie"], "; ")})
			}
		}
	}
	return slices.DeleteFunc(all, func(a asked) bool {
		return strings.ContainsAny(a.query, " \r\n\t") || a.method == http.MethodConnect || a.method == http.MethodHead
	})
}

func isPlainForm(r *http.Request) bool {
	return r.ContentLength > 0 && r.Header.Get("Content-Encoding") == "" &&
		r.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
}

func checkParser(t *testing.T, id string, all []asked, forwarded []bool, answers [][]seen) {
	family, _, _ := strings.Cut(id, "/")
	if len(answers) != len(all) {
		t.Fatalf("%s answers %d of %d", id, len(answers), len(all))
	}
	if modelsOf[family] == nil {
		t.Errorf("%s has no model", family)
	}
	sends, refusals, foreign, example := 0, 0, 0, ""
	for i, views := range answers {
		a := all[i]
		modelled := modelViews(family, a)
		if len(views) == 0 {
			refusals++
		}
		for _, view := range views {
			if len(view.ofWeight()) > 0 && isASCII(a.query+a.body+a.cookie) && !slices.ContainsFunc(modelled, view.same) {
				if foreign++; foreign == 1 {
					example = fmt.Sprintf("\nfor one, %s ?%s\nCookie: %s\n%s\nreads %q", a.method, a.query, a.cookie, a.body, view)
				}
			}
			if !messages(view) {
				continue
			}
			sends++
			if forwarded[i] {
				t.Errorf("%s messages the opted-out pair\n%s ?%s\nCookie: %s\n%s\nreads %q", id, a.method, a.query, a.cookie, a.body, view)
			}
			if !slices.ContainsFunc(modelled, messages) {
				t.Errorf("%s messages the opted-out pair, its model does not\n%s ?%s\nCookie: %s\n%s\nreads %q", id, a.method, a.query, a.cookie, a.body, view)
			}
		}
	}
	// A view that is none of the model's is no fault by itself: another version may
	// join values in another order. That no send escapes has been held above.
	t.Logf("%s: %d requests, %d refused; %d views are sends to the opted-out pair; %d are no view of the model%s", id, len(all), refusals, sends, foreign, example)
}

func modelViews(family string, a asked) (views []seen) {
	for _, m := range models {
		if slices.Contains(modelsOf[family], m.name) {
			views = append(views, m.views(a)...)
		}
	}
	return views
}

// same reports whether two views say the same under the names that matter. It is
// not asked about raw bytes outside ASCII, which Starlette and Mono read as
// Latin-1: the models, which read UTF-8 there, see more digits than they do.
func (v seen) same(other seen) bool { return maps.Equal(v.ofWeight(), other.ofWeight()) }

// ofWeight leaves out what does not matter: other names, marks for what is no
// UTF-8, and the order of values that a list was joined from.
func (v seen) ofWeight() seen {
	view := seen{}
	for _, name := range []string{"c", "cmd", "r", "realm", "phone", "sender_code"} {
		if value, ok := v[name]; ok {
			value = strings.ReplaceAll(strings.ToValidUTF8(value, ""), "\ufffd", "")
			elements := strings.FieldsFunc(value, func(c rune) bool { return c == ',' })
			slices.Sort(elements)
			view[name] = strings.Join(elements, ",")
		}
	}
	return view
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

// answers are the views of each parser that the script knows.
func (p parser) answers(t *testing.T, all []asked) map[string][][]seen {
	if p.command == nil {
		return goAnswers(all)
	}
	command, err := p.command(t)
	if err != nil {
		t.Skipf("this parser is not installed: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+os.Getenv("NODE_PATH")+":/usr/share/nodejs")
	cmd.WaitDelay = 5 * time.Second
	if p.server {
		return serverAnswers(t, cmd, all)
	}
	return programAnswers(t, cmd, all)
}

// exitMissing is the status of a script that lacks the library it is about.
const exitMissing = 3

func programAnswers(t *testing.T, cmd *exec.Cmd, all []asked) map[string][][]seen {
	in := make([]map[string]string, len(all))
	for i, a := range all {
		in[i] = map[string]string{"method": a.method, "query": latin1(a.query), "body": latin1(a.body), "cookie": latin1(a.cookie)}
	}
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	if err != nil {
		if cmd.ProcessState.ExitCode() == exitMissing || strings.Contains(stderr.String(), "Can't locate CGI.pm") {
			t.Skip(stderr.String())
		}
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var answers map[string][][]seen
	if err := json.Unmarshal(output, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// serverAnswers starts a server, which prints its port and ends with its input, and
// asks it over its own connection about each request.
func serverAnswers(t *testing.T, cmd *exec.Cmd, all []asked) map[string][][]seen {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, printed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = printed, printed
	cmd.Cancel = stdin.Close
	err = cmd.Start()
	printed.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close()
		_ = cmd.Wait()
	}()
	port := ""
	var log strings.Builder
	lines := bufio.NewScanner(output)
	for port == "" && lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if m := portLine.FindStringSubmatch(lines.Text()); m != nil {
			port = m[1]
		}
	}
	if port == "" {
		t.Fatalf("it does not start: %s", log.String())
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return askEach(t, "127.0.0.1:"+port, all)
}

var portLine = regexp.MustCompile(`^(?:.*\(http://127\.0\.0\.1:)?(\d+)(?:\) started)?$`)

func askEach(t *testing.T, address string, all []asked) map[string][][]seen {
	each := make([]map[string][]seen, len(all))
	errs := make([]error, len(all))
	next := make(chan int)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for i := range next {
				each[i], errs[i] = askServer(address, all[i])
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	answers := map[string][][]seen{}
	for i, parsers := range each {
		for id, views := range parsers {
			if answers[id] == nil {
				answers[id] = make([][]seen, len(all))
			}
			answers[id][i] = views
		}
	}
	return answers
}

// askServer returns nothing for a request that the server answers with an error.
func askServer(address string, a asked) (answers map[string][]seen, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, strings.Replace(a.raw(), "\r\n", "\r\nConnection: close\r\n", 1)); err != nil {
		return nil, nil //nolint:nilerr // it has answered already, and closed
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, nil //nolint:nilerr // a refusal
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &answers); err != nil {
		return nil, fmt.Errorf("%w in %.200s", err, body)
	}
	return answers, nil
}

// goAnswers is what net/http makes of the requests.
func goAnswers(all []asked) map[string][][]seen {
	answers := make([][]seen, len(all))
	for i, a := range all {
		r := a.request()
		if r == nil {
			continue
		}
		_ = r.ParseForm() // an error leaves what could be parsed
		one := func(values map[string][]string) seen {
			view := seen{}
			for name := range values {
				view[name] = values[name][0]
			}
			return view
		}
		answers[i] = []seen{one(r.Form), one(r.PostForm), one(r.URL.Query())}
	}
	return map[string][][]seen{"go/net/http": answers}
}

// latin1 is s with each byte as one character.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func parserFile(name string) string { return filepath.Join("testdata", "parsers", name) }

// lookAny finds the first of some programs.
func lookAny(programs ...string) (string, error) {
	for _, program := range programs {
		if path, err := exec.LookPath(program); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not here", programs[0])
}

func script(file string, interpreters ...string) func(*testing.T) ([]string, error) {
	return func(*testing.T) ([]string, error) {
		path, err := lookAny(interpreters...)
		return []string{path, parserFile(file)}, err
	}
}

// phpCommand runs PHP's own server, without a php.ini, until the input ends.
func phpCommand(*testing.T) ([]string, error) {
	php, err := lookAny("php", "php8.4", "php8.3", "php8.2")
	if err != nil {
		return nil, err
	}
	const guard = `"$@" & server=$!; cat >/dev/null; kill "$server"`
	return []string{"sh", "-c", guard, "php", php, "-n", "-d", "display_errors=0", "-d", "html_errors=0", "-S", "127.0.0.1:0", parserFile("php.php")}, nil
}

// pythonCommand is the interpreter that sees most of the libraries: a
// distribution's packages are seen by the distribution's own alone.
func pythonCommand(t *testing.T) ([]string, error) {
	best, most := "", -1
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(candidate)
		if err != nil {
			continue
		}
		found := 0
		for _, library := range []string{"werkzeug", "django", "starlette"} {
			if exec.CommandContext(t.Context(), path, "-c", "import "+library).Run() == nil {
				found++
			}
		}
		if found > most {
			best, most = path, found
		}
	}
	if best == "" {
		return nil, errors.New("python3 is not here")
	}
	return []string{best, parserFile("python.py")}, nil
}

// java runs a source file with a distribution's jars.
func java(file, class string, jars ...string) func(*testing.T) ([]string, error) {
	return func(*testing.T) ([]string, error) {
		if _, err := lookAny("javac"); err != nil {
			return nil, err
		}
		path, err := lookAny("java")
		if err != nil {
			return nil, err
		}
		var classPath []string
		for _, pattern := range jars {
			found, _ := filepath.Glob(filepath.Join("/usr/share/java", pattern))
			if found == nil {
				return nil, fmt.Errorf("%s is not here", class)
			}
			classPath = append(classPath, found...)
		}
		return []string{path, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", strings.Join(classPath, ":"), parserFile(file)}, nil
	}
}

func aspNetCommand(t *testing.T) ([]string, error) {
	compiler, err := lookAny("mcs")
	if err != nil {
		return nil, err
	}
	mono, err := lookAny("mono")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(t.TempDir(), "aspnet.exe")
	build := exec.CommandContext(t.Context(), compiler, "-out:"+program, "-r:System.Web.dll", "-r:System.Web.Extensions.dll", parserFile("AspNet.cs"))
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("System.Web is not here: %s", output)
	}
	return []string{mono, program}, nil
}
