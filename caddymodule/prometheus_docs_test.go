package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metricNames are the names of all metrics of this module.
func metricNames(t *testing.T) []string {
	t.Helper()
	app := &App{accounts: new(accounts)}
	descs := make(chan *prometheus.Desc, 100)
	for _, c := range append([]prometheus.Collector{newAppCollector(app)}, meters.collectors...) {
		c.Describe(descs)
	}
	close(descs)
	var names []string
	for d := range descs {
		_, name, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		names = append(names, name)
	}
	return names
}

var metricInText = regexp.MustCompile(`caddy_sms_optout_[a-z_]*[a-z]`)

// wantMetrics asserts that a query asks for metrics, and only for such as exist.
func wantMetrics(t *testing.T, where, query string) {
	t.Helper()
	known := metricNames(t)
	asked := metricInText.FindAllString(query, -1)
	if len(asked) == 0 {
		t.Errorf("%s asks for no metric of ours: %s", where, query)
	}
	for _, name := range asked {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !slices.Contains(known, name) && !slices.Contains(known, base) {
			t.Errorf("%s asks for %s, which does not exist: %s", where, name, query)
		}
	}
}

// panelQuery is a query of the dashboard as Grafana would ask it.
type panelQuery struct{ Panel, Query string }

// dashboardQueries reads the queries of the dashboard.
func dashboardQueries(t *testing.T) (queries []panelQuery) {
	t.Helper()
	content, err := os.ReadFile("../docs/grafana/stopgate.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			query := strings.NewReplacer("$job", ".*", "$__rate_interval", "1m").Replace(target.Expr)
			if strings.Contains(query, "$") {
				t.Errorf("the panel %q has a variable that is not known here: %s", p.Title, query)
			}
			queries = append(queries, panelQuery{p.Title, query})
		}
	}
	return queries
}

// Each panel asks for metrics that exist, in PromQL that parses.
func TestDashboard(t *testing.T) {
	t.Parallel()
	rules := "groups:\n- name: dashboard\n  rules:\n"
	for i, q := range dashboardQueries(t) {
		wantMetrics(t, "the panel "+q.Panel, q.Query)
		quoted, err := json.Marshal(q.Query)
		if err != nil {
			t.Fatal(err)
		}
		rules += fmt.Sprintf("  - record: panel:%d\n    expr: %s\n", i, quoted)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

// Every alert asks for metrics that exist, fires when it should, and is described
// for who is woken by it.
func TestAlerts(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("../docs/alerts/stopgate.yml")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../docs/alerts/*_test.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	var tests string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests += string(content)
	}
	operations := operationsText(t)
	alerts := strings.Split(string(rules), "- alert: ")[1:]
	if len(alerts) < 10 {
		t.Fatalf("%d alerts", len(alerts))
	}
	for _, text := range alerts {
		name, rule, _ := strings.Cut(text, "\n")
		expr, _, _ := strings.Cut(rule, "labels:")
		wantMetrics(t, name, expr)
		if !strings.Contains(operations, "`"+name+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", name)
		}
		if !strings.Contains(tests, "alertname: "+name) {
			t.Errorf("%s is not tested", name)
		}
	}
	promtool(t, "check", "rules", "../docs/alerts/stopgate.yml")
	promtool(t, append([]string{"test", "rules"}, files...)...)
}

// Every metric is described, and what is described exists.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	operations := operationsText(t)
	for _, name := range metricNames(t) {
		if !strings.Contains(operations, "`"+name+"`") && !strings.Contains(operations, "| `"+strings.TrimPrefix(name, metricPrefix)+"`") {
			t.Errorf("docs/operations.md does not describe %s", name)
		}
	}
	for _, name := range metricInText.FindAllString(operations, -1) {
		wantMetrics(t, "docs/operations.md", name)
	}
}

func operationsText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// promtool runs Prometheus' own checks, where it is installed, as a test of its own: what
// was not run is listed as skipped, not counted as passed.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	t.Run("promtool "+args[0]+" "+args[1], func(t *testing.T) {
		path, err := exec.LookPath("promtool")
		if err != nil {
			t.Skip("promtool is not installed")
		}
		if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	})
}

// The unit file is one that systemd takes.
func TestUnitFile(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	unit, err := os.ReadFile("../docs/deploy/stopgate.service")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "stopgate.service")
	here := strings.ReplaceAll(string(unit), "/usr/local/bin/caddy-stopgate", "/bin/true")
	if err := os.WriteFile(file, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "stopgate.service") { // others' units are not ours to mend
			t.Errorf("%v: %s", err, line)
		}
	}
}

// docs/operations.md prints the commands for the unit with its program, user, socket and
// directories.
func TestUnitCommands(t *testing.T) {
	t.Parallel()
	unit := document(t, "../docs/deploy/stopgate.service")
	box := section(t, operationsText(t), "### If you use the unit")
	for what, form := range map[string]string{
		"the program":            `ExecStart=/usr/local/bin/(\S+)`,
		"the user":               `User=(\S+)`,
		"the admin endpoint":     `--address (\S+)`,
		"Caddy's data":           `Environment=(XDG_DATA_HOME=\S+)`,
		"the list":               `store badger ([^,\s]+)`,
		"the admin API's socket": `admin unix/(\S+\.sock)`,
	} {
		m := regexp.MustCompile(form).FindStringSubmatch(unit)
		if m == nil {
			t.Errorf("the unit does not name %s", what)
		} else if !strings.Contains(box, m[1]) {
			t.Errorf("docs/operations.md does not name %s of the unit: %s", what, m[1])
		}
	}
}
