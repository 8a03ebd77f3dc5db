package smsapi

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// MaxRealm is the longest realm that is read, in bytes.
const MaxRealm = 128

// The errors of CanonicalRealm. None holds what was given.
var (
	ErrRealmEmpty      = errors.New("the realm is empty")
	ErrRealmTooLong    = errors.New("the realm is longer than 128 bytes")
	ErrRealmUnreadable = errors.New("the realm holds characters that no account name has")
)

// CanonicalRealm is the form in which realms are compared: without blanks around
// it, letter case folded, compatibility forms resolved, and without accents and
// what is invisible: databases compare so (MySQL's collations _ai_ci, its default
// among them). Configuration and requests go
// through it alike. The realm "*" stands for every realm in the list and is no
// account: it is unreadable here.
func CanonicalRealm(s string) (string, error) {
	if len(s) > MaxRealm {
		return "", ErrRealmTooLong
	}
	if isCanonicalRealm(s) {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", ErrRealmUnreadable
	}
	// CodeIgniter takes control characters out. Those that end lines may stand around.
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) }) {
		return "", ErrRealmUnreadable
	}
	s = norm.NFKD.String(cases.Fold().String(norm.NFKD.String(s)))
	s = norm.NFC.String(fitted(withoutMarks(s)))
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "", ErrRealmEmpty
	}
	if len(s) > MaxRealm {
		return "", ErrRealmTooLong
	}
	// Blanks other than the space are gone by now. A NUL ends the name for some
	// readers.
	if s == "*" || strings.IndexFunc(s, isInvisible) >= 0 {
		return "", ErrRealmUnreadable
	}
	return s, nil
}

// isCanonicalRealm reports whether s is what account names usually are, and so
// needs no folding.
func isCanonicalRealm(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return s != ""
}

// fitted is s in ASCII if Windows' best fits make it that, and else s: an account
// name in Greek stays what it is.
func fitted(s string) string {
	fits := strings.Map(func(r rune) rune {
		if c, ok := bestFit[r]; ok {
			return rune(c)
		}
		return r
	}, s)
	if isASCII(fits) {
		return fits
	}
	return s
}

// withoutMarks is s, decomposed and case-folded, without marks and what is
// ignorable, and with plain letters for those whose accent is a part of them.
func withoutMarks(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		case r == 'ß':
			b.WriteString("ss")
		case r == 'æ':
			b.WriteString("ae")
		case r == 'œ':
			b.WriteString("oe")
		default:
			if plain, ok := strokeless[r]; ok {
				r = plain
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

var strokeless = map[rune]rune{'ø': 'o', 'ł': 'l', 'đ': 'd', 'ð': 'd', 'ħ': 'h', 'ŧ': 't', 'ı': 'i'}

// isInvisible reports whether a reader or a database may compare as if r were not
// there: SQL Server does so with unassigned characters, and MySQL's utf8 of three
// bytes ends at the emoji and their like.
func isInvisible(r rune) bool {
	return r == utf8.RuneError || !unicode.IsGraphic(r) || r > 0xffff && !unicode.IsLetter(r)
}
