package phone

import (
	"strings"
	"unicode/utf8"
)

// minLeading is the fewest digits before a mark that are taken for a whole number:
// fewer are its beginning, as people group it.
const minLeading = 9

// leads walks through the readings of programs that take grouping out and then read an
// integer, which ends at what they left: 1-206-555-1212.0, 1 206 555 1212/5. So the digits
// before the first of each mark are a reading, if they are enough for a number.
type leads struct {
	text  string
	all   int  // how many digits text has
	least int  // the fewest that are enough
	every bool // the digits before any mark count, not only before the first of its kind
	d     digits
	at    int // where the walk stands
	told  int // how many digits were read at the last stop
}

// next goes on to the next reading, which is then in d, if there is one.
func (l *leads) next() bool {
	for l.at < len(l.text) && l.d.n <= len(l.d.b) {
		at := l.at
		c, size := utf8.DecodeRuneInString(l.text[at:])
		l.at += size
		if c >= '0' && c <= '9' {
			l.d.put(byte(c))
			continue
		}
		if l.d.n > l.told && l.d.n >= l.least && l.d.n < l.all && l.d.fits() &&
			(l.every || strings.IndexRune(l.text, c) == at) {
			l.told = l.d.n
			return true
		}
	}
	return false
}
