package whatcounts

import (
	"strings"
	"testing"

	"github.com/stopgate/stopgate/phone"
)

// A phone is of the country that the request names, to the backend.
func TestCountry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "short")
	var err error
	if f.phone, err = phone.ParseNumber("447911123456"); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]verdict{
		"phone=7911123456":                                          passes,
		"phone=7911123456&country=":                                 passes,
		"phone=7911123456&country=US":                               passes,
		"phone=7911123456&country=usa":                              passes,
		"phone=7911123457&country=GB":                               passes,
		"phone=7911123456&country=GB":                               blocked,
		"phone=07911123456&country=gb+":                             blocked,
		"phone=7911+123456&country=UK":                              blocked,
		"phone=7911123456&country=GBR":                              blocked,
		"phone=7911123456&country=826":                              blocked,
		"phone=7911123456&country=44":                               blocked,
		"phone=7911123456&country=United+Kingdom":                   blocked,
		"phone=7911123456&country=US&country=GB":                    blocked,
		"phone=7911123456&country=US&Country=GB":                    blocked,
		"phone=7911123456&country[]=GB":                             blocked,
		"phone=7911123456&country=US;country=GB":                    blocked,
		"phone=13105550000,7911123456&country=Grossbritannien":      blocked,
		"phone=13105550000&country=Elsewhere&message_text=hello!":   passes,
		"phone=7911123456&m.country=GB":                             blocked,
		"phone=7911123456&m[country]=GB":                            blocked,
		"phone=7911123456&=country=GB":                              blocked,
		"phone=7911123456&x=y?country=GB":                           blocked,
		"phone=7911123456 HTTP/1.1\r\nX: Country":                   passes,
		"phone=7911123456 HTTP/1.1\r\nCountry: GB":                  blocked,
		"phone=7911123456 HTTP/1.1\r\nCountry: US":                  passes,
		"phone=7911123456 HTTP/1.1\r\nX-Param-Override-country: GB": blocked,
		"phone=7911123456 HTTP/1.1\r\nCookie: a=b; Country=GB":      blocked,
		"phone=7911123456 HTTP/1.1\r\nCookie: a=b; country=us":      passes,
	} {
		for _, command := range []string{commandAddSubscriber, commandSend} {
			query, header, _ := strings.Cut(args, " HTTP/1.1")
			raw := "GET /bin/api_web?r=myrealm&p=mypass&sender_code=12345&" + query + "&c=" + command + " HTTP/1.1" + header + "\r\nHost: gw.example\r\n\r\n"
			r, err := readRequest(raw)
			if err != nil {
				t.Fatal(err)
			}
			if got, refusal := f.judge(r); got != want {
				t.Errorf("%s %s: %s %v, want %s", command, args, got, refusal, want)
			}
		}
	}
}

// A stop that names a country is recorded if its phone is the same number there, for what
// is acknowledged has to hold for the phone that was meant.
func TestCountryOfStop(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"phone=12065551212&country=US":            "12065551212",
		"phone=2065551212&country=us":             "12065551212",
		"phone=2065551212&country=":               "12065551212",
		"phone=2065551212&country=CA":             "12065551212",
		"phone=447911123456&country=GB":           "447911123456",
		"phone=7911123456&country=GB":             "",
		"phone=2065551212&country=GB":             "",
		"phone=2065551212&country=Elsewhere":      "",
		"phone=2065551212&Country=GB":             "",
		"phone=2065551212&country=US&country=GB":  "",
		"phone=12065551212&country=GB&country=US": "12065551212",
		"phone=12065551212&country=United+States": "12065551212",
		"phone=2065551212&country=US&country=us":  "12065551212",
		"phone=2065551212&Country=US":             "12065551212",
	} {
		call, refusal := read(t, "GET", account+"&c=smsstopsubscribersend&sender_code=12345&"+query, "", "")
		switch {
		case want == "" && refusal != failedCountry:
			t.Errorf("%s: %v, want %v", query, refusal, failedCountry)
		case want != "" && refusal != nil:
			t.Errorf("%s: %v", query, refusal)
		case want != "" && call.Recipients[0].Phones[0].Digits() != want:
			t.Errorf("%s: %s, want %s", query, call.Recipients[0].Phones[0].Digits(), want)
		}
	}
}
