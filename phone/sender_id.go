package phone

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// idMarks is the punctuation of GSM 03.38 that alphanumeric IDs use. The marks
// that separate list elements, that quote or that escape are not among it.
const idMarks = ".-_&+!'/#@()?$"

type kind uint8

const (
	otherText kind = iota
	plainDigits
	plainLetters
)

// plainKind recognises the senders that need no folding: ASCII digits, and lower
// case ASCII letters with few digits behind.
func plainKind(s string) kind {
	letters, numbers := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			numbers++
		case c >= 'a' && c <= 'z':
			letters++
		default:
			return otherText
		}
	}
	switch {
	case letters == 0 && numbers > 0:
		return plainDigits
	case letters > 0 && numbers < minHidden && s[0] >= 'a':
		return plainLetters
	}
	return otherText
}

// foldID removes from a sender what does not distinguish it: letter case and
// Unicode's compatibility forms. It keeps the scripts apart.
func foldID(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrUnreadable
	}
	id := strings.Map(foldCase, s)
	// A form may have a letter case that its parts lack, and the other way round. ASCII has none.
	for n := 0; n < 4 && !isASCII(id); n++ {
		next := strings.Map(foldCase, norm.NFKC.String(id))
		if next == id {
			break
		}
		id = next
	}
	if len(id) > MaxSender {
		return "", ErrTooLong
	}
	for _, c := range id {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == ' ':
		case c < utf8.RuneSelf:
			if strings.IndexByte(idMarks, byte(c)) < 0 {
				return "", ErrUnreadable
			}
		case !unicode.In(c, unicode.L, unicode.M):
			return "", ErrUnreadable
		}
	}
	return id, nil
}

// foldCase maps all letters that differ in case only to one of them, and decimal
// digits to ASCII.
func foldCase(c rune) rune {
	if c < utf8.RuneSelf {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}
	if unicode.IsDigit(c) {
		return rune(decimal(c))
	}
	least := c
	for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return unicode.ToLower(unicode.ToUpper(least))
}

// isPlainID reports whether id is made of what no reader takes out of it.
func isPlainID(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isID reports whether a folded text is an alphanumeric ID: it has a letter, and
// its ends survive a reader that trims.
func isID(id string) bool {
	return strings.ContainsFunc(id, unicode.IsLetter) &&
		strings.Trim(id, " '") == id && id[0] != '+'
}

// visible trims blanks, and leaves out format characters and letters that nobody sees, such
// as Hangul's fillers, which Laravel's TrimStrings takes off (Str::INVISIBLE_CHARACTERS).
func visible(s string) string {
	return without(s, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}

// without leaves characters out, and blanks around.
func without(s string, left ...*unicode.RangeTable) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.In(c, left...) {
			return -1
		}
		return c
	}, s))
}
