package relay

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

// A backend's reason is shown without what it may repeat of the request.
func TestPresentable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, reason, password, want string }{
		{"nothing to hide", "Phone was not found", "mypass", "Phone was not found"},
		{"the password", "Password hunter2 is wrong for 10.0.0.1", "hunter2", "Password *** is wrong for 10.0.0.1"},
		{"in another case", "MYPASS?", "myPass", "***?"},
		{"a word like it", "Password mypass is wrong", "mypass", "***word *** is wrong"},
		{"a part of it", "starts with correct-horse", "correct-horse-battery", "starts with ***"},
		{"a part of it without its punctuation", "Zx 9 q 7 k is wrong", "Zx&9!q%7 k", withheld},
		{"no more than a word of it", "unknown subscriber", "a-subscriber-99", "unknown ***"},
		{"a short one", "x is wrong", "x", "*** is wrong"},
		{"none is configured", "no password", "", "no password"},
		{"a phone", "unknown phone 12065551212.", "mypass", "unknown phone ***********."},
		{"a formatted phone", "+1 (206) 555-1212 unknown", "mypass", "+* (***) ***-**** unknown"},
		{"a phone with underscores", "phone 1_206_555_1212", "mypass", "phone *_***_***_****"},
		{"a phone with more between", "phone 1 / 206 / 555, 1212", "mypass", "phone * / *** / ***, ****"},
		{"a phone with zero width between", "1206\u200b555\u200b1212", "mypass", "**** *** ****"},
		{"a phone in a URL", "no 206%2D555%2d1212", "mypass", withheld},
		{"a phone in JSON", `no \u0031\u0032\u0030\u0036\u0035\u0035\u0035\u0031`, "mypass", withheld},
		{"a phone in base64", "no MTIwNjU1NTEyMTI=", "mypass", withheld},
		{"digits of another script", "٠١٢٣٤٥٦٧٨٩", "mypass", "**********"},
		{"a code", "error 10432", "mypass", "error 10432"},
		{"control characters", "a\x1b[31mb\x00c", "mypass", "a [31mb c"},
		{"broken UTF-8", "a\xffb", "mypass", "ab"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := presentable(test.reason, test.password); got != test.want {
				t.Errorf("%q", got)
			}
		})
	}
	if got := presentable(strings.Repeat("é", 5000), "mypass"); len(got) > maxReason+3 {
		t.Errorf("%d bytes", len(got))
	}
	if got := presentable(strings.Repeat("a", maxReason-3)+"mypass", "mypass"); strings.Contains(got, "myp") {
		t.Errorf("a password at the end shows in part: %q", got)
	}
}

// What backends say of a stop that fails is shown, whatever the password.
func TestPresentableIsReadable(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{
		"wrong password", "Password is wrong", "Invalid realm or password", "no such subscriber", "Phone was not found", "Phone was NOT found",
		"Unable to determine customer account (realm)", "sender_code is unknown; try again in 5 minutes", "50% of the quota is used up; see help/limits",
		"Can&#39;t stop: the list is read-only", `the \"stop\" command is disabled`, "syntax error near 'p' in line 12", "HTTP/1.1 is required & HTTPS, too",
		"the password of account 4711 has expired", "Internal error 0xDEADBEEF (trace 7f3a9c2e)", "Kein Empfänger für diesen Absender",
	} {
		for _, password := range []string{"", "s3cr3t-w0rd", secretPassword, "Tr0ub4dor&3"} {
			if got := presentable(reason, password); got != reason {
				t.Errorf("with password %q, %q is shown as %q", password, reason, got)
			}
		}
	}
}

// secretPassword has what each kind of escape writes in another way.
const secretPassword = `Zx&9!q%7 k+w/"3<b`

// writings are ways in which a backend may write what it repeats.
var writings = []struct {
	name string
	as   func(string) string
}{
	{"as it is", func(s string) string { return s }},
	{"form", url.QueryEscape},
	{"form, small hexadecimal digits", func(s string) string { return smallHex(url.QueryEscape(s)) }},
	{"URL", func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }},
	{"URL, small hexadecimal digits", func(s string) string { return smallHex(strings.ReplaceAll(url.QueryEscape(s), "+", "%20")) }},
	{"path", url.PathEscape},
	{"form in a form", func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{"each byte in a URL", func(s string) string { return eachByte("%%%02X", s) }},
	{"HTML", html.EscapeString},
	{"form in HTML", func(s string) string { return html.EscapeString(url.QueryEscape(s)) }},
	{"HTML in a form", func(s string) string { return url.QueryEscape(html.EscapeString(s)) }},
	{"HTML twice", func(s string) string { return html.EscapeString(html.EscapeString(s)) }},
	{"HTML, decimal", func(s string) string { return eachRune("&#%d;", s) }},
	{"HTML, hexadecimal", func(s string) string { return eachRune("&#x%x;", s) }},
	{"JSON", inJSON},
	{"form in JSON", func(s string) string { return inJSON(url.QueryEscape(s)) }},
	{"JSON in JSON", func(s string) string { return inJSON(inJSON(s)) }},
	{"JSON, each character", func(s string) string { return eachRune(`\u%04x`, s) }},
	{"hexadecimal escapes", func(s string) string { return eachByte(`\x%02x`, s) }},
	{"slashes added", strings.NewReplacer(`'`, `\'`, `"`, `\"`, `\`, `\\`).Replace},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64 without padding", func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }},
	{"base64url", func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }},
	{"base64url without padding", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	{"base64 in a form", func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) }},
	{"form in base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(s))) }},
	{"base64 as of HTTP Basic", func(s string) string { return base64.StdEncoding.EncodeToString([]byte("myrealm:" + s)) }},
	{"hexadecimal", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"hexadecimal, capitals", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
}

func smallHex(s string) string {
	return percents.ReplaceAllStringFunc(s, strings.ToLower)
}

func eachByte(format, s string) string {
	var out strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&out, format, s[i])
	}
	return out.String()
}

func eachRune(format, s string) string {
	var out strings.Builder
	for _, c := range s {
		fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

func inJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always do
	}
	return string(b[1 : len(b)-1])
}

// However a backend writes what it repeats, the password is not shown, nor a part.
func TestPresentableRepeats(t *testing.T) {
	t.Parallel()
	for _, w := range writings {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for _, password := range []string{secretPassword, "hunter2", "correct horse battery", "ümläutß9", "пароль", "a%41b+c&amp;d"} {
				for _, reason := range []string{
					"bad request " + w.as("c=smsstopsubscribersend&p="+password+"&phone=12065551212"),
					"bad request c=smsstopsubscribersend&p=" + w.as(password) + "&phone=12065551212",
					w.as(password), "the password " + w.as(password) + " is wrong", "starts with " + w.as(password[:len(password)-2]),
				} {
					got := presentable(reason, password)
					if got == withheld {
						continue
					}
					if !strings.Contains(got, "***") {
						t.Errorf("%q is shown as %q", reason, got)
					}
					if n := leaked(got, password); n != "" {
						t.Errorf("%q is shown as %q, which holds %q", reason, got, n)
					}
				}
			}
		})
	}
}

// Whatever is shown of the request's arguments, the password's is not among it.
func TestPresentableArguments(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{
		"bad request c=smsstopsubscribersend&p=???&phone=1", "p=x", "unknown: pwd = x", `{"c":"x","p":"?"}`, `{'password': '?'}`, `{"p"=>"?"}`,
		"Array ( [c] => x [p] => ? )", "map[c:[x] p:[?]]", "<r>x</r><p>?</p>", "[('c', 'x'), ('p', '?')]", "Password: ?", "%3Cpwd%3E?", "c=x&amp;p%3D?",
		"Yz1zbXNzdG9wc3Vic2NyaWJlcnNlbmQmcD14", // c=smsstopsubscribersend&p=x
	} {
		if got := presentable(reason, "mypass"); got != withheld {
			t.Errorf("%q is shown as %q", reason, got)
		}
	}
}

// A text with more escapes in it than are looked at is not shown.
func TestPresentableEndless(t *testing.T) {
	t.Parallel()
	reason := "a+b"
	for range 40 {
		reason = url.QueryEscape(reason)
	}
	if got := presentable(reason, "mypass"); got != withheld {
		t.Errorf("%q", got)
	}
}

// leaked returns a writing of the password that is shown, or a part of the password.
// Of one that is shorter than what is hidden, no more is promised than in words.
func leaked(shown, password string) string {
	if len(password) < minHidden {
		return ""
	}
	for _, w := range writings {
		if as := w.as(password); len(as) >= minHidden && strings.Contains(shown, as) {
			return w.name + ": " + as
		}
	}
	for i := range max(0, len(password)-minHidden+1) {
		if part := password[i : i+minHidden]; strings.Contains(shown, part) {
			return part
		}
	}
	return ""
}

func FuzzPresentable(f *testing.F) {
	f.Add("Password mypass is wrong", "mypass")
	f.Add("ÅÄ mypass 1206-555-1212", "äpass")
	f.Add("bad request", secretPassword)
	f.Add("no such subscriber", "a%41b+c&amp;d")
	f.Fuzz(func(t *testing.T, reason, password string) {
		for _, w := range writings {
			for _, repeated := range []string{reason + w.as(password), w.as(password) + " " + reason, reason + " " + w.as("p="+password)} {
				got := presentable(repeated, password)
				if part := leaked(got, password); part != "" && got != withheld {
					t.Errorf("%s: %q is shown as %q, which holds %q", w.name, repeated, got, part)
				}
			}
		}
		got := presentable(reason, password)
		if part := leaked(got, password); part != "" && got != withheld {
			t.Errorf("%q shows %q", got, part)
		}
		run := 0
		for _, c := range got {
			if run++; c < '0' || c > '9' {
				run = 0
			}
			if run >= minPhone {
				t.Errorf("%q shows a phone", got)
			}
		}
	})
}
