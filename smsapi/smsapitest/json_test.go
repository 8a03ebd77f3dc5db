package smsapitest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

func read(t *testing.T, body string) (smsapi.API, *smsapi.Call, *smsapi.Refusal) {
	t.Helper()
	region, err := phone.NewRegion("US")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	api := JSON(region)
	if !api.Guards(r.URL) {
		t.Fatal("not guarded")
	}
	var call smsapi.Call
	b := smsapi.NewBody(r, 1<<20)
	refusal := api.Read(r, &b, &call)
	return api, &call, refusal
}

func TestManyRecipients(t *testing.T) {
	t.Parallel()
	api, call, refusal := read(t, `{"account":"A","key":"k","messages":[{"to":"12065551212","from":"MyBrand"},{"to":"+13105550000"}]}`)
	if refusal != nil {
		t.Fatal(refusal)
	}
	if call.Kind != smsapi.Send || call.Realm != "a" || call.Password != "k" || len(call.Recipients) != 2 {
		t.Fatalf("read as %v with %d recipients", call.Kind, len(call.Recipients))
	}
	if len(call.Recipients[0].Senders) == 0 || len(call.Recipients[1].Senders) != 0 {
		t.Error("senders are not those of their messages")
	}
	w := httptest.NewRecorder()
	api.Answer(w, call, smsapi.Answer{Outcome: smsapi.OptedOut, Blocked: []int{1}})
	if got, want := w.Body.String(), `{"error":{"code":"opted_out","messages":[1]}}`; w.Code != http.StatusForbidden || got != want {
		t.Errorf("%d %s, want %s", w.Code, got, want)
	}
}

func TestAmbiguousJSON(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"duplicate key":      `{"account":"a","key":"k","messages":[{"to":"1","to":"12065551212"}]}`,
		"duplicate in case":  `{"account":"a","key":"k","messages":[{"to":"1","TO":"12065551212"}]}`,
		"key in other case":  `{"account":"a","key":"k","messages":[{"To":"12065551212"}]}`,
		"unknown key":        `{"account":"a","key":"k","messages":[{"to":"12065551212","cc":"1"}]}`,
		"behind the value":   `{"account":"a","key":"k","messages":[{"to":"12065551212"}]}{}`,
		"escaped duplicate":  `{"account":"a","key":"k","messages":[{"to":"1","\u0074o":"12065551212"}]}`,
		"number for a phone": `{"account":"a","key":"k","messages":[{"to":12065551212}]}`,
		"cut short":          `{"account":"a","key":"k","messages":[{"to":"12065551212"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, refusal := read(t, body); refusal == nil || refusal.Code != "json" {
				t.Errorf("refusal %v, want json", refusal)
			}
		})
	}
}
