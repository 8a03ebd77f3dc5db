package caddymodule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
	"github.com/stopgate/stopgate/smsapi/smsapitest"
)

// jsonAPI is a guest module of another provider: JSON, many recipients, errors in
// a shape of its own.
type jsonAPI struct{}

func init() { caddy.RegisterModule(jsonAPI{}) }

func (jsonAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sms_optout.apis.json", New: func() caddy.Module { return new(jsonAPI) }}
}

func (jsonAPI) NewAPI(region *phone.Region) smsapi.API { return smsapitest.JSON(region) }

func (jsonAPI) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

// Two APIs on one site share the list: a stop of the one blocks sends of the other.
func TestOtherAPI(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{site: "api whatcounts\napi json"})
	g.mustStop(testPhone)
	post := func(body string) reply {
		return g.mustRaw(fmt.Sprintf("POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}
	const one = `{"account":"myrealm","key":"mypass","messages":[{"to":"+13105550000","from":"120162701555"}]}`
	if r := post(one); r.Body != sendSuccess {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	if got, err := b.only(); err != nil || string(got.Body) != one {
		t.Errorf("%v %q", err, got.Body)
	}
	two := strings.Replace(one, `"messages":[`, `"messages":[{"to":"+13105550000","from":"x"},{"to":"+12065551212","from":"120162701555"},`, 1)
	if r := post(two); r.Status != 403 || !strings.Contains(r.Body, "[1]") || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	if r := post(strings.Replace(two, "mypass", "wrong", 1)); strings.Contains(r.Body, "[1]") {
		t.Errorf("a stranger is told: %d %q", r.Status, r.Body)
	}
	if r := post(`{"account":`); r.Status != 400 {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	if n := len(b.take()); n != 0 {
		t.Errorf("%d requests reached the backend", n)
	}
	g.wantBlocked(b, testPhone)
	g.wantForwarded(b, otherPhone)
}
