package phone

import "strings"

// brokenReadings reads each run of ASCII digits in a field whose digits have format
// characters or odd grouping between, where some readers stop or split, as it is and
// without what usually groups a number: 7‐206-555-1212 with a hyphen of Unicode's first.
func (r *Region) brokenReadings(dst []Number, text string, whole int) ([]Number, error) {
	if !strings.ContainsFunc(text, breaks) {
		return dst, nil
	}
	f := field{}
	dst = r.runsOf(dst, text, whole, &f)
	dst = r.runsOf(dst, strings.Map(func(c rune) rune {
		if strings.ContainsRune(usualGrouping, c) {
			return -1
		}
		return c
	}, text), whole, &f)
	if f.effort > maxEffort {
		return dst, ErrTooLong
	}
	return dst, nil
}

// usualGrouping is what groups the digits of a number, and what many take out.
const usualGrouping = " -.()"

// breaks reports whether c groups digits or vanishes, but is none of the usual.
func breaks(c rune) bool {
	if c >= '0' && c <= '9' || strings.ContainsRune(usualGrouping, c) {
		return false
	}
	b, ok := foldRune(c)
	return ok && (b == '-' || b == 0)
}

// runsOf reads each run of ASCII digits that is long enough and not all digits.
func (r *Region) runsOf(dst []Number, text string, whole int, f *field) []Number {
	for d, rest := nextDigits(text); d != ""; d, rest = nextDigits(rest) {
		piece := digits{}
		piece.addString(d)
		if piece.n >= minListed && piece.n < whole && piece.fits() {
			dst = r.read(dst, f, &piece)
		}
	}
	return dst
}
