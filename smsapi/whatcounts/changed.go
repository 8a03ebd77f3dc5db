package whatcounts

import (
	"html"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stopgate/stopgate/smsapi"
)

// Some programs change a whole form or query before they look at it: Java's that put the
// lines of a body together without their ends, Python's that decode it with errors="ignore",
// as UTF-8 or as ASCII, PHP's that undo entities or take tags out, and on Mono all of
// System.Web's and those that leave a body to HttpUtility.ParseQueryString. An escape that such
// a byte stands in, pho%6\nee, is one to them alone.

// changes are what they do to a query, to a form, and to a value that is the same to them.
var changes = [...]struct {
	query, form, value func(string) string
	mono               bool
}{
	{withoutControls, withoutControls, withoutControls, false},
	{withoutInvalid, withoutInvalid, withoutInvalid, false},
	{withoutHighs, withoutHighs, withoutHighs, false},
	{withoutEntities, withoutEntities, withoutEntities, false},
	{withoutTags, withoutTags, withoutTags, false},
	{inMono, withoutMonoEntities, smsapi.InLatin1, true}, // with an entity in it, a value is another
}

// mayChange reports whether a query or a form holds bytes that go, or "<"; semicolons, which
// end entities, and bytes outside ASCII in the query are looked for elsewhere. A query with
// control characters has been refused.
func mayChange(query, form string) bool {
	return strings.IndexByte(query, '<') >= 0 ||
		form != "" && (!smsapi.IsPlain(form) || strings.IndexByte(form, '<') >= 0)
}

// readChanged looks for what an argument is to them, where that is another.
func (args *arguments) readChanged(query, form string) {
	for _, change := range changes {
		if args.effort > maxEffort {
			return // it is refused
		}
		q, f := change.query(query), change.form(form)
		if q == query && f == form {
			continue
		}
		again := arguments{effort: args.effort, changed: true, mono: change.mono}
		if again.mono {
			again.read(smsapi.AmpersandForm(q), inQuery)
			again.read(smsapi.AmpersandForm(f), inBody)
		} else {
			again.readQuery(q)
			again.read(smsapi.BodyForm(f), inBody)
		}
		for r := command; r < roles; r++ {
			was, is := &args.of[r], &again.of[r]
			switch {
			case r == password:
			case is.refusal != nil && was.refusal == nil, is.given && is.raw != was.raw && is.raw != change.value(was.raw):
				args.object(r, refusedSpelling[r])
			case r == sender && was.given && !is.given:
				args.cut = true
			}
		}
		args.member = args.member || again.member
		args.container = args.container || again.container
		args.charset = args.charset || again.charset
		args.effort = again.effort
		args.numbered = args.numbered || again.numbered
		if again.realmElsewhere != "" {
			args.noteRealm(again.realmElsewhere)
		}
		for _, raw := range again.countries {
			if !slices.ContainsFunc(args.countries, func(was string) bool { return raw == was || raw == change.value(was) }) {
				args.noteCountry(raw)
			}
		}
	}
}

func withoutControls(text string) string {
	return withoutBytes(text, func(c byte) bool { return c < ' ' || c == 0x7f })
}

func withoutHighs(text string) string {
	return withoutBytes(text, func(c byte) bool { return c >= utf8.RuneSelf })
}

func withoutInvalid(text string) string { return strings.ToValidUTF8(text, "") }

func withoutBytes(text string, drops func(byte) bool) string {
	at := 0
	for at < len(text) && !drops(text[at]) {
		at++
	}
	if at == len(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	b.WriteString(text[:at])
	for i := at; i < len(text); i++ {
		if !drops(text[i]) {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// withoutEntities is text with those entities undone that end as they should: &region=US
// holds none.
func withoutEntities(text string) string {
	if strings.IndexByte(text, ';') < 0 || strings.IndexByte(text, '&') < 0 {
		return text
	}
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '&') + 1
		if at == 0 {
			b.WriteString(text)
			return b.String()
		}
		end := at + strings.IndexAny(text[at:], "&=;")
		if end >= at && text[end] == ';' {
			b.WriteString(text[:at-1])
			b.WriteString(html.UnescapeString(text[at-1 : end+1]))
			at = end + 1
		} else {
			b.WriteString(text[:at])
		}
		text = text[at:]
	}
}

// withoutTags is text without what stands between "<" and ">".
func withoutTags(text string) string {
	if strings.IndexByte(text, '<') < 0 {
		return text
	}
	var b strings.Builder
	for {
		begin := strings.IndexByte(text, '<')
		if begin < 0 {
			break
		}
		end := strings.IndexByte(text[begin:], '>')
		if end < 0 {
			break
		}
		b.WriteString(text[:begin])
		text = text[begin+end+1:]
	}
	b.WriteString(text)
	return b.String()
}
