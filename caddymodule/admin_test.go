package caddymodule

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
)

// adminGateway is a gateway whose admin endpoint is open.
type adminGateway struct {
	*gateway
	admin string // host:port
	o     options
}

// startAdmin starts a gateway with its admin endpoint on a random port.
func startAdmin(tb testing.TB, b *backend, o options) *adminGateway {
	tb.Helper()
	o.admin = freeAddr(tb)
	if b != nil {
		o.backend = b.addr
	}
	if o.backend == "" {
		o.backend = "127.0.0.1:9"
	}
	return &adminGateway{gateway: startGateway(tb, nil, o), admin: o.admin, o: o}
}

// ask sends a request to the admin endpoint. Headers are names and values.
func (g *adminGateway) ask(method, path, body string, headers ...string) reply {
	g.tb.Helper()
	req, err := http.NewRequestWithContext(g.tb.Context(), method, "http://"+g.admin+path, strings.NewReader(body))
	if err != nil {
		g.tb.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := plainClient.Do(req)
	for range 4 { // for a moment after a load, the endpoint that Caddy is stopping may still accept
		if err == nil || method != http.MethodGet {
			break
		}
		resp, err = plainClient.Do(req)
	}
	if err != nil {
		g.tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.tb.Fatal(err)
	}
	g.wantNotKept(method+" "+path, resp)
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// wantNotKept asserts that no cache keeps an answer of the routes. Before them Caddy
// itself answers those who may not ask.
func (g *adminGateway) wantNotKept(about string, resp *http.Response) {
	g.tb.Helper()
	if !strings.Contains(about, adminBase) || resp.StatusCode == http.StatusForbidden {
		return
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := resp.Header.Values(name); len(got) != 1 || got[0] != want {
			g.tb.Errorf("%s: status %d with %s %q, want %q", about, resp.StatusCode, name, got, want)
		}
	}
}

// plainClient keeps no connection, for the endpoint is another one after a load.
var plainClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// asked is ask for an answer of a status, decoded.
func asked[T any](g *adminGateway, status int, method, path, body string, headers ...string) (v T) {
	g.tb.Helper()
	r := g.ask(method, path, body, headers...)
	if r.Status != status {
		g.tb.Fatalf("%s %s: status %d, want %d: %s", method, path, r.Status, status, r.Body)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		g.tb.Errorf("%s %s: Content-Type %q", method, path, kind)
	}
	if err := json.Unmarshal([]byte(r.Body), &v); err != nil {
		g.tb.Fatalf("%s %s: %v: %s", method, path, err, r.Body)
	}
	return v
}

type listed struct {
	Optouts []operate.Optout `json:"optouts"`
	Cursor  string           `json:"cursor"`
}

type events struct {
	Events []operate.Event `json:"events"`
}

// TestAdminVerbs leads an opt-out through its life by the admin API, and looks at
// what sends get meanwhile.
func TestAdminVerbs(t *testing.T) {
	b := newBackend(t)
	g := startAdmin(t, b, options{})
	const about = `"realm":"MyRealm","sender":"+1 201 627 01555","phone":"+1 (206) 555-1212"`
	pair := strings.Replace(about, "+1 201 627 01555", testSender, 1)
	question := "/sms_optout/check?realm=myrealm&sender=120162701555&phone=2065551212"

	if a := asked[operate.Answer](g, 200, "GET", question, ""); !a.May || a.Optout != nil || a.Phone != testPhone {
		t.Errorf("before: %+v", a)
	}
	g.wantForwarded(b, testPhone)

	e := asked[operate.Event](g, 201, "POST", "/sms_optout/optouts", `{`+pair+`,"at":"2026-01-31T09:30:00.123456Z","reason":"a letter"}`,
		headerActor, "ann", headerRequestID, "r-1")
	want := operate.Event{Event: 1, Kind: "opted_out", Realm: "myrealm", Sender: testSender, Phone: testPhone, At: e.At, Recorded: e.Recorded,
		Source: "admin", Reason: "a letter", Actor: "ann", Remote: "127.0.0.1", RequestID: "r-1"}
	if e != want || e.At.String() != "2026-01-31T09:30:00.123456Z" || e.Recorded.Before(e.At.Time) {
		t.Errorf("added: %+v", e)
	}
	g.wantBlocked(b, testPhone)
	a := asked[operate.Answer](g, 200, "GET", question, "")
	if a.May || a.Scope != operate.ScopePair || a.Optout == nil || a.Optout.Event != 1 || a.Optout.Reason != "a letter" || a.Optout.Source != "admin" {
		t.Errorf("after: %+v", a)
	}
	if posted := asked[operate.Answer](g, 200, "POST", "/sms_optout/check", `{"realm":"myrealm","phone":"12065551212"}`); posted.May || posted.Sender != "" {
		t.Errorf("asked by POST, about any sender: %+v", posted)
	}
	if l := asked[listed](g, 200, "GET", "/sms_optout/optouts?realm=myrealm", ""); len(l.Optouts) != 1 || l.Optouts[0] != *a.Optout {
		t.Errorf("listed: %+v", l)
	}
	if l := asked[listed](g, 200, "GET", "/sms_optout/optouts?realm=other", ""); l.Optouts == nil || len(l.Optouts) != 0 {
		t.Errorf("listed of another realm: %+v", l)
	}

	if e := asked[operate.Event](g, 201, "POST", "/sms_optout/lifts", `{`+pair+`,"reason":"asked for it"}`, headerSource, "cli"); e.Kind != "lifted" || e.Source != "cli" || e.RequestID == "" {
		t.Errorf("lifted: %+v", e)
	}
	g.wantForwarded(b, testPhone)
	if h := asked[events](g, 200, "GET", "/sms_optout/history?phone=12065551212&realm=myrealm", ""); len(h.Events) != 2 || h.Events[0] != want {
		t.Errorf("history: %+v", h)
	}
	if h := asked[events](g, 200, "POST", "/sms_optout/history", `{"phone":"13105550000"}`); h.Events == nil || len(h.Events) != 0 {
		t.Errorf("history of another phone: %+v", h)
	}
	if h := asked[listHealth](g, 200, "GET", "/sms_optout/health", ""); h != (listHealth{Readable: true, Writable: true, InMemory: true, Events: 2, Applied: 2}) {
		t.Errorf("health: %+v", h)
	}
}

// TestAdminScopes wants the wide scopes to count in every question.
func TestAdminScopes(t *testing.T) {
	g := startAdmin(t, nil, options{})
	for _, c := range []struct{ realm, sender, phone, scope string }{
		{"myrealm", testSender, "12065550101", operate.ScopePair},
		{"myrealm", "*", "12065550102", operate.ScopeEverySender},
		{"*", testSender, "12065550103", operate.ScopeEveryRealm},
		{"*", "*", "12065550104", operate.ScopeEverything},
	} {
		asked[operate.Event](g, 201, "POST", "/sms_optout/optouts", `{"realm":"`+c.realm+`","sender":"`+c.sender+`","phone":"`+c.phone+`"}`)
		a := asked[operate.Answer](g, 200, "GET", "/sms_optout/check?realm=myrealm&sender="+testSender+"&phone="+c.phone, "")
		if a.May || a.Scope != c.scope {
			t.Errorf("%s: %+v", c.scope, a)
		}
		if h := asked[events](g, 200, "GET", "/sms_optout/history?realm=myrealm&sender="+testSender+"&phone="+c.phone, ""); len(h.Events) != 1 {
			t.Errorf("%s: history %+v", c.scope, h)
		}
	}
}

// TestAdminRefuses has what can be written wrongly, and wants a status that fits,
// an error as Caddy's own, and no phone in it.
func TestAdminRefuses(t *testing.T) {
	g := startAdmin(t, nil, options{})
	long := strings.Repeat("x", 200)
	order := func(more string) string {
		return `{"realm":"myrealm","sender":"120162701555","phone":"14155550142"` + more + `}`
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		says               string
		headers            []string
	}{
		"no such route":             {"GET", "nothing", "", 404, "no such resource", nil},
		"the base":                  {"GET", "", "", 404, "no such resource", nil},
		"method of check":           {"DELETE", "check", "", 405, "use GET or POST", nil},
		"method of lifts":           {"GET", "lifts", "", 405, "use POST", nil},
		"method of health":          {"POST", "health", "", 405, "use GET", nil},
		"an argument for health":    {"GET", "health?x=1", "", 400, "no arguments", nil},
		"an unknown argument":       {"GET", "check?realm=myrealm&fone=14155550142", "", 400, "not known; there are realm, sender, phone", nil},
		"an argument twice":         {"GET", "check?realm=myrealm&phone=1&phone=14155550142", "", 400, "phone is given more than once", nil},
		"a malformed query":         {"GET", "check?realm=%zz", "", 400, "not well-formed", nil},
		"no phone":                  {"GET", "check?realm=myrealm", "", 400, "phone is missing", nil},
		"no realm":                  {"GET", "check?phone=14155550142", "", 400, "realm is missing", nil},
		"a phone with letters":      {"GET", "check?realm=myrealm&phone=14155550142x", "", 400, "phone cannot be read", nil},
		"an impossible phone":       {"GET", "history?phone=1415", "", 400, "phone has a length that is not possible", nil},
		"every realm in a check":    {"GET", "check?realm=*&phone=14155550142", "", 400, "realm '*' stands for all", nil},
		"every sender in a check":   {"GET", "check?realm=a&sender=*&phone=14155550142", "", 400, "sender '*' stands for all", nil},
		"a long realm":              {"GET", "check?realm=" + long + "&phone=14155550142", "", 400, "realm is too long", nil},
		"a realm of another code":   {"GET", "check?realm=%E9&phone=14155550142", "", 400, "realm is not UTF-8", nil},
		"a sender that is none":     {"GET", "check?realm=a&sender=%3F%3F&phone=14155550142", "", 400, "sender is neither", nil},
		"a long sender":             {"GET", "check?realm=a&sender=" + long + "&phone=14155550142", "", 400, "sender is too long", nil},
		"a time":                    {"GET", "optouts?since=yesterday", "", 400, "since is not a time", nil},
		"a filter":                  {"GET", "optouts?sendr=1", "", 400, "not known", nil},
		"no body":                   {"POST", "optouts", "", 415, "application/json", nil},
		"a form":                    {"POST", "optouts", "phone=14155550142", 415, "application/json", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"no JSON":                   {"POST", "optouts", "phone=14155550142", 400, "fault is at byte", nil},
		"JSON that ends early":      {"POST", "optouts", `{"realm":"14155550142`, 400, "ends early", nil},
		"two objects":               {"POST", "optouts", order("") + order(""), 400, "more behind it", nil},
		"an unknown field":          {"POST", "optouts", order(`,"14155550142":1`), 400, "not known", nil},
		"a field of another type":   {"POST", "optouts", order(`,"reason":["14155550142"]`), 400, "reason is of another type", nil},
		"a list":                    {"POST", "optouts", `["14155550142"]`, 400, "of another type", nil},
		"arguments beside a body":   {"POST", "optouts?phone=14155550142", order(""), 400, "no arguments", nil},
		"no sender":                 {"POST", "optouts", `{"realm":"myrealm","phone":"14155550142"}`, 400, "sender is missing", nil},
		"a time that is none":       {"POST", "optouts", order(`,"at":"14155550142"`), 400, "at is not a time", nil},
		"a time to come":            {"POST", "optouts", order(`,"at":"9999-01-01"`), 400, "at is in the future", nil},
		"a long reason":             {"POST", "optouts", order(`,"reason":"` + strings.Repeat(long, 6) + `"`), 400, "reason has 1200 bytes, at most 1024", nil},
		"a reason of another code":  {"POST", "optouts", order(`,"reason":"` + "\xff" + `"`), 400, "not UTF-8", nil},
		"a long source of all rows": {"POST", "import?source=" + long, "realm,sender,phone\nmyrealm,1,14155550142\n", 400, "source has 200 bytes", []string{"Content-Type", "text/csv"}},
		"a format that is none":     {"GET", "export?format=xml", "", 400, "format is neither csv nor ndjson", nil},
		"a reason with a NUL":       {"POST", "optouts", order(`,"reason":"\u0000"`), 400, "reason holds characters", nil},
		"a body too large":          {"POST", "optouts", order(`,"reason":"` + strings.Repeat(long, 400) + `"`), 413, "longer than 65536", nil},
		"seen with an opt-out":      {"POST", "optouts", order(`,"seen":1`), 400, "seen belongs to a lift", nil},
		"a lift without a reason":   {"POST", "lifts", order(""), 400, "reason is missing", nil},
		"a lift of nothing":         {"POST", "lifts", order(`,"reason":"x"`), 404, "has not opted out", nil},
		"a source":                  {"POST", "optouts", order(""), 400, "use admin or cli", []string{headerSource, "api_web"}},
		"a long actor":              {"POST", "optouts", order(""), 400, "actor has 200 bytes", []string{headerActor, long}},
		"a long request ID":         {"POST", "optouts", order(""), 400, "request ID has 200 bytes", []string{headerRequestID, long}},
		"another site's page":       {"POST", "optouts", order(""), 403, "not allowed", []string{"Origin", "https://evil.example"}},
		"another host's name":       {"GET", "optouts", "", 403, "host not allowed", []string{"Host", "evil.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.ask(c.method, "/sms_optout/"+c.path, c.body, c.headers...)
			var answer map[string]string
			if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || len(answer) != 1 {
				t.Fatalf("not an error as Caddy's: %v %s", err, r.Body)
			}
			if r.Status != c.status || !strings.Contains(answer["error"], c.says) {
				t.Errorf("%d %q; want %d and %q", r.Status, answer["error"], c.status, c.says)
			}
			if strings.Contains(r.Body, "4155550142") {
				t.Errorf("it shows the phone: %s", r.Body)
			}
			if c.status == 405 && r.Header.Get("Allow") == "" {
				t.Error("no Allow")
			}
		})
	}
	if h := asked[listHealth](g, 200, "GET", "/sms_optout/health", ""); h.Events != 0 {
		t.Errorf("%d events were recorded", h.Events)
	}
}

// TestAdminStoreErrors wants each error of the list to become a status that fits,
// and the health to say so.
func TestAdminStoreErrors(t *testing.T) {
	name, store := newTestStore(t)
	g := startAdmin(t, nil, options{store: "test " + name})
	const order = `{"realm":"myrealm","sender":"120162701555","phone":"14155550142","reason":"x"}`
	for err, status := range map[error]int{
		optoutstore.ErrNoSpace:     507,
		optoutstore.ErrBusy:        503,
		optoutstore.ErrNotReady:    503,
		optoutstore.ErrUnavailable: 503,
		optoutstore.ErrClosed:      503,
		optoutstore.ErrInvalid:     400,
		optoutstore.ErrChanged:     409,
		io.ErrUnexpectedEOF:        500,
	} {
		store.Set(storetest.Fault{Err: err})
		for _, q := range []struct{ method, path, body string }{
			{"POST", "optouts", order}, {"POST", "lifts", order}, {"GET", "optouts", ""},
			{"GET", "check?realm=myrealm&phone=14155550142", ""}, {"GET", "history?phone=14155550142", ""},
		} {
			if r := g.ask(q.method, "/sms_optout/"+q.path, q.body); r.Status != status || !strings.Contains(r.Body, err.Error()) {
				t.Errorf("%v: %s %s: %d %s, want %d", err, q.method, q.path, r.Status, r.Body, status)
			}
		}
	}
	store.SetHealth(&optoutstore.Health{Readable: true, Reason: "the disk is full", Events: 7, Applied: 7})
	if h := asked[listHealth](g, 503, "GET", "/sms_optout/health", ""); h != (listHealth{Readable: true, Error: "the disk is full", Events: 7, Applied: 7}) {
		t.Errorf("health: %+v", h)
	}
	store.SetHealth(&optoutstore.Health{Readable: true, Writable: true, Damaged: true, Reason: "segment 3 is damaged"})
	if h := asked[listHealth](g, 200, "GET", "/sms_optout/health", ""); h != (listHealth{Readable: true, Writable: true, Damaged: true, Error: "segment 3 is damaged"}) {
		t.Errorf("health of a damaged journal: %+v", h)
	}
}

// TestAdminFindsTheList wants the routes to use the list of the configuration in
// force. After a load that failed, Caddy answers with the failed one's routers.
func TestAdminFindsTheList(t *testing.T) {
	g := startAdmin(t, nil, options{})
	asked[operate.Event](g, 201, "POST", "/sms_optout/optouts", `{"realm":"myrealm","sender":"1","phone":"14155550142"}`)
	for name, bad := range map[string]options{
		"a store that does not open": {store: "test no-such-store"},
		"another app that fails":     {store: "badger " + filepath.Join(t.TempDir(), "other"), caddy: "pki {\n ca {\n root {\n format pem_file\n cert /nowhere\n key /nowhere\n }\n }\n }"},
	} {
		bad.admin, bad.backend = g.admin, g.o.backend
		if err := g.load(g.caddyfile(bad)); err == nil {
			t.Fatalf("%s: it loads", name)
		}
		if h := asked[listHealth](g, 200, "GET", "/sms_optout/health", ""); h.Events != 1 {
			t.Errorf("%s: %+v", name, h)
		}
		if l := asked[listed](g, 200, "GET", "/sms_optout/optouts", ""); len(l.Optouts) != 1 {
			t.Errorf("%s: %+v", name, l)
		}
	}
	// Another store, and none at all.
	other := g.o
	other.store = "badger " + filepath.Join(t.TempDir(), "other")
	g.reload(other)
	if h := asked[listHealth](g, 200, "GET", "/sms_optout/health", ""); h.Events != 0 {
		t.Errorf("after a reload with another store: %+v", h)
	}
	g.mustLoad("{\n admin " + g.admin + "\n persist_config off\n}\n")
	if r := g.ask("GET", "/sms_optout/optouts", ""); r.Status != 404 || !strings.Contains(r.Body, "has no sms_optout") {
		t.Errorf("without a list: %d %s", r.Status, r.Body)
	}
	if r := g.ask("GET", "/sms_optout/health", ""); r.Status != 503 || !strings.Contains(r.Body, "has no sms_optout") {
		t.Errorf("health without a list: %d %s", r.Status, r.Body)
	}
}

// TestAdminMetrics wants the figures on the admin endpoint whatever the last load
// came to: one that fails before the app is provisioned must not take them away.
func TestAdminMetrics(t *testing.T) {
	g := startAdmin(t, nil, options{global: "metrics_realm on"})
	asked[operate.Event](g, 201, "POST", "/sms_optout/optouts", `{"realm":"myrealm","sender":"1","phone":"14155550142"}`)
	want := func(name string, present bool) {
		t.Helper()
		r := g.ask("GET", "/metrics", "")
		for _, line := range []string{
			"\n" + metricPrefix + "build_info{",
			"\n" + metricPrefix + `opt_outs_in_force{realm="myrealm"} 1` + "\n",
			"\n" + metricPrefix + `requests_total{call="stop",outcome="recorded",realm="myrealm"} `,
		} {
			if r.Status != 200 || strings.Count(r.Body, line) != map[bool]int{true: 1}[present] {
				t.Errorf("%s: %q is there %d times, status %d", name, line, strings.Count(r.Body, line), r.Status)
			}
		}
	}
	want("at first", true)
	for name, bad := range map[string]options{
		"a store that does not open": {store: "test no-such-store", global: "metrics_realm on"},
		"a bad hash":                 {realms: "realm myrealm nonsense"},
		"another app that fails":     {caddy: "pki {\n ca {\n root {\n format pem_file\n cert /nowhere\n key /nowhere\n }\n }\n }", global: "metrics_realm on"},
	} {
		bad.admin, bad.backend = g.admin, g.o.backend
		for range 3 { // Caddy provisions the apps in no order
			if err := g.load(g.caddyfile(bad)); err == nil {
				t.Fatalf("%s: it loads", name)
			}
			want(name, true)
		}
	}
	g.reload(g.o)
	want("after a load that succeeds", true)
	g.mustLoad("{\n admin " + g.admin + "\n persist_config off\n}\n")
	want("without a list", false)
	standbys.Range(func(_, s any) bool {
		if s.(*standby).relieved.Load() {
			t.Error("a stand-in is kept that was relieved")
		}
		return true
	})
}

// TestCommandPrivacy wants no phone in Caddy's log from the command's use of the
// admin API: Caddy logs the URI and the headers of each request to it.
func TestCommandPrivacy(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	g := startAdmin(t, nil, options{caddy: "debug\nlog {\n output file " + log + "\n}"})
	d := withDoor{t, []string{"--address", g.admin}}
	pair := []string{heldPhone, "--realm", "myrealm", "--sender", testSender}
	d.want(0, "recorded", append([]string{"add"}, pair...)...)
	d.want(10, "no:", append([]string{"check"}, pair...)...)
	d.want(0, "lifted", append([]string{"lift", "--reason", "x"}, pair...)...)
	d.refuses("has not opted out", append([]string{"lift", "--reason", "x"}, pair...)...)
	d.want(0, "opted_out", "history", heldPhone)
	d.want(0, "", "list")
	d.refuses("phone cannot be read", "check", heldPhone+"x", "--realm", "myrealm")
	g.mustLoad("{\n admin off\n persist_config off\n}\n") // closes the file
	text := tail(t, log)
	if !strings.Contains(text, "/sms_optout/history") {
		t.Fatal("the requests are not in the log")
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, heldPhone) {
			t.Errorf("the phone is in the log: %s", line)
		}
	}
}
