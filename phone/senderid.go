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
	for range 4 { // a form may have a letter case that its parts lack, and the other way round
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

// maxID is the most characters of an alphanumeric sender that GSM 03.40 carries.
const maxID = 11

// sanitized appends what backends and networks make of an ID that are stricter than
// its owner: letters without their accents, without blanks and punctuation, and no
// more than eleven characters. raw is the ID before it was folded.
func sanitized(dst []Sender, start int, id, raw string) []Sender {
	if isPlainID(id) && isASCII(raw) {
		if len(id) > maxID {
			dst = addSender(dst, start, Sender(id[:maxID]))
		}
		return addID(dst, start, withoutInner(id))
	}
	unaccented := strings.Map(func(c rune) rune {
		if unicode.Is(unicode.M, c) {
			return -1
		}
		return c
	}, norm.NFKD.String(id))
	dst = addID(addID(dst, start, id), start, unaccented)
	for _, kept := range keptMarks {
		if kept != "" && !strings.ContainsAny(unaccented, kept) {
			continue
		}
		dst = addID(dst, start, keeping(unaccented, kept))
		if !isASCII(unaccented) {
			dst = addID(dst, start, strings.Map(onlyASCII, keeping(unaccented, kept)))
		}
	}
	if strings.ContainsAny(id, "&@$") {
		dst = addID(dst, start, keeping(inWords.Replace(unaccented), ""))
	}
	if !isASCII(raw) {
		// As a stop with decomposed letters has it: a dotted capital I folds to another.
		if decomposed, err := foldID(norm.NFD.String(raw)); err == nil {
			dst = addID(dst, start, decomposed)
		}
		for _, way := range [...]int{0, 1} {
			latin := transliterated(id, way)
			dst = addID(addID(dst, start, latin), start, keeping(latin, ""))
		}
	}
	return addID(dst, start, firstWord(id))
}

// withoutInner is an ID without the digits between its letters, which Symfony's getAlpha
// and Joomla's getWord take out, or "". Those at an end make it another: Brand2.
func withoutInner(id string) string {
	if at := strings.IndexAny(id, "0123456789"); at <= 0 || strings.Trim(id, "0123456789") != id {
		return ""
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsDigit(c) {
			return -1
		}
		return c
	}, id)
}

// inWords is what slugify and Laravel's Str::slug make of marks.
var inWords = strings.NewReplacer("&", "and", "@", "at", "$", "dollar")

// keptMarks are the sets of punctuation that are left in an ID where the rest is taken
// out: none, or some of those that Twilio and others list for alphanumeric senders.
var keptMarks = [...]string{"", " ", "-", "_", "&", " &", " -", " _", " -_", " &+_-", "-_."}

// firstWord is what a pattern without an end finds of an ID, such as Perl's (\w+), where
// it ends at a mark that no brand has in its name: "Acme Alerts" and "Acme-OTP" are other
// senders than "Acme".
func firstWord(id string) string {
	if end := strings.IndexAny(id, "@/#()$?!"); end > 0 {
		return id[:end]
	}
	return id
}

// transliterated is an ID in ASCII, as far as the letters go that are in Latin1 and Latin
// Extended-A. There are two ways for some of them: that of lodash, iconv and most
// databases (MySQL's _unicode_520_ci and _0900_ai_ci), and that of German and Danish rules
// and MySQL's _general_ci.
func transliterated(id string, way int) string {
	var b strings.Builder
	for _, c := range id {
		if latin, ok := latinLetters[c]; ok {
			b.WriteString(latin[way])
			continue
		}
		for _, part := range norm.NFKD.String(string(c)) {
			if latin, ok := latinLetters[part]; ok {
				b.WriteString(latin[way])
			} else if !unicode.Is(unicode.M, part) {
				b.WriteRune(part)
			}
		}
	}
	return b.String()
}

// latinLetters are those whose accent is a part of them, those that German and Danish write
// as two, and those of Azerbaijani, Hausa and Uzbek.
var latinLetters = map[rune][2]string{
	'ß': {"ss", "s"}, 'æ': {"ae", "a"}, 'œ': {"oe", "o"}, 'ø': {"o", "oe"}, 'å': {"a", "aa"},
	'ä': {"a", "ae"}, 'ö': {"o", "oe"}, 'ü': {"u", "ue"}, 'ð': {"d", "dh"}, 'þ': {"th", "t"},
	'đ': {"d", "dj"}, 'ħ': {"h", "h"}, 'ı': {"i", "i"}, 'ĸ': {"k", "q"}, 'ł': {"l", "l"}, 'ŋ': {"n", "ng"}, 'ŧ': {"t", "t"},
	'ə': {"e", "a"}, 'ɓ': {"b", "b"}, 'ɗ': {"d", "d"}, 'ƙ': {"k", "k"}, 'ƴ': {"y", "y"}, 'ʻ': {"", ""}, 'ʼ': {"", ""},
}

// Latin is a letter of Latin1 or Latin Extended-A in ASCII, as lodash's deburr and iconv
// have it, where Unicode has no decomposition for it: ss, d and o for ß, đ and ø. For all
// others it is "".
func Latin(c rune) string {
	if c < utf8.RuneSelf {
		return ""
	}
	return latinLetters[c][0]
}

// MayBeAnyName reports whether a sender mixes letters of ASCII with such as programs and
// databases write as others in ways that no table holds, or take out: those of other
// scripts, phonetic ones, and marks that are letters. So it is with ASCII in disguise, such
// as full-width digits, of which nothing is left where all that is not ASCII is taken out.
// A sender in a script of its own is that sender.
func MayBeAnyName(field string) bool {
	if isASCII(field) {
		return false
	}
	plain, disguised, strange := false, false, false
	for _, c := range norm.NFKD.String(visible(field)) {
		switch _, known := latinLetters[foldCase(c)]; {
		case c < utf8.RuneSelf:
			plain = plain || unicode.IsLetter(c) || unicode.IsDigit(c)
		case known || c >= 0x300 && c < 0x363: // accents
		default:
			disguised = disguised || unicode.IsDigit(c)
			strange = true
		}
	}
	if strings.IndexFunc(field, func(c rune) bool { return c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c)) }) < 0 {
		return disguised || plain && !hasAccent(field)
	}
	return plain && strange
}

// hasAccent reports whether a letter is one of ASCII with an accent.
func hasAccent(field string) bool {
	return strings.ContainsFunc(norm.NFKD.String(field), func(c rune) bool { return c >= 0x300 && c < 0x363 })
}

// asciiOnly appends what is left of an ID where nothing but the letters and digits of
// ASCII is kept. s is the ID before its case was folded.
func asciiOnly(dst []Sender, start int, s string) []Sender {
	if isASCII(s) {
		return dst // sanitized has it
	}
	return addID(dst, start, strings.Map(foldCase, keeping(strings.Map(onlyASCII, s), "")))
}

// keeping is an ID without the punctuation of ASCII, but for what is kept of it.
func keeping(id, kept string) string {
	return strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.IsDigit(c) && strings.IndexByte(kept, byte(c)) < 0 {
			return -1
		}
		return c
	}, id)
}

func onlyASCII(c rune) rune {
	if c >= utf8.RuneSelf {
		return -1
	}
	return c
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
}

// addID appends an ID and what fits into a message of it.
func addID(dst []Sender, start int, id string) []Sender {
	if id = strings.TrimSpace(id); len(id) > MaxSender || !strings.ContainsFunc(id, unicode.IsLetter) {
		return dst
	}
	dst = addSender(dst, start, Sender(id))
	if runes := []rune(id); len(runes) > maxID {
		dst = addSender(dst, start, Sender(strings.TrimSpace(string(runes[:maxID]))))
	}
	return dst
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

// visible trims blanks, and leaves out format characters.
func visible(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.In(c, unicode.Cf) {
			return -1
		}
		return c
	}, s)
	return strings.TrimSpace(s)
}
