package smsapi

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/stopgate/stopgate/phone"
)

// maxRealm is the longest realm that is read, in bytes.
const maxRealm = 128

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
	if len(s) > maxRealm {
		return "", ErrRealmTooLong
	}
	if isCanonicalRealm(s) {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", ErrRealmUnreadable
	}
	// CodeIgniter takes control characters out. Those that end lines may stand around.
	if strings.ContainsFunc(strings.Trim(s, "\t\n\r "), unicode.IsControl) {
		return "", ErrRealmUnreadable
	}
	s = norm.NFKD.String(cases.Fold().String(norm.NFKD.String(s)))
	s = norm.NFC.String(fitted(withoutMarks(s)))
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "", ErrRealmEmpty
	}
	if len(s) > maxRealm {
		return "", ErrRealmTooLong
	}
	// Blanks other than the space are gone by now.
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
	if IsASCII(fits) {
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

// RealmGuess says of a realm that is nobody's which accounts a program may read in it.
type RealmGuess struct {
	realm, letters, unfiltered string
	left, leftFirst, leftLast  string // the letters and digits of all of it and of its parts
	numbers                    []float64
	any                        bool // it may be a pattern that no rule here follows
	patterns                   []*regexp.Regexp
}

// GuessRealm looks at a canonical realm. See [RealmGuess.MayMean].
func GuessRealm(realm string) RealmGuess {
	g := RealmGuess{realm: realm, left: left(realm, isLetterOrDigit)}
	if inner := strings.Trim(g.left, "0123456789"); inner == g.left {
		g.letters = left(realm, unicode.IsLetter)
	}
	if end := strings.IndexFunc(realm, isOddInNames); end > 0 && realm[end-1] != ' ' { // acme (uk) is a name
		g.leftFirst = left(realm[:end], isLetterOrDigit)
	}
	if parts := strings.TrimRight(realm, `/\. `); strings.ContainsAny(realm, `/\`) {
		g.leftLast = left(parts[strings.LastIndexAny(parts, `/\`)+1:], isLetterOrDigit)
	}
	g.numbers = numbersOf(realm)
	if cut, ok := phone.WithoutFilteredWords(realm); ok {
		g.unfiltered = left(cut, isLetterOrDigit)
	}
	g.any = strings.IndexByte(realm, '\\') >= 0 || strings.Contains(realm, "[^") // \S+, (m)yreal\1, [^]*; letter case is folded by now
	if strings.ContainsAny(realm, `%*?+^$|\[]()._`) {
		like := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(realm))
		for _, pattern := range [...]string{"^(?:" + like + ")$", "^(?:" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(realm)) + ")$", realm} {
			if compiled, err := regexp.Compile(pattern); err == nil {
				g.patterns = append(g.patterns, compiled)
			}
		}
	}
	return g
}

// MayMean reports whether a program that cleans account names, looks them up by a
// pattern or takes them for numbers could read account, which is canonical.
//
// Programs leave out what is no letter or digit (Symfony's getAlnum, WordPress'
// sanitize_key, Joomla's getCmd, PHP's stripslashes and filter_input), and digits between
// letters as well (getAlpha); or they keep what stands before a mark that no name has
// (Perl's untainting), or behind a slash (PHP's basename). LIKE and regular expressions are
// how many compare without letter case. Names that differ in more, such as acme-uk and
// acme, are two accounts'.
func (g *RealmGuess) MayMean(account string) bool {
	if g.any {
		return true
	}
	name := left(account, isLetterOrDigit)
	if g.left == name || name != "" && (g.letters == name || g.leftFirst == name || g.leftLast == name || g.unfiltered == name) {
		return true
	}
	for _, pattern := range g.patterns {
		if pattern.MatchString(account) {
			return true
		}
	}
	if len(g.numbers) > 0 {
		if number, err := strconv.ParseUint(account, 10, 53); err == nil && slices.Contains(g.numbers, float64(number)) {
			return true
		}
	}
	return isSameMailbox(g.realm, account)
}

// isOddInNames reports whether r stands in no account's name, as far as anybody knows.
func isOddInNames(r rune) bool {
	return strings.ContainsRune("/\\#()$?!:;,|\"'<>[]{}*%^~=`", r)
}

// isSameMailbox reports whether both are addresses of one mailbox, as far as
// express-validator's normalizeEmail knows.
func isSameMailbox(a, b string) bool {
	nameA, domainA, ok := strings.Cut(a, "@")
	if !ok {
		return false
	}
	nameB, domainB, _ := strings.Cut(b, "@")
	providerA, providerB := providerOf(domainA), providerOf(domainB)
	return providerA != "" && providerA == providerB && mailbox(nameA, providerA) == mailbox(nameB, providerB)
}

// providerOf is the provider of a mail domain, whose mailboxes have other addresses too. It
// is the domain itself where another one is another's.
func providerOf(domain string) string {
	switch domain {
	case "gmail.com", "googlemail.com":
		return "gmail"
	case "ya.ru", "yandex.ru", "yandex.ua", "yandex.kz", "yandex.com", "yandex.by":
		return "yandex"
	case "icloud.com", "me.com", "yahoo.com", "ymail.com", "rocketmail.com":
		return domain
	}
	name, _, _ := strings.Cut(domain, ".")
	if name == "outlook" || name == "hotmail" || name == "live" || name == "yahoo" || name == "msn" || name == "passport" || name == "windowslive" {
		return domain
	}
	return ""
}

// mailbox is the name of a mailbox without what a provider leaves out.
func mailbox(name, provider string) string {
	switch {
	case provider == "gmail":
		name, _, _ = strings.Cut(name, "+")
		return strings.ReplaceAll(name, ".", "")
	case provider == "yandex":
		return name
	case strings.HasPrefix(provider, "yahoo."), provider == "ymail.com", provider == "rocketmail.com":
		name, _, _ = strings.Cut(name, "-")
		return name
	}
	name, _, _ = strings.Cut(name, "+")
	return name
}

// numbersOf are the whole numbers that all of s is, that it begins with or that its digits
// are: PHP's (int) and FILTER_SANITIZE_NUMBER_INT, JavaScript's Number and parseInt, Go's
// ParseInt, a column of integers.
func numbersOf(s string) (numbers []float64) {
	if n, err := strconv.ParseUint(left(s, unicode.IsDigit), 10, 64); err == nil {
		numbers = append(numbers, float64(n))
	}
	s = strings.TrimLeft(s, "+ ")
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		numbers = append(numbers, math.Trunc(f))
	}
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		numbers = append(numbers, float64(n))
	}
	base, digits := 10, "0123456789"
	if strings.HasPrefix(s, "0x") {
		s, base, digits = s[len("0x"):], 16, "0123456789abcdef"
	}
	if n, err := strconv.ParseUint(s[:len(s)-len(strings.TrimLeft(s, digits))], base, 64); err == nil {
		numbers = append(numbers, float64(n))
	}
	return numbers
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

// isInvisible reports whether a reader or a database may compare as if r were not
// there: SQL Server does so with unassigned characters, and MySQL's utf8 of three
// bytes ends at the emoji and their like.
func isInvisible(r rune) bool {
	return r == utf8.RuneError || !unicode.IsGraphic(r) || r > 0xffff && !unicode.IsLetter(r)
}
