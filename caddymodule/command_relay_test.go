package caddymodule

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

func TestRelayCommand(t *testing.T) {
	b := newBackend(t)
	b.answerStops(func(form url.Values) (int, string) {
		if form.Get("p") != relayPassword {
			return 200, "FAILURE: no"
		}
		return 200, stopSuccess
	})
	g := startAdmin(t, b, options{})
	d := withDoor{t, []string{"--address", g.admin}}
	g.mustStop(testPhone) // before there is a relay
	d.want(0, "no relay is configured; 1 opt-outs are not told to the backend\n", "relay", "status")
	d.refuses("no relay runs", "relay", "retry")
	d.refuses("no relay runs", "relay", "backfill", "--realm", testRealm)

	o := g.o
	o.global = relayTo(b.addr)
	g.reload(o)
	engine := func() {
		eventually(t, "the relay runs", func() bool {
			s, _ := onlyStore(t)
			e := s.relay.running()
			return e != nil && e.Status().Realms[0].Ready
		})
	}
	engine()
	d.want(0, "relay to http://"+b.addr+"/bin/api_web: running\nrealm myrealm: running, 1 not told\n", "relay", "status")
	d.want(0, "not told           1\nevents", "stats")

	d.want(0, "the relay is paused; 'caddy sms-optout relay resume' ends that", "relay", "pause")
	d.want(0, "the relay is paused", "relay", "retry")
	g.mustStop(otherPhone)
	eventually(t, "the relay has read of it in the journal", func() bool {
		s, _ := onlyStore(t)
		return s.relay.running().Status().Realms[0].Waiting == 1
	})
	d.want(10, "realm myrealm: running, 2 not told (of those due 1 wait", "relay", "status")
	d.want(0, "                   the relay is paused", "stats")
	g.reload(o) // does not end it
	engine()
	d.want(10, `"state":"paused"`, "relay", "status", "--json")
	d.want(0, "running", "relay", "resume")
	eventually(t, "the other is told", func() bool { return g.untold(testSender) == 1 })

	d.refuses("the realm has no line in the relay's block", "relay", "retry", "--realm", "other")
	d.refuses("realm is missing", "relay", "backfill")
	d.refuses("the realm has no line in the relay's block", "relay", "backfill", "--realm", "other")
	d.want(0, "done: 0 opt-outs of realm myrealm are left untold, 0 of them failed", "relay", "backfill", "--realm", "MyRealm", "--rate", "5")
	g.wantFanOut(true)

	// What the API has no words for is not relayed, and dropped by hand.
	d.want(0, "recorded", "add", "447700900123", "--realm", testRealm, "--sender", "*", "--yes")
	g.wantFanOut(false)
	d.want(0, "not relayed: 1 opt-outs", "relay", "status")
	d.refuses("say which opt-outs", "relay", "drop", "--realm", testRealm, "--reason", "x")
	d.refuses("say which opt-outs", "relay", "drop", "--realm", testRealm, "--reason", "x", "--all", "--sender", "1")
	for _, body := range []string{`{}`, `{"all":false}`, `{"sender":"","phone":""}`, `{"phone":" "}`, `{"sender":" "}`, `{"all":true,"phone":"447700900123"}`, `{"sender":"*","phone":" "}`} {
		body = `{"realm":"myrealm","reason":"x",` + strings.TrimPrefix(body, "{")
		if r := g.ask("POST", "/sms_optout/relay/drop", strings.Replace(body, ",}", "}", 1)); r.Status != 400 {
			t.Errorf("%s: %d %s", body, r.Status, r.Body)
		}
	}
	d.refuses("reason is missing", "relay", "drop", "--realm", testRealm, "--all")
	d.refuses("realm is missing", "relay", "drop", "--all", "--reason", "x")
	d.want(0, "noted as known to the backend: 0\n", "relay", "drop", "--realm", testRealm, "--sender", "1", "--reason", "x")
	d.want(0, "noted as known to the backend: 1\n", "relay", "drop", "--realm", testRealm, "--sender", "*", "--reason", "entered by hand")
	d.want(0, `"kind":"told"`, "history", "447700900123", "--json")
	g.wantFanOut(true)
	d.want(0, "recorded", "add", "447700900124", "--realm", testRealm, "--sender", "*", "--yes")
	d.want(0, "recorded", "add", "447700900125", "--realm", testRealm, "--sender", "*", "--yes")
	d.want(0, "noted as known to the backend: 2\n", "relay", "drop", "--realm", testRealm, "--all", "--reason", "entered by hand")

	// A wrong password shows wherever one looks.
	o.global = strings.Replace(o.global, relayPassword, "wrong-one", 1)
	log := filepath.Join(t.TempDir(), "log")
	o.caddy = "log {\n output file " + log + "\n}"
	g.reload(o)
	engine()
	for i := range 6 {
		g.mustStop("1206555010" + string(rune('0'+i)))
	}
	eventually(t, "the password is suspected", func() bool {
		return strings.Contains(d.run("relay", "status").out, "password? nothing is told of realm myrealm: no")
	})
	d.want(10, "realm myrealm: password?, 6 not told", "relay", "status")
	d.want(0, "                   password?", "stats")
	if text := tail(t, log); !strings.Contains(text, "is the relay's password of it wrong?") || strings.Contains(text, "wrong-one") {
		t.Errorf("the log:\n%s", text)
	}
	metrics := scrape(t)
	for key, want := range map[string]float64{"relay_pending": 6, "relay_suspect_realms": 1, "relay_backend_down": 0, "relay_paused": 0, "relay_not_relayed": 0} {
		if got := metrics[key]; got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if metrics[`relay_attempts_total{result="told"}`] < 2 || metrics[`relay_attempts_total{result="failure"}`] < 5 || metrics["relay_oldest_age_seconds"] <= 0 {
		t.Errorf("%v", metrics)
	}
}
