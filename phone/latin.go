package phone

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

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

// latinLetters are the letters whose accent is a part of them, the letters that German and
// Danish write as two, and some of Azerbaijani, Hausa and Uzbek.
var latinLetters = map[rune][2]string{
	'ß': {"ss", "s"}, 'æ': {"ae", "a"}, 'œ': {"oe", "o"}, 'ø': {"o", "oe"}, 'å': {"a", "aa"},
	'ä': {"a", "ae"}, 'ö': {"o", "oe"}, 'ü': {"u", "ue"}, 'ð': {"d", "dh"}, 'þ': {"th", "t"},
	'đ': {"d", "dj"}, 'ħ': {"h", "h"}, 'ı': {"i", "i"}, 'ĸ': {"k", "q"}, 'ł': {"l", "l"}, 'ŋ': {"n", "ng"}, 'ŧ': {"t", "t"},
	'ə': {"e", "a"}, 'ɓ': {"b", "b"}, 'ɗ': {"d", "d"}, 'ƙ': {"k", "k"}, 'ƴ': {"y", "y"}, 'ʻ': {"", ""}, 'ʼ': {"", ""},
}

// markInASCII is a mark or a letter that iconv and ICU write as a hyphen or an apostrophe in
// ASCII, or the character itself: the okina of Hawai‘i, a soft hyphen.
func markInASCII(c rune) rune {
	switch c {
	case '\u00AD', '\u00AF', '\u203E':
		return '-'
	case '\u00B4', '\u02B9', '\u02BB', '\u02BC', '\u02BD', '\u02C8', '\u2018', '\u2019', '\u2032':
		return '\''
	case '\u200B':
		return ' '
	case '\u2017':
		return '_'
	case '\u02D9', '\u02DA':
		return '.'
	}
	return c
}

// withoutTatweel drops what only stretches a word of Arabic.
func withoutTatweel(c rune) rune {
	if c == '\u0640' {
		return -1
	}
	return c
}

// katakana and hiragana are a letter in the other of the two syllabaries of Japanese.
func katakana(c rune) rune {
	if c >= '\u3041' && c <= '\u3096' {
		c += '\u30A1' - '\u3041'
	}
	return c
}

func hiragana(c rune) rune {
	if c >= '\u30A1' && c <= '\u30F6' {
		c -= '\u30A1' - '\u3041'
	}
	return c
}

// onlyLatin is a text with the letters of Latin1 and Latin Extended-A in ASCII and nothing of
// other characters, as Rails' parameterize and npm's slugify have it.
func onlyLatin(text string) string {
	return transliterated(strings.Map(func(c rune) rune {
		if c >= utf8.RuneSelf && (c < 0xc0 || c > 0x17f) && latinLetters[c][0] == "" {
			return -1
		}
		return c
	}, text), 0)
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

// MayBeAnyName reports whether a sender mixes letters of ASCII with letters that programs and
// databases take out, or write as others in ways that no table holds: letters of other
// scripts, phonetic letters, and marks that are letters. It reports the same of ASCII in
// disguise, such as full-width digits: nothing is left of it where all that is not ASCII is
// taken out. A sender in a script of its own is that sender.
func MayBeAnyName(field string) bool {
	return !isASCII(field) && mixesLetters(field)
}

// mixesLetters is MayBeAnyName for what is not ASCII. Apart, for its frame is large, and nearly
// all senders need none of it.
func mixesLetters(field string) bool {
	plain, disguised, strange := false, false, false
	for _, c := range norm.NFKD.String(visible(field)) {
		switch _, known := latinLetters[foldCase(c)]; {
		case c < utf8.RuneSelf:
			plain = plain || isPlainLetterOrDigit(c)
		case known || c >= 0x300 && c < 0x363: // accents
		default:
			disguised = disguised || unicode.IsDigit(c)
			strange = true
		}
	}
	if !strings.ContainsFunc(field, isPlainLetterOrDigit) {
		return disguised || plain && !hasAccent(field)
	}
	return plain && strange
}

// isPlainLetterOrDigit reports whether c is a letter or digit of ASCII.
func isPlainLetterOrDigit(c rune) bool {
	return c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c))
}

// hasAccent reports whether a letter is one of ASCII with an accent.
func hasAccent(field string) bool {
	return strings.ContainsFunc(norm.NFKD.String(field), func(c rune) bool { return c >= 0x300 && c < 0x363 })
}
