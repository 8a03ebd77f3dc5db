package whatcounts

import (
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stopgate/stopgate/smsapi"
)

// Some programs change a whole form or query before they look at it: Java's that put the
// lines of a body together without their ends, Python's that decode it with errors="ignore",
// as UTF-8 or as ASCII, Mono's System.Web and PHP's that undo entities in a query, or take
// tags out. An escape that such a byte stands in, pho%6\nee, is one to them alone.

// changes are what they do.
var changes = [...]func(string) string{withoutControls, withoutInvalid, withoutHighs, withoutEntities, withoutTags}

// mayChange reports whether a query or a form holds bytes that go, or "<"; semicolons, which
// end entities, are looked for elsewhere. A query with control characters has been refused.
func mayChange(query, form string) bool {
	return !smsapi.IsASCII(query) || strings.IndexByte(query, '<') >= 0 ||
		form != "" && (!smsapi.IsPlain(form) || strings.IndexByte(form, '<') >= 0)
}

// readChanged looks for what an argument is to them, where that is another.
func (args *arguments) readChanged(query, form string) {
	for _, change := range changes {
		q, f := change(query), change(form)
		if len(q) == len(query) && len(f) == len(form) {
			continue
		}
		again := arguments{}
		again.readQuery(q)
		if f != "" {
			again.read(smsapi.BodyForm(f), inBody)
		}
		for r := command; r < roles; r++ {
			was, is := &args.of[r], &again.of[r]
			switch {
			case r == password:
			case is.refusal != nil && was.refusal == nil, is.given && change(was.raw) != is.raw:
				args.object(r, refusedSpelling[r])
			case r == sender && was.given && !is.given:
				args.cut = true
			}
		}
		args.member = args.member || again.member
		args.container = args.container || again.container
		args.charset = args.charset || again.charset
		args.heavy = max(args.heavy, again.heavy)
		args.numbered = args.numbered || again.numbered
		if again.realmElsewhere != "" {
			args.noteRealm(again.realmElsewhere)
		}
		for _, raw := range again.countries {
			if !slices.ContainsFunc(args.countries, func(was string) bool { return change(was) == raw }) {
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
		at := strings.IndexByte(text, '&')
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		text = text[at:]
		end := strings.IndexByte(text[:min(len(text), maxEntity)], ';') + 1
		if end == 0 || strings.ContainsAny(text[1:end], "&=") {
			b.WriteByte('&')
			text = text[1:]
			continue
		}
		b.WriteString(undone(text[:end]))
		text = text[end:]
	}
}

// maxEntity is the length of the longest entity that is looked at, in bytes.
const maxEntity = 256

// undone is an entity, from its "&" to its semicolon, undone.
func undone(entity string) string {
	if digits, ok := strings.CutPrefix(entity, "&#"); ok {
		if c, ok := numericEntity(strings.TrimSuffix(digits, ";")); ok {
			return string(c)
		}
	}
	return html.UnescapeString(entity)
}

// numericEntity is the character that Mono's System.Web makes of the digits of an entity:
// zeros and x's may stand before them in any number and order, and what is too large for 32
// bits loses its upper part.
func numericEntity(digits string) (c rune, ok bool) {
	base := uint32(10)
	if strings.ContainsAny(digits, "xX") {
		base = 16
	}
	number := uint32(0)
	for _, digit := range []byte(strings.TrimLeft(digits, "0xX")) {
		value, err := strconv.ParseUint(string(digit), int(base), 8)
		if err != nil {
			return 0, false
		}
		number = number*base + uint32(value)
	}
	return rune(number), number != 0 && number <= math.MaxUint16
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
