package whatcounts

import (
	"strings"
	"unicode/utf8"

	"github.com/stopgate/stopgate/smsapi"
)

// Some programs take bytes out of a whole form or query before they look at it: Java's that
// put the lines of a body together without their ends, Python's that decode it with
// errors="ignore", as UTF-8 or as ASCII. An escape that such a byte stands in, pho%6\nee, is one
// to them alone.

// dropping are the ways in which bytes go.
var dropping = [...]func(string) string{withoutControls, withoutInvalid, withoutHighs}

// readDropped looks for what an argument is to those who drop bytes, where that is another.
func (args *arguments) readDropped(query, form string) {
	if smsapi.IsASCII(query) && !mayDrop(form) { // a query with control characters is refused
		return
	}
	for _, drop := range dropping {
		q, f := drop(query), drop(form)
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
			case is.refusal != nil && was.refusal == nil, is.given && drop(was.raw) != is.raw:
				args.object(r, refusedSpelling[r])
			case r == sender && was.given && !is.given:
				args.cut = true
			}
		}
		args.member = args.member || again.member
	}
}

// mayDrop reports whether text holds a byte that somebody drops.
func mayDrop(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return true
		}
	}
	return false
}

func withoutControls(text string) string {
	return withoutBytes(text, func(c byte) bool { return c < ' ' || c == 0x7f })
}

func withoutHighs(text string) string {
	return withoutBytes(text, func(c byte) bool { return c >= utf8.RuneSelf })
}

func withoutInvalid(text string) string { return strings.ToValidUTF8(text, "") }

func withoutBytes(text string, drops func(byte) bool) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		if !drops(text[i]) {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
