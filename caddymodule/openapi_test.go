package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
)

// openAPI is docs/openapi.yaml.
type openAPI map[string]any

func readOpenAPI(t *testing.T) openAPI {
	t.Helper()
	text, err := os.ReadFile("../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// at follows names and references.
func (d openAPI) at(v any, path ...string) any {
	for i := 0; ; i++ {
		m, _ := v.(map[string]any)
		if ref, ok := m["$ref"].(string); ok {
			v = d.at(map[string]any(d), strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			m, _ = v.(map[string]any)
		}
		if i == len(path) {
			return v
		}
		v = m[path[i]]
	}
}

func (d openAPI) keys(v any, path ...string) []string {
	m, _ := d.at(v, path...).(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// TestOpenAPIRoutes wants the routes that are described to be those that there are.
func TestOpenAPIRoutes(t *testing.T) {
	t.Parallel()
	doc := readOpenAPI(t)
	var described, served []string
	for _, path := range doc.keys(map[string]any(doc), "paths") {
		for _, method := range doc.keys(map[string]any(doc), "paths", path) {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	served = append(served, "GET /health")
	for path, methods := range adminRoutes() {
		for method := range methods {
			served = append(served, method+" /"+path)
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described: %q\nserved: %q", described, served)
	}
	presets := fmt.Sprint(listfile.PresetNames())
	for _, p := range doc.at(map[string]any(doc), "paths", "/import", "post", "parameters").([]any) {
		if doc.at(p, "name") == "from" && fmt.Sprint(doc.at(p, "schema", "enum")) != presets {
			t.Errorf("presets: %v, there are %s", doc.at(p, "schema", "enum"), presets)
		}
	}
}

// TestOpenAPIFields wants the fields that are described to be those of the types.
func TestOpenAPIFields(t *testing.T) {
	t.Parallel()
	doc := readOpenAPI(t)
	for name, v := range map[string]any{
		"Question": operate.Question{}, "Order": operate.Order{}, "Answer": operate.Answer{}, "Optout": operate.Optout{}, "Event": operate.Event{},
		"Report": operate.Report{}, "Stats": operate.Stats{}, "Health": listHealth{}, "Verification": verification{},
		"RelayOrder": operate.RelayOrder{}, "RelayStatus": relayStatus{}, "Dropped": dropped{},
	} {
		var fields []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != "" && tag != "-" {
				fields = append(fields, tag)
			}
		}
		slices.Sort(fields)
		if described := doc.keys(map[string]any(doc), "components", "schemas", name, "properties"); !slices.Equal(described, fields) {
			t.Errorf("%s: described %q, there are %q", name, described, fields)
		}
	}
}

// fits reports what of v is not as a schema says.
func (d openAPI) fits(schema, v any) string {
	s, _ := d.at(schema).(map[string]any)
	kinds := []any{s["type"]}
	if several, ok := s["type"].([]any); ok {
		kinds = several
	}
	kind := map[bool]string{true: "null"}[v == nil]
	switch v := v.(type) {
	case map[string]any:
		kind = "object"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			p := d.at(s, "properties", name)
			if p == nil {
				return name + " is not described"
			}
			if fault := d.fits(p, v[name]); fault != "" {
				return name + ": " + fault
			}
		}
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, there := v[name.(string)]; !there {
				return fmt.Sprint(name, " is missing")
			}
		}
	case []any:
		kind = "array"
		for _, e := range v {
			if fault := d.fits(s["items"], e); fault != "" {
				return fault
			}
		}
	case string:
		kind = "string"
		if allowed, ok := s["enum"].([]any); ok && !slices.Contains(allowed, any(v)) {
			return v + " is not among what is allowed"
		}
	case bool:
		kind = "boolean"
	case float64:
		kind = "integer"
	}
	if !slices.Contains(kinds, any(kind)) {
		return fmt.Sprintf("it is %s, described as %v", kind, kinds)
	}
	return ""
}

// TestOpenAPIAnswers provokes every answer that is described, and wants each to be
// as described.
func TestOpenAPIAnswers(t *testing.T) {
	doc := readOpenAPI(t)
	name, store := newTestStore(t)
	g := startAdmin(t, nil, options{})
	met := map[string]bool{}
	ask := func(method, path, body string, headers ...string) {
		t.Helper()
		r := g.ask(method, "/sms_optout"+path, body, headers...)
		route, _, _ := strings.Cut(path, "?")
		key := fmt.Sprintf("%s %s %d", method, route, r.Status)
		met[key] = true
		answer := doc.at(map[string]any(doc), "paths", route, strings.ToLower(method), "responses", fmt.Sprint(r.Status))
		kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		schema := doc.at(answer, "content", kind, "schema")
		if schema == nil {
			t.Errorf("%s, %s, is not described: %s", key, kind, r.Body)
			return
		}
		lines := []string{r.Body}
		switch kind {
		case "application/x-ndjson":
			if route == "/export" {
				return
			}
			lines = strings.Split(strings.TrimSpace(r.Body), "\n")
		case "application/json":
		default:
			return
		}
		for _, line := range lines {
			var v any
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Errorf("%s: %v: %s", key, err, line)
			} else if fault := doc.fits(schema, v); fault != "" {
				t.Errorf("%s: %s: %s", key, fault, line)
			}
		}
	}
	const pair = `"realm":"myrealm","sender":"1","phone":"12065551212"`
	reads := []string{"/check?realm=myrealm&phone=12065551212", "/history?phone=12065551212", "/optouts", "/export", "/export?format=ndjson", "/stats", "/verify", "/backup", "/health"}
	writes := map[string]string{"/check": `{"realm":"myrealm","phone":"12065551212"}`, "/history": `{"phone":"12065551212"}`, "/optouts": `{` + pair + `}`, "/lifts": `{` + pair + `,"reason":"x"}`}
	round := func() {
		t.Helper()
		for _, path := range reads {
			ask("GET", path, "")
		}
		for _, path := range []string{"/optouts", "/check", "/history", "/lifts"} {
			ask("POST", path, writes[path])
		}
		ask("POST", "/import", `{`+pair+`}`, "Content-Type", "application/x-ndjson")
	}
	round() // of an empty list
	round()
	ask("POST", "/import?dry_run=true", "realm,sender,phone\nmyrealm,2,12065551212\nmyrealm,2,x\n", "Content-Type", "text/csv")
	ask("GET", "/optouts?limit=1", "")
	ask("POST", "/lifts", `{`+pair+`,"reason":"x","seen":99}`)
	ask("POST", "/lifts", `{`+pair+`,"reason":"x"}`)
	ask("POST", "/lifts", `{`+pair+`,"reason":"x"}`)
	for _, path := range reads {
		ask("GET", path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+"nonsense=1", "")
	}
	for path := range writes {
		ask("POST", path, "{")
		ask("POST", path, "{}", "Content-Type", "text/plain")
		ask("POST", path, `{"phone":"`+strings.Repeat("1", maxAdminBody)+`"}`)
	}
	ask("POST", "/import", "x", "Content-Type", "text/csv")
	ask("POST", "/import", "x", "Content-Type", "text/html")

	failing := g.o
	failing.store = "test " + name
	g.reload(failing)
	store.Set(storetest.Fault{Err: optoutstore.ErrUnavailable}, storetest.MethodLookup, storetest.MethodHistory, storetest.MethodStates, storetest.MethodOptOut,
		storetest.MethodLift, storetest.MethodImport, storetest.MethodStats)
	store.SetHealth(&optoutstore.Health{Reason: "for a test"})
	round()
	store.Set(storetest.Fault{Err: optoutstore.ErrNoSpace}, storetest.MethodOptOut, storetest.MethodLift, storetest.MethodImport)
	round()
	g.mustLoad("{\n admin " + g.admin + "\n persist_config off\n}\n")
	round()

	// Not provoked: one takes 30 seconds, the others need a store that closes.
	left := []string{"POST /import 408", "GET /verify 503", "GET /backup 503"}
	for _, path := range doc.keys(map[string]any(doc), "paths") {
		if strings.HasPrefix(path, "/relay") {
			continue // the relay's own tests provoke its answers
		}
		for _, method := range doc.keys(map[string]any(doc), "paths", path) {
			for _, status := range doc.keys(map[string]any(doc), "paths", path, method, "responses") {
				key := strings.ToUpper(method) + " " + path + " " + status
				if !met[key] && !slices.Contains(left, key) {
					t.Errorf("%s is described, and never came", key)
				}
			}
		}
	}
}
