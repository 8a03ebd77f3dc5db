package smsapi

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/stopgate/stopgate/phone"
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
		case phone.Latin(r) != "":
			b.WriteString(phone.Latin(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// RealmMayMean reports whether a program that cleans account names, looks them up by a
// pattern or takes them for numbers could read account where realm is written. Both are
// canonical.
//
// Programs leave out what is no letter or digit (Symfony's getAlnum, WordPress'
// sanitize_key, Joomla's getCmd, PHP's stripslashes and filter_input), digits as well
// (getAlpha), or everything else (getDigits, getInt); or they keep a word of it (Perl's
// untainting). Names are compared by LIKE and by regular expressions to ignore letter case.
func RealmMayMean(realm, account string) bool {
	name := left(account, isLetterOrDigit)
	if name == "" || left(realm, isLetterOrDigit) == name || left(realm, unicode.IsLetter) == name {
		return true
	}
	if address, _, ok := strings.Cut(realm, "@"); ok { // mail providers drop dots, and have two domains
		if known, _, ok := strings.Cut(account, "@"); ok && left(address, isLetterOrDigit) == left(known, isLetterOrDigit) {
			return true
		}
	}
	if strings.ContainsAny(realm, `%*?+^$|\[]{}()`) || matchesSingly(realm, account) {
		return true
	}
	for word := range strings.FieldsFuncSeq(realm, func(r rune) bool { return !isLetterOrDigit(r) && r != '_' }) {
		if word == account {
			return true
		}
	}
	number, err := strconv.ParseUint(name, 10, 64)
	return err == nil && mayBeNumber(realm, number)
}

// matchesSingly reports whether name is what a pattern stands for, of which "_" (LIKE) and
// "." (regular expressions) are any one character.
func matchesSingly(pattern, name string) bool {
	if utf8.RuneCountInString(pattern) != utf8.RuneCountInString(name) {
		return false
	}
	for _, want := range pattern {
		r, n := utf8.DecodeRuneInString(name)
		if want != r && want != '_' && want != '.' {
			return false
		}
		name = name[n:]
	}
	return true
}

// mayBeNumber reports whether somebody reads a number at the beginning of s, in all
// digits of it, or in the whole: PHP's (int), JavaScript's Number, Go's ParseInt.
func mayBeNumber(s string, number uint64) bool {
	if n, err := strconv.ParseUint(left(s, isDigit), 10, 64); err == nil && n == number {
		return true
	}
	if n, err := strconv.ParseInt(strings.TrimLeft(s, "+ "), 0, 64); err == nil && n >= 0 && uint64(n) == number {
		return true
	}
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && f == float64(number)
}

// left is what is left of s of the characters that are kept.
func left(s string, keep func(rune) bool) string {
	if strings.IndexFunc(s, func(r rune) bool { return !keep(r) }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if keep(r) {
			return r
		}
		return -1
	}, s)
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// isInvisible reports whether a reader or a database may compare as if r were not
// there: SQL Server does so with unassigned characters, and MySQL's utf8 of three
// bytes ends at the emoji and their like.
func isInvisible(r rune) bool {
	return r == utf8.RuneError || !unicode.IsGraphic(r) || r > 0xffff && !unicode.IsLetter(r)
}
