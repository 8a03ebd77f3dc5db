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
// it, letter case folded, in Unicode's NFKC. Configuration and requests go
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
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "", ErrRealmEmpty
	}
	if len(s) > MaxRealm {
		return "", ErrRealmTooLong
	}
	// Blanks other than the space are gone by now. A NUL ends the name for some
	// readers, and a database may compare as if a format character were not there.
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

func isInvisible(r rune) bool {
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}
