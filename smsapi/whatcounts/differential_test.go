package whatcounts

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The backend behind each model: an application that cleans up numbers as SMS
// services do, and has sender 120162701555 for those who name none.

// messages reports whether a view is a send to the fixture's pair.
func messages(v seen) bool {
	for _, cmd := range []string{v["c"], v["cmd"]} {
		cmd = strings.ToLower(strings.TrimSpace(narrow(cmd)))
		fanOut := strings.HasPrefix(cmd, commandFanOut)
		if !strings.HasPrefix(cmd, commandSend) && !fanOut {
			continue
		}
		for _, realm := range []string{v["r"], v["realm"]} {
			if strings.ToLower(strings.TrimSpace(realm)) != "myrealm" {
				continue
			}
			if isSender(v["sender_code"]) && (fanOut || listsPhone(v["phone"])) {
				return true
			}
		}
	}
	return false
}

func isSender(field string) bool {
	if strings.TrimSpace(field) == "" {
		return true // the default
	}
	for _, element := range strings.FieldsFunc(field, isListSeparator) {
		if strings.TrimLeft(digitsOf(element), "0") == "120162701555" {
			return true
		}
	}
	return false
}

func listsPhone(field string) bool {
	if isPhone(digitsOf(field)) {
		return true
	}
	for _, element := range strings.FieldsFunc(field, isListSeparator) {
		if isPhone(digitsOf(element)) {
			return true
		}
	}
	for _, element := range strings.Fields(field) {
		if isPhone(digitsOf(element)) {
			return true
		}
	}
	return false
}

func isListSeparator(c rune) bool { return strings.ContainsRune(",;|\n\r", c) }

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, narrow(s))
}

func isPhone(digits string) bool {
	digits = strings.TrimPrefix(digits, "999") // of which the last ten digits are kept
	digits = strings.TrimLeft(digits, "0")
	if rest, ok := strings.CutPrefix(digits, "011"); ok {
		digits = rest
	}
	return digits == "12065551212" || digits == "2065551212"
}

// The grammar of the quirks.

var (
	nameQuirks = []func(string) string{
		func(n string) string { return n },
		func(n string) string { return n },
		func(n string) string { return n },
		strings.ToUpper,
		func(n string) string { return strings.ToUpper(n[:1]) + n[1:] },
		func(n string) string { return n + "[]" },
		func(n string) string { return n + "%5B0%5D" },
		func(n string) string { return n + "[x" },
		func(n string) string { return n + "[a][b]" },
		func(n string) string { return n + "]" },
		func(n string) string { return "[" + n + "]" },
		func(n string) string { return "[" + n },
		func(n string) string { return "?" + n },
		func(n string) string { return n + "%" },
		func(n string) string { return n + "%C0%80" },
		func(n string) string { return n + "%00" },
		func(n string) string { return n + "%00x" },
		func(n string) string { return "+" + n },
		func(n string) string { return "%20" + n },
		func(n string) string { return n + "+" },
		func(n string) string { return n + "." },
		func(n string) string { return "%EF%BB%BF" + n },
		func(n string) string { return strings.ReplaceAll(n, "_", ".") },
		func(n string) string { return strings.ReplaceAll(n, "_", "+") },
		func(n string) string { return strings.ReplaceAll(n, "_", "[") },
		func(n string) string { return strings.ReplaceAll(n, "_", "%5B") },
		func(n string) string { return strings.ReplaceAll(n, "_", "%5F") },
		func(n string) string { return fmt.Sprintf("%%%02X%s", n[0], n[1:]) },
		func(n string) string { return fmt.Sprintf("%%u00%02x%s", n[0], n[1:]) },
		func(n string) string { return fmt.Sprintf("%%25%02X%s", n[0], n[1:]) },
		func(n string) string { return string('ａ'+rune(n[0]-'a')) + n[1:] },
		func(n string) string { return "amp;" + n },
		func(n string) string { return "x;" + n },
		func(n string) string { return "x%26" + n },
		func(n string) string { return "x#&" + n },
		func(n string) string { return "x=1;" + n },
		func(n string) string { return "x=#&" + n },
		func(n string) string { return "x=1;+" + n },
		func(n string) string { return "&" + n },
		func(n string) string { return "m." + n },
		func(n string) string { return "m[" + n + "]" },
		func(n string) string { return "[0]." + n },
		func(n string) string { return "top." + n },
		func(n string) string { return "nxtP" + n },
		func(n string) string { return strings.NewReplacer("n", "%6>", "_", "%5?").Replace(n) },
		func(n string) string {
			return fmt.Sprintf("%%%X%s%s", n[0]>>4, string(rune('\uFF10'+int32(n[0]&0xf))), n[1:])
		},
		func(n string) string { return n[:1] + "%D9%80" + n[1:] },
		func(n string) string { return n + "%D0%B6" },
		func(n string) string { return n[:1] + "%2541" + n[1:] },
		func(n string) string { return strings.ReplaceAll(n, "p", "%CF%80") },
		func(n string) string { return strings.ReplaceAll(n, "e", "%u03b5") },
		func(n string) string { return strings.ReplaceAll(n, "d", "%CE%B4") },
	}
	valueQuirks = []func(string) string{
		func(v string) string { return v },
		func(v string) string { return v },
		func(v string) string { return v },
		func(v string) string { return v + "+" },
		func(v string) string { return "%09" + v },
		func(v string) string { return v + "%0D%0A" },
		func(v string) string { return v + "%00" },
		func(v string) string { return v + "%009" },
		func(v string) string { return v + "%" },
		func(v string) string { return v + ";x" },
		func(v string) string { return v + ";x=1" },
		func(v string) string { return v + "#x" },
		func(v string) string { return "=" + v },
		func(v string) string { return v + "=" },
		func(v string) string { return v + "%2C999" },
		func(v string) string { return "999," + v },
		func(v string) string { return fmt.Sprintf("%%%02x%s", v[0], v[1:]) },
		func(v string) string { return fmt.Sprintf("%%25%02x%s", v[0], v[1:]) },
		func(v string) string { return fmt.Sprintf("%%u00%02x%s", v[0], v[1:]) },
		func(v string) string { return "%EF%BB%BF" + v },
		func(v string) string { return v[:1] + "%E2%80%8B" + v[1:] },
		func(v string) string { return v[:1] + "%C2%AD" + v[1:] },
		func(v string) string { return "%22" + v + "%22" },
		func(v string) string { return "999" + v },
		func(v string) string { return v[:1] + "(0)" + v[1:] },
		func(v string) string { return strings.ReplaceAll(v, "s", "%CF%83") },
		func(v string) string { return strings.ReplaceAll(v, "e", "%CE%B5") },
		func(v string) string { return v + "%C3%A9" },
		func(v string) string { return v + "%26x" },
		func(v string) string { return v + "2" },
		func(v string) string { return v[:2] + "1" + v[2:] },
		func(v string) string { return v[:1] + "%5C" + v[1:] },
		func(v string) string { return v[:2] + "-" + v[2:] },
		func(v string) string { return v[:2] + "!" + v[2:] },
		func(v string) string { return v[:2] + "%D0%B6" + v[2:] },
		func(v string) string { return v[:2] + "%2541" + v[2:] },
		func(v string) string { return v + ".x" },
		func(v string) string { return v + "@x" },
		strings.ToUpper,
		func(v string) string { return v + "%26x%3D1" },
		func(v string) string {
			return strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return r - '0' + '０'
				}
				return r
			}, v)
		},
		func(string) string { return "" },
	}
	separators = []string{"&", "&", "&", "&", "&", "&", ";", "&amp;", "&&", "&;", "%26", "; "[:1] + "+"}
	phones     = []string{"13105550000", "12065551212", "2065551212", "%2B12065551212", "0012065551212", "1-206-555-1212", "(206)+555-1212", "13105550000,12065551212", "13105550000+12065551212", "12065", "tel:+12065551212"}
	senders    = []string{"120162701555", "120162701555", "%2B120162701555", "999", "MyBrand"}
	commands   = []string{commandSend, commandSend, commandSend, commandFanOut, "balance", "find", "SmsSendMessageToPhone", "createsmsmessage"}
	realms     = []string{"myrealm", "myrealm", "myrealm", "second", "MyRealm", "myrealm+"}
	texts      = []string{"hello", "a;b", "50%", "a%26phone%3D12065551212", "Q&A", "x;p", "a;phone=12065551212", "%F0%9F%98%80", "#1", "R&B"}
)

// genForm draws the pairs of a query or a form, well-formed or not.
func genForm(t *rapid.T, label string) string {
	var b strings.Builder
	for i := range rapid.IntRange(0, 8).Draw(t, label+" pairs") {
		if i > 0 {
			b.WriteString(rapid.SampledFrom(separators).Draw(t, "separator"))
		}
		b.WriteString(genPair(t))
	}
	return b.String()
}

func genPair(t *rapid.T) string {
	var name, value string
	switch rapid.IntRange(0, 5).Draw(t, "argument") {
	case 0:
		name = rapid.SampledFrom([]string{"c", "c", "cmd"}).Draw(t, "name")
		value = rapid.SampledFrom(commands).Draw(t, "command")
	case 1:
		name = rapid.SampledFrom([]string{"r", "r", "realm"}).Draw(t, "name")
		value = rapid.SampledFrom(realms).Draw(t, "realm")
	case 2:
		name, value = "phone", rapid.SampledFrom(phones).Draw(t, "phone")
	case 3:
		name, value = "sender_code", rapid.SampledFrom(senders).Draw(t, "sender")
	case 4:
		name, value = "p", "mypass"
	default:
		name, value = "text", rapid.SampledFrom(texts).Draw(t, "text")
	}
	return genSpelling(t, name, value)
}

// genSpelling spells a pair oddly, one time in three.
func genSpelling(t *rapid.T, name, value string) string {
	if rapid.IntRange(0, 2).Draw(t, "odd") == 0 {
		name = rapid.SampledFrom(nameQuirks).Draw(t, "name quirk")(name)
		value = rapid.SampledFrom(valueQuirks).Draw(t, "value quirk")(value)
		if rapid.IntRange(0, 9).Draw(t, "bare") == 0 {
			return name
		}
	}
	return name + "=" + value
}

// genAsked draws a request: a whole send with one or two things wrong, or pairs
// at random.
func genAsked(t *rapid.T) asked {
	a := asked{method: rapid.SampledFrom([]string{"GET", "POST", "PUT", "get"}).Draw(t, "method")}
	if rapid.Bool().Draw(t, "from a whole send") {
		a.query, a.body = genNearlyWhole(t)
	} else {
		a.query, a.body = genForm(t, "query"), genForm(t, "body")
	}
	if rapid.IntRange(0, 5).Draw(t, "with cookie") == 0 {
		for range rapid.IntRange(1, 2).Draw(t, "cookies") {
			a.cookie += strings.ReplaceAll(genPair(t), ";", "%3B") + "; "
		}
		a.cookie = strings.TrimSuffix(a.cookie, "; ")
	}
	return a
}

// genNearlyWhole draws a send whose parts may be spelt oddly, doubled, left out
// or in the other place.
func genNearlyWhole(t *rapid.T) (query, body string) {
	var parts [2]strings.Builder
	add := func(name, value string) {
		place := rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "place")
		if parts[place].Len() > 0 {
			parts[place].WriteString(rapid.SampledFrom(separators).Draw(t, "separator"))
		}
		odd := rapid.IntRange(0, 5).Draw(t, "oddness")
		if odd == 0 {
			name = rapid.SampledFrom(nameQuirks).Draw(t, "name quirk")(name)
		}
		if odd == 1 {
			value = rapid.SampledFrom(valueQuirks).Draw(t, "value quirk")(value)
		}
		parts[place].WriteString(name + "=" + value)
	}
	times := func(label string) int {
		return rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 0, 2}).Draw(t, label)
	}
	for range times("realms") {
		add(rapid.SampledFrom([]string{"r", "realm"}).Draw(t, "r"), rapid.SampledFrom(realms).Draw(t, "realm"))
	}
	add("p", "mypass")
	for range times("commands") {
		add(rapid.SampledFrom([]string{"c", "cmd"}).Draw(t, "c"), rapid.SampledFrom(commands).Draw(t, "command"))
	}
	for range times("phones") {
		add("phone", rapid.SampledFrom(phones).Draw(t, "phone"))
	}
	for range times("senders") {
		add("sender_code", rapid.SampledFrom(senders).Draw(t, "sender"))
	}
	if rapid.Bool().Draw(t, "with text") {
		add("text", rapid.SampledFrom(texts).Draw(t, "text"))
	}
	return parts[0].String(), parts[1].String()
}

// raw is a as it is sent.
func (a asked) raw() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s /bin/api_web?%s HTTP/1.1\r\nHost: gw.example\r\n", a.method, a.query)
	if a.cookie != "" {
		fmt.Fprintf(&b, "Cookie: %s\r\n", a.cookie)
	}
	if a.body != "" {
		fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(a.body))
	}
	return b.String() + "\r\n" + a.body
}

// request is a as it reaches the gateway, or nil if net/http refuses it.
func (a asked) request() *http.Request {
	r, err := readRequest(a.raw())
	if err != nil {
		return nil
	}
	return r
}

// checkModels fails if the gateway would forward what any model takes for a
// send to the opted-out pair.
func checkModels(t interface{ Fatalf(string, ...any) }, f *fixture, a asked) verdict {
	r := a.request()
	if r == nil {
		return refused
	}
	verdict, _ := f.judge(r)
	if verdict != passes {
		return verdict
	}
	for _, m := range models {
		for i, view := range m.views(a) {
			if messages(view) {
				t.Fatalf("%s (view %d) messages the opted-out pair\n%s ?%s\nCookie: %s\n%s\nreads %q",
					m.name, i, a.method, a.query, a.cookie, a.body, view)
			}
		}
	}
	return verdict
}

func TestNoModelSendsWhatPasses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	count := map[verdict]int{} // shows that the grammar reaches every verdict
	for range 50 {
		rapid.Check(t, func(t *rapid.T) {
			count[checkModels(t, f, genAsked(t))]++
		})
	}
	t.Logf("%v", count)
}
