package phone

import "strings"

// maxWritten is the longest text that is read as one written number, in bytes.
const maxWritten = 64

// Written reads one phone as people and other systems write it: digits, between
// which blanks, dots, dashes, slashes and parentheses do not count, and perhaps a
// plus in front. With a plus it is an international number whatever the region;
// else it is read as [Region.Canonical] reads the digits of a stop. Anything else
// (letters, a second number, an extension) is not guessed at but an error.
//
// Every result is among the [Region.Readings] of the same text, so that what is
// recorded for it is found when it is sent to.
func (r *Region) Written(s string) (Number, error) {
	if len(s) > maxWritten {
		return Number{}, ErrTooLong
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return Number{}, ErrEmpty
	}
	rest, plus := strings.CutPrefix(s, "+")
	var digits strings.Builder
	for i := range len(rest) {
		switch c := rest[i]; {
		case c >= '0' && c <= '9':
			digits.WriteByte(c)
		case strings.IndexByte(" .-/()", c) < 0:
			return Number{}, ErrUnreadable
		}
	}
	d := digits.String()
	if d == "" {
		return Number{}, ErrUnreadable
	}
	if plain, err := fold(nil, rest); err != nil || amount(plain, 2) {
		return Number{}, ErrUnreadable
	}
	if !plus {
		return r.Canonical(d)
	}
	if len(d) > maxPrefixed {
		return Number{}, ErrTooLong
	}
	n, ok := r.international(d)
	if ok {
		n, ok = settle(n, func(n Number) (Number, bool) { return r.international(string(n.digits[:n.n])) })
	}
	if !ok {
		return Number{}, ErrImpossible
	}
	return n, nil
}

// Write is a number in full as [Region.Written] reads it back: its digits, with a
// plus in front where the digits alone would be another number in this region.
// Like [Number.Digits] it is personal data.
func (r *Region) Write(n Number) string {
	d := n.Digits()
	if same, err := r.Canonical(d); err == nil && same == n {
		return d
	}
	return "+" + d
}
