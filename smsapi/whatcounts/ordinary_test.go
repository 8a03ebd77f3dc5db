package whatcounts

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Ordinary requests, as the clients in the wild write them, must pass whatever
// their texts and names hold: a message that is refused is a message lost.

// encoders are how clients encode a value.
var encoders = map[string]func(string) string{
	"url.QueryEscape, urlencode, http_build_query": url.QueryEscape,
	"rawurlencode, encodeURIComponent": func(s string) string {
		return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	},
	"lower-case hex": func(s string) string {
		return hexLower(url.QueryEscape(s))
	},
	"encodeURI, which leaves what it should not": func(s string) string {
		return strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%2C", ",", "%40", "@", "%24", "$", "%21", "!",
			"%27", "'", "%28", "(", "%29", ")", "%2A", "*", "+", "%20").Replace(url.QueryEscape(s))
	},
}

func hexLower(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			b[i+1], b[i+2] = b[i+1]|0x20, b[i+2]|0x20 // digits have that bit already
		}
	}
	return string(b)
}

var (
	wildTexts = []string{
		"Your table is ready", "50% off; today only", "Q&A at 8", "fish & chips = £5", "a+b=c", "😀👍🏽", "日本語のテキスト", "مرحبا ١٢٣",
		"<b>hi</b> &amp; bye", "https://x.example/?phone=1&c=2;p=3#top", "call 12065551212 or +1 (206) 555-1212", "%00%26phone%3D1",
		"{\"phone\":\"12065551212\"}", "line one\r\nline two\ttab", "100%", "\\u0031\\x31", "STOP to stop", "phone=12065551212;sender_code=120162701555",
		"&phone[]=12065551212", "c", "", " ", "'; DROP TABLE subscribers; --", "ｆｕｌｌ　ｗｉｄｔｈ", "zero\u200bwidth\ufeff",
	}
	wildNames  = []string{"message_text", "text", "label", "group_name", "first", "email", "tag[]", "data", "X-Tag", "utf8", "_", "version", "output_format", "api_client", "client_auth", "phone_type", "my.field", "Field 1"}
	cleanPhone = []string{"13105550000", "3105550000", "+13105550000", "447700900123", "1 310 555 0000", "(310) 555-0000", "13105550000,13105550001"}
	anySender  = []string{"120162701555", "+120162701555", "12345", "MyBrand", "My Brand", "", "BRAND-1"}
	passwords  = []string{"mypass", "p@ss&w=rd%", "a b", "ümlaut", "x;y", "100%25", "#1", "+1"}
)

func TestOrdinaryRequestsPass(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	for range 10 {
		rapid.Check(t, f.checkOrdinary)
	}
}

// checkOrdinary draws a request and fails if it does not pass.
func (f *fixture) checkOrdinary(t *rapid.T) {
	encode := encoders[rapid.SampledFrom([]string{
		"url.QueryEscape, urlencode, http_build_query", "rawurlencode, encodeURIComponent", "lower-case hex",
		"encodeURI, which leaves what it should not",
	}).Draw(t, "encoder")]
	var args [][2]string
	add := func(name, value string) { args = append(args, [2]string{name, value}) }
	add(rapid.SampledFrom([]string{"r", "realm"}).Draw(t, "r"), rapid.SampledFrom([]string{"myrealm", "second", "Acme Corp"}).Draw(t, "realm"))
	add(rapid.SampledFrom([]string{"p", "pwd"}).Draw(t, "p"), rapid.SampledFrom(passwords).Draw(t, "password"))
	add(rapid.SampledFrom([]string{"c", "cmd"}).Draw(t, "c"), commandSend)
	add("phone", rapid.SampledFrom(cleanPhone).Draw(t, "phone"))
	if rapid.IntRange(0, 9).Draw(t, "sender given") > 0 {
		add("sender_code", rapid.SampledFrom(anySender).Draw(t, "sender"))
	}
	for range rapid.IntRange(0, 4).Draw(t, "others") {
		value := rapid.OneOf(rapid.SampledFrom(wildTexts), rapid.String()).Draw(t, "value")
		add(rapid.SampledFrom(wildNames).Draw(t, "name"), value)
	}
	args = rapid.Permutation(args).Draw(t, "order")
	inBody := rapid.SampledFrom([]string{"none", "all", "some"}).Draw(t, "in the body")
	var query, body []string
	for _, arg := range args {
		pair := encode(arg[0]) + "=" + encode(arg[1])
		if inBody == "all" || inBody == "some" && rapid.Bool().Draw(t, "there") {
			body = append(body, pair)
		} else {
			query = append(query, pair)
		}
	}
	tail := rapid.SampledFrom([]string{"", "&"}).Draw(t, "trailing ampersand")
	method := "GET"
	if inBody != "none" {
		method = "POST"
	}
	r := wildRequest(t, method, strings.Join(query, "&")+tail, strings.Join(body, "&")+tail)
	if verdict, refusal := f.judge(r); verdict != passes {
		t.Fatalf("%s %v\n%s\n%s", verdict, refusal, strings.Join(query, "&"), strings.Join(body, "&"))
	}
}

func wildRequest(t *rapid.T, method, query, body string) *http.Request {
	raw := fmt.Sprintf("%s /bin/api_web?%s HTTP/1.1\r\nHost: gw.example\r\n", method, query)
	if method == "POST" {
		raw += "Content-Type: " + rapid.SampledFrom([]string{
			"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8", "application/x-www-form-urlencoded;charset=utf-8",
		}).Draw(t, "type") + fmt.Sprintf("\r\nContent-Length: %d\r\n", len(body))
	}
	r, err := readRequest(raw + "\r\n" + body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
