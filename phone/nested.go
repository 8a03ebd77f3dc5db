package phone

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// The kinds of separators that a field can hold.
const (
	commas = 1 << iota
	semicolons
	bars
	lines
	tabs
	slashes
	blanks
	wides // those outside ASCII, which many drop
)

// separator is the kind of separator that c is, or 0.
func separator(c rune) uint8 {
	b, ok := foldRune(c)
	if !ok {
		return 0
	}
	if c >= utf8.RuneSelf && strings.IndexByte(",;| ", b) >= 0 {
		return wides
	}
	switch b {
	case ',':
		return commas
	case ';':
		return semicolons
	case '|':
		return bars
	case ' ':
	default:
		return 0
	}
	switch c {
	case '\t':
		return tabs
	case '/':
		return slashes
	case '\n', '\v', '\f', '\r':
		return lines
	}
	return blanks
}

// maxNested is the most kinds of separators that a field may hold. Lists that people
// write have three: commas, blanks and lines.
const maxNested = 4

// maxNestedEffort is maxEffort for all ways to split a field together. A list of
// MaxList numbers in groups behind 00, with a comma and a line's end behind each, asks
// for nine tenths of it.
const maxNestedEffort = 2 * maxEffort

// nestedReadings reads a field with separators of several kinds as backends do that
// split at some of them and drop the others: 1,206,555,1212;1,310,555,0000.
func (r *Region) nestedReadings(dst []Number, text string, whole int) ([]Number, error) {
	var present uint8
	for _, c := range text {
		present |= separator(c)
	}
	if present&(present-1) == 0 {
		return dst, nil
	}
	if bits.OnesCount8(present) > maxNested {
		return dst, ErrUnreadable
	}
	effort := 0
	for kind := (present - 1) & present; kind != 0; kind = (kind - 1) & present {
		f := field{}
		var piece digits
		inner, open := false, false // another separator between digits, and behind the last
		read := func() {
			if inner && piece.n >= minListed && piece.n < whole && piece.fits() {
				dst = r.read(dst, &f, &piece)
			}
			piece, inner, open = digits{}, false, false
		}
		for _, c := range text {
			switch s := separator(c); {
			case s&kind != 0:
				read()
			case s != 0:
				open = piece.n > 0
			default:
				if b, _ := foldRune(c); b >= '0' && b <= '9' {
					inner = inner || open
					piece.put(b)
				}
			}
		}
		read()
		if effort += f.effort; f.effort > maxEffort || effort > maxNestedEffort {
			return dst, ErrTooLong
		}
	}
	return dst, nil
}

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
