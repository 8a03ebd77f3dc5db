package phone

import "strings"

// withoutComments is a field without what stands in parentheses, which is a comment in an
// address of mail: programs that send texts by a carrier's mail gateway have smtplib or
// others take it out of the phone. An area code is none: a field that is a possible number
// with all its digits, and has the parentheses at its front or behind a country code, is
// left whole.
func (r *Region) withoutComments(field string) (string, bool) {
	begin := strings.IndexByte(field, '(')
	if begin < 0 || strings.IndexByte(field[begin:], ')') < 0 {
		return field, false
	}
	var all, before digits
	all.addString(field)
	before.addString(field[:begin])
	if before.n <= maxCode && all.fits() {
		if _, possible := r.canonical(all.string()); possible {
			return field, false
		}
	}
	cut := cutComments(field)
	left := digits{}
	left.addString(cut)
	return cut, left.n >= minListed
}

// maxCode is the most digits of a country code behind an international prefix.
const maxCode = 6

// cutComments is text without its parts in parentheses.
func cutComments(text string) string {
	if !strings.ContainsAny(text, "()") {
		return text
	}
	var b strings.Builder
	depth := 0
	for _, c := range text {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth = max(0, depth-1)
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}
