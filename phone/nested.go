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
