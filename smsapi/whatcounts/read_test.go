package whatcounts

import (
	"cmp"
	"fmt"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

const (
	account = "r=myrealm&p=mypass"
	pairArg = "&phone=12065551212&sender_code=120162701555"
)

// read reads a GET of a query, or a POST of a form where there is one.
func read(t testing.TB, method, query, form, cookie string) (*smsapi.Call, *smsapi.Refusal) {
	t.Helper()
	r := httptest.NewRequest(method, "/bin/api_web", strings.NewReader(form))
	r.URL.RawQuery = query
	if form == "" {
		r.Body, r.ContentLength = nil, 0
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	call := new(smsapi.Call)
	body := smsapi.NewBody(r, 1<<20)
	refusal := newFixture(t, "").api.Read(r, &body, call)
	return call, refusal
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query, form string
		want        smsapi.Kind
	}{
		"nothing":              {"", "", smsapi.Other},
		"help":                 {"c=help", "", smsapi.Other},
		"stop":                 {account + "&c=smsstopsubscribersend" + pairArg, "", smsapi.Stop},
		"stop by POST":         {"", account + "&c=smsstopsubscribersend" + pairArg, smsapi.Stop},
		"stop, upper case":     {account + "&c=SMSSTOPSUBSCRIBERSEND" + pairArg, "", smsapi.Stop},
		"stop, long names":     {"realm=myrealm&pwd=mypass&cmd=smsstopsubscribersend" + pairArg, "", smsapi.Stop},
		"stop, both names":     {account + "&realm=myrealm&pwd=mypass&c=smsstopsubscribersend&cmd=smsstopsubscribersend" + pairArg, "", smsapi.Stop},
		"stop, third password": {"r=myrealm&password=mypass&c=smsstopsubscribersend" + pairArg, "", smsapi.Stop},
		"send":                 {account + "&c=smssendmessagetophone" + pairArg, "", smsapi.Send},
		"send, encoded":        {account + "&c=sms%73endmessagetophone" + pairArg, "", smsapi.Send},
		"send, split":          {account, "c=smssendmessagetophone" + pairArg, smsapi.Send},
		"fan-out":              {account + "&c=smssendmessagetosendercode&sender_code=1&message_name=a", "", smsapi.FanOut},
		"add phone":            {account + "&c=addphonetosendercode" + pairArg, "", smsapi.Subscribe},
		"add subscriber":       {account + "&c=addsubscribertosendercode&email=a%40b.c" + pairArg, "", smsapi.Subscribe},
		"message":              {account + "&c=createsmsmessage" + pairArg, "", smsapi.Other},
		"harmless":             {account + "&c=find" + pairArg, "", smsapi.Other},
		"harmless, odd phones": {account + "&c=sub&phone=1&phone=2&PHONE=3&phone[]=4" + pairArg, "", smsapi.Other},
		"harmless, upper case": {account + "&c=FIND" + pairArg, "", smsapi.Other},
		"unknown, with a pair": {account + "&c=smssendsoon" + pairArg, "", smsapi.Send},
		"unknown, phone only":  {account + "&c=balance&phone=12065551212", "", smsapi.Other},
		"unknown, without":     {account + "&c=accountbalance", "", smsapi.Other},
		"unknown, many pairs":  {account + "&c=balance" + strings.Repeat("&x=1", 2000), "", smsapi.Other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := "GET"
			if c.form != "" {
				method = "POST"
			}
			call, refusal := read(t, method, c.query, c.form, "")
			if refusal != nil {
				t.Fatalf("refused as %s", refusal.Code)
			}
			if call.Kind != c.want {
				t.Errorf("read as %v, want %v", call.Kind, c.want)
			}
			if c.want != smsapi.Other && (call.Realm != "myrealm" || call.Password != "mypass") {
				t.Errorf("realm %q, password %q", call.Realm, call.Password)
			}
		})
	}
}

func TestStopIsExact(t *testing.T) {
	t.Parallel()
	call, refusal := read(t, "GET", account+"&c=smsstopsubscribersend&phone=2065551212&sender_code=%2B120162701555", "", "phone=1; sender_code=2")
	if refusal != nil {
		t.Fatal(refusal)
	}
	to := call.Recipients[0]
	if len(call.Recipients) != 1 || len(to.Phones) != 1 || len(to.Senders) != 1 ||
		to.Phones[0].Digits() != "12065551212" || to.Senders[0] != "120162701555" {
		t.Errorf("read as %+v", to)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"mypass": "mypass", "a+b%21": "a b!", "100%": "100%", "YWJj==": "YWJj==", "a;b": "a;b", "%25": "%", "": "", "%C3%BC": "ü", "a%26b": "a&b",
	} {
		call, refusal := read(t, "GET", "r=myrealm&c=smsstopsubscribersend&p="+raw+pairArg, "", "")
		if refusal != nil || call.Password != want {
			t.Errorf("p=%s reads as %q, %v; want %q", raw, call.Password, refusal, want)
		}
	}
}

// senders and phones of the only recipient.
func recipientOf(t *testing.T, query, form, cookie string) (phones []string, senders []phone.Sender) {
	t.Helper()
	call, refusal := read(t, "POST", query, form, cookie)
	if refusal != nil {
		t.Fatalf("refused as %s", refusal.Code)
	}
	for _, n := range call.Recipients[0].Phones {
		phones = append(phones, n.Digits())
	}
	return phones, call.Recipients[0].Senders
}

func TestEveryReadingCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ query, form, cookie string }{
		"plain":          {query: "&phone=12065551212&sender_code=120162701555"},
		"national":       {query: "&phone=2065551212&sender_code=120162701555"},
		"raw plus":       {query: "&phone=+12065551212&sender_code=+120162701555"},
		"encoded plus":   {query: "&phone=%2B12065551212&sender_code=%2B120162701555"},
		"raw pluses":     {query: "&phone=1+206+555+1212&sender_code=1+201+627+01555"},
		"list":           {query: "&phone=13105550000,12065551212&sender_code=120162701555"},
		"encoded list":   {query: "&phone=13105550000%3B12065551212&sender_code=120162701555"},
		"phone cookie":   {query: "&phone=13105550000&sender_code=120162701555", cookie: "a=b; phone=12065551212"},
		"sender cookie":  {query: "&phone=12065551212&sender_code=999", cookie: "sender.code=120162701555"},
		"form":           {form: account + "&c=smssendmessagetophone&phone=12065551212&sender_code=120162701555"},
		"same value":     {query: "&phone=12065551212&phone=1206555121%32&sender_code=120162701555"},
		"phone in form":  {query: "&sender_code=120162701555", form: "phone=12065551212"},
		"any other name": {query: "&phone=12065551212&sender_code=120162701555&phone2=1&x=1&x=2&y[]=;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := account + "&c=smssendmessagetophone" + c.query
			if strings.HasPrefix(c.form, account) {
				query = ""
			}
			phones, senders := recipientOf(t, query, c.form, c.cookie)
			if !slices.Contains(phones, "12065551212") || !slices.Contains(senders, "120162701555") {
				t.Errorf("phones %v, senders %v", phones, senders)
			}
		})
	}
}

func TestSenderThatSomeMiss(t *testing.T) {
	t.Parallel()
	send := account + "&c=smssendmessagetophone&phone=12065551212"
	for name, c := range map[string]struct {
		query, form string
		any         bool
	}{
		"none":                     {send, "", true},
		"empty":                    {send + "&sender_code=", "", true},
		"blank":                    {send + "&sender_code=+", "", true},
		"without value":            {send + "&sender_code", "", true},
		"only in the body":         {send, "sender_code=999", true},
		"only in the query":        {"sender_code=999", send, true},
		"in the body with all":     {"", send + "&sender_code=999", false},
		"in the body with a phone": {account + "&c=smssendmessagetophone", "phone=12065551212&sender_code=999", false},
		"in both":                  {send + "&sender_code=999", "sender_code=999", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, senders := recipientOf(t, c.query, c.form, ""); (len(senders) == 0) != c.any {
				t.Errorf("senders %v", senders)
			}
		})
	}
}

func TestFanOutHasNoPhone(t *testing.T) {
	t.Parallel()
	phones, senders := recipientOf(t, account+"&c=smssendmessagetosendercode&sender_code=MyBrand&phone=1&phone=2", "", "phone=12065551212")
	if len(phones) != 0 || len(senders) == 0 {
		t.Errorf("phones %v, senders %v", phones, senders)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	send := account + "&c=smssendmessagetophone"
	stop := account + "&c=smsstopsubscribersend"
	for name, c := range map[string]struct {
		method, query, form, cookie string
		code                        string
		status                      int
	}{
		"two phones":               {query: send + pairArg + "&phone=13105550000", code: "repeated_phone", status: 400},
		"two senders":              {query: send + pairArg + "&sender_code=1", code: "repeated_sender", status: 400},
		"two commands":             {query: send + pairArg + "&cmd=find", code: "repeated_command", status: 400},
		"two harmless commands":    {query: account + "&c=find&c=detail", code: "repeated_command", status: 400},
		"two realms":               {query: send + pairArg + "&realm=MyRealm", code: "repeated_realm", status: 400},
		"two passwords":            {query: send + pairArg + "&pwd=x", code: "repeated_password", status: 400},
		"query against body":       {method: "POST", query: send + pairArg, form: "phone=13105550000", code: "repeated_phone", status: 400},
		"array":                    {query: send + "&phone[]=12065551212&sender_code=1", code: "spelling_phone", status: 400},
		"capitals":                 {query: send + pairArg + "&R=x", code: "spelling_realm", status: 400},
		"camel case":               {query: send + pairArg + "&senderCode=1", code: "spelling_sender", status: 400},
		"folded camel case":        {query: send + pairArg + "&sendercode=1", code: "spelling_sender", status: 400},
		"odd command beside find":  {query: account + "&c=find&C=smssendmessagetophone", code: "spelling_command", status: 400},
		"semicolon":                {query: send + pairArg + "&text=a;phone=1", code: "semicolon_phone", status: 400},
		"semicolon in a value":     {query: send + "&phone=1;2&sender_code=1", code: "semicolon_phone", status: 400},
		"behind a fragment":        {query: send + "&text=#&phone=12065551212&sender_code=1", code: "fragment_phone", status: 400},
		"broken escape":            {query: send + "&phone=12065551212%&sender_code=1", code: "escape_phone", status: 400},
		"IIS escape":               {query: send + "&phone=%u0031&sender_code=1", code: "escape_phone", status: 400},
		"encoded twice":            {query: send + "&phone=%2531&sender_code=1", code: "encoded_twice_phone", status: 400},
		"NUL":                      {query: send + "&phone=12065551212%00&sender_code=1", code: "delimiter_phone", status: 400},
		"equals":                   {query: send + "&phone==12065551212&sender_code=1", code: "delimiter_phone", status: 400},
		"ampersand in a realm":     {query: "r=a%26b&p=x&c=smssendmessagetophone" + pairArg, code: "delimiter_realm", status: 400},
		"realm in a cookie":        {query: send + pairArg, cookie: "r=other", code: "cookie_realm", status: 400},
		"command in a cookie":      {query: account + "&c=find" + pairArg, cookie: "cmd=smssendmessagetophone", code: "cookie_command", status: 400},
		"unclear command":          {query: account + "&c=smssendmessagetophone,find" + pairArg, code: "command_unclear", status: 400},
		"nested command":           {query: account + "&x=%26c%3Dsmssendmessagetophone", code: "nested_arguments", status: 400},
		"too many":                 {query: send + pairArg + strings.Repeat("&x", 1000), code: "too_many_arguments", status: 400},
		"charset":                  {query: send + pairArg + "&_charset_=ibm037", code: "charset_argument", status: 400},
		"unreadable realm":         {query: "r=a%01&p=x&c=smssendmessagetophone" + pairArg, code: "realm_unreadable", status: 400},
		"stop by PUT":              {method: "PUT", query: stop + pairArg, code: "stop_method", status: 405},
		"stop by HEAD":             {method: "HEAD", query: stop + pairArg, code: "stop_method", status: 405},
		"no command":               {query: account + pairArg, code: "command_missing", status: 200},
		"no realm":                 {query: "c=smssendmessagetophone" + pairArg, code: "realm_missing", status: 200},
		"blank realm":              {query: "r=+&c=smssendmessagetophone" + pairArg, code: "realm_missing", status: 200},
		"no phone":                 {query: send + "&sender_code=1", code: "phone_missing", status: 200},
		"blank phone":              {query: send + "&phone=+&sender_code=1", code: "phone_missing", status: 200},
		"no phone to subscribe":    {query: account + "&c=addsubscribertosendercode&email=a&sender_code=1", code: "phone_missing", status: 200},
		"unreadable phone":         {query: send + "&phone=Ann&sender_code=1", code: "phone_unreadable", status: 200},
		"stop, no phone":           {query: stop + "&sender_code=120162701555", code: "phone_missing", status: 200},
		"stop, phone with a plus":  {query: stop + "&phone=%2B12065551212&sender_code=120162701555", code: "phone_not_digits", status: 200},
		"stop, phone with a blank": {query: stop + "&phone=12065551212+&sender_code=120162701555", code: "phone_not_digits", status: 200},
		"stop, short phone":        {query: stop + "&phone=123&sender_code=120162701555", code: "phone_not_digits", status: 200},
		"stop, no sender":          {query: stop + "&phone=12065551212", code: "sender_missing", status: 200},
		"stop, every sender":       {query: stop + "&phone=12065551212&sender_code=*", code: "sender_unreadable", status: 200},
		"stop, every realm":        {query: "r=*&p=x&c=smsstopsubscribersend" + pairArg, code: "realm_unreadable", status: 400},
		"unknown, pair in cookies": {query: account + "&c=smssendsoon", cookie: "phone=12065551212; sender_code=1", code: "phone_missing", status: 200},
		"stop, two phones":         {query: stop + pairArg + "&phone=1", code: "repeated_phone", status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := c.method
			if method == "" {
				method = "GET"
			}
			_, refusal := read(t, method, c.query, c.form, c.cookie)
			if refusal == nil {
				t.Fatal("not refused")
			}
			if refusal.Code != c.code || refusal.Status != c.status {
				t.Errorf("refused as %s, %d; want %s, %d", refusal.Code, refusal.Status, c.code, c.status)
			}
			if strings.Contains(refusal.Reason, ":") || refusal.Reason == "" {
				t.Errorf("reason %q: clients split the answer at the colon", refusal.Reason)
			}
		})
	}
}

// A subscribe names one phone and one sender, in whatever forms others know them.
func TestSubscribeMeansOnePair(t *testing.T) {
	t.Parallel()
	api := newFixture(t, "").api
	for _, tt := range []struct{ phone, sender, want string }{
		{"12065551212", "12345", "12065551212 12345"},
		{"5511987654321", "My+Brand", "5511987654321 my brand"},
		{"541123456789", "MyLongBrandName", "541123456789 mylongbrandname"},
		{"12065551212", "H%26M", "12065551212 h&m"},
		{"2065551212", "12345", ""},
		{"12065551212", "Code+12345", ""},
	} {
		r := httptest.NewRequest("GET", "/bin/api_web?r=myrealm&p=mypass&c=addphonetosendercode&phone="+tt.phone+"&sender_code="+tt.sender, nil)
		body := smsapi.NewBody(r, 1<<20)
		var call smsapi.Call
		if refusal := api.Read(r, &body, &call); refusal != nil {
			t.Fatal(refusal)
		}
		got := ""
		if call.Named.Sender != "" {
			got = call.Named.Phone.Digits() + " " + string(call.Named.Sender)
		}
		if got != tt.want {
			t.Errorf("%s %s means %q, want %q", tt.phone, tt.sender, got, tt.want)
		}
	}
}

// What is long or nested costs no more than its length: 64 kB of a name that begins
// like one of Struts' took seconds, and gigabytes, when each of its parts was looked at
// anew. Not parallel, for what the whole process allocates is counted.
func TestLongNamesCostLittle(t *testing.T) {
	f := newFixture(t, "")
	for name, c := range map[string]struct {
		query, path, body, cookie string
		most                      uint64 // bytes, 64 MiB if zero
	}{
		"Struts' top":          {query: strings.Repeat("top.", 15_000) + "x=1"},
		"PHP's superglobal":    {query: strings.Repeat("_GET[", 12_000) + "x=1"},
		"escaped percents":     {path: "/%" + strings.Repeat("25", 15_000), query: "c=find"},
		"cookies":              {query: ordinarySend, cookie: strings.Repeat("p;", 16_000)},
		"phones in cookies":    {query: ordinarySend, cookie: strings.Repeat("phone;", 5_000)},
		"odd names in cookies": {query: ordinarySend, cookie: strings.Repeat("a%;", 10_000)},
		"scripts":              {body: ordinarySend + "&a=x" + strings.Repeat("<script>", 125_000)},
		"scripts, and all that is read anew for": {
			body: ordinarySend + "&" + strings.Repeat("<script>\xff", 40_000) + "%2525252525=1&a=\x01&#x41;<b>",
			most: 192 << 20,
		},
		"odd pairs": {body: "c=find&x=1\x01\xff\xc3\xa9&lt;<b>;&" + strings.Repeat(";top.%6.m=\xff\n&#1;<>", 45_000)},
		"one bare name": {
			body: ordinarySend + "&" + strings.Repeat("\U0001D160%", 200_000) + "&x=\x01\xff<b>&#65;&amp;",
		},
		"one value of an odd name": {
			body: ordinarySend + "&m.c=" + strings.Repeat("\U0001D160%", 200_000) + "&x=\x01\xff<b>&#65;&amp;",
			most: 128 << 20,
		},
		"a value that is decoded thrice": {
			body: ordinarySend + "&x.=%25252525" + strings.Repeat("%\u0344", 349_000) + "\x01\xff",
			most: 128 << 20,
		},
		"cookies beside a long command": {body: "c=" + strings.Repeat("x", 1_000_000), cookie: strings.Repeat("c=;", 5_000)},
		"repeated commands":             {body: "c=" + strings.Repeat("x", 500_000) + strings.Repeat("&c=", 170_000)},
		"a long command":                {body: "c=%25252525" + strings.Repeat("|\u0301\ufdfa", 174_000) + "}"},
		"pairs without a name": {
			body: "c=xx&phone=1&x=1\x01\xff\xc3\xa9&lt;<b>;&" + strings.Repeat("\xc3]?6%r%E2nxtPw\xc3harsdt%3C%3E0%4\xff&=1_3sa0c6#69_[[", 18_000),
		},
		"names that are looked at in many forms": {
			body: "c=find&x=\x01\xff\xc3\xa9&z=&#50;&y=<b>&" + strings.Repeat("nxtP"+strings.Repeat("<style>\ufdfa", 23)+"%25%25%25>=1&", 4000),
		},
	} {
		r := httptest.NewRequest("POST", "/bin/api_web"+c.path+"?"+c.query, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.cookie != "" {
			r.Header["Cookie"] = []string{c.cookie, c.cookie}
		}
		var call smsapi.Call
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body := smsapi.NewBody(r, 1<<20)
		_ = f.api.Read(r, &body, &call)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > cmp.Or(c.most, 64<<20) {
			t.Errorf("%s took %d bytes", name, took)
		}
	}
}

// Express and Mono join what is repeated, in the query, the body or both, and ASP.NET's
// Request.Params the cookies with it. A backend keeps the digits of that, whether or not it can
// be read otherwise.
func TestPartsOfAPhone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "short")
	for _, tt := range []struct{ query, body, cookie, meant string }{
		{"phone=20655&phone=20655", "", "", "12065520655"},
		{"phone=%202%2F065%EF%BC%8C5%3B&phone=%202%2F065%EF%BC%8C5%3B", "", "", "12065520655"},
		{"phone=20655" + strings.Repeat("+", 17_000) + "&phone=20655" + strings.Repeat("+", 17_000), "", "", "12065520655"},
		{"phone=63155&phone=63155", "phone=63155", "", "16315563155"},
		{"phone=212&phone=212", "", "phone=5555", "12122125555"},
		{"phone=212", "phone=212", "phone=5555", "12122125555"},
		{"phone=212&phone=212", "phone=212", "phone=5555", "12122125555"},
	} {
		meant, err := phone.In("US").Canonical(tt.meant)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/bin/api_web?r=myrealm&p=x&c=smssendmessagetophone&sender_code=12345&"+tt.query, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if tt.cookie != "" {
			r.Header.Set("Cookie", tt.cookie)
		}
		body := smsapi.NewBody(r, 1<<20)
		var call smsapi.Call
		if refusal := f.api.Read(r, &body, &call); refusal == nil && !slices.Contains(call.Recipients[0].Phones, meant) {
			t.Errorf("%.60s, %s, %s is %v", tt.query, tt.body, tt.cookie, call.Recipients[0].Phones)
		} else if refusal != nil && refusal.Code != "repeated_phone" && refusal.Code != "phone_unreadable" {
			t.Errorf("%.60s: %s", tt.query, refusal.Code)
		}
	}
}

// What other commands of the account carry in bulk has many odd names.
func TestBulkRequestsPass(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	var contacts, rows strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&contacts, "&contacts[%d][mobile]=1310555%04d", i, i%10_000)
		fmt.Fprintf(&rows, "Doe;Jane %d;1310555%04d;Springfield;yes\n", i, i%10_000)
	}
	for name, body := range map[string]string{
		"arrays":                  "c=import&r=myrealm" + strings.Repeat("&numbers%5B%5D=13105550000", 30_000),
		"contacts":                "c=import&r=myrealm" + contacts.String(),
		"rows of CSV, unescaped":  "c=sub&r=myrealm&data=" + rows.String(),
		"text with semicolons":    "c=note&r=myrealm&text=" + strings.Repeat("as it was, so it is; ", 40_000),
		"pieces outside ASCII":    "c=note&r=myrealm&text=" + strings.Repeat("\u00e9;\u00e0;\u00fc;", 2_300),
		"one long base64 at last": "c=find&r=myrealm&a&=" + strings.Repeat("QUJD", 80) + "==",
	} {
		r := httptest.NewRequest("POST", "/bin/api_web", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		bounded := smsapi.NewBody(r, 4<<20)
		var call smsapi.Call
		if refusal := f.api.Read(r, &bounded, &call); refusal != nil {
			t.Errorf("%s: %s", name, refusal.Code)
		}
	}
}

// A body of separators alone was once looked at whole behind each of them. Thirty-two
// times as much may take a hundred times as long, but not a thousand: the quickest of
// the long runs is set against the slowest of the short ones.
func TestBodiesCostTheirLength(t *testing.T) {
	if raceDetector {
		t.Skip("it measures time, which the race detector multiplies; the run without it has this test")
	}
	f := newFixture(t, "")
	took := func(unit string, size int) time.Duration {
		body := strings.NewReader("c=find&" + strings.Repeat(unit, size/len(unit)))
		r := httptest.NewRequest("POST", "/bin/api_web", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		bounded := smsapi.NewBody(r, 4<<20)
		var call smsapi.Call
		begin := time.Now()
		if refusal := f.api.Read(r, &bounded, &call); refusal != nil && refusal != refusedLongName {
			t.Fatalf("%q is refused: %s", unit, refusal.Reason)
		}
		return time.Since(begin)
	}
	for _, unit := range []string{"%26", "%25%26", "%3b%25", "é&", ";é=", "a.b&", "a%5Bb%5D=&", "?a", "=&", "%%", ";top.%6.m=\xff\n&#1;<>", "=ph%256fnf=1&", "_c=sm%2&"} {
		var short time.Duration
		long := time.Hour
		for range 3 {
			short = max(short, took(unit, 32<<10))
		}
		for tries := 0; tries < 30 && long > 100*short; tries++ {
			long = min(long, took(unit, 1<<20))
		}
		if long > 100*short {
			t.Errorf("32 kB of %q take %v, 1 MB take %v", unit, short, long)
		}
	}
}
