package smsapi

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Spells reports whether the letters of a value, or of what stands behind a mark in it,
// begin with those of word, which is in lower-case ASCII, however it is folded. So it is with
// what some reader cuts until word is left (Rails' classify at the last dot), or cleans: of digits (Symfony's getAlpha, Joomla's getWord), of characters outside ASCII
// (PHP's FILTER_FLAG_STRIP_HIGH), of escapes (WordPress' sanitize_text_field).
func Spells(value, word string) bool {
	if len(value) < len(word) {
		return false
	}
	decoded := appendLenient(nil, value, true)
	for range maxDecodings {
		if spellsSomewhere(decoded, word) {
			return true
		}
		if found, _ := spells(withoutForeign(nil, composed(decoded, norm.NFC)), word); found {
			return true
		}
		if bytes.IndexByte(decoded, '%') < 0 {
			return false
		}
		decoded = appendLenient(nil, string(decoded), true)
	}
	return false
}

// spellsSomewhere is spells for text and for what stands behind each of its marks.
func spellsSomewhere(text []byte, word string) bool {
	for {
		found, first := spells(text, word)
		if found {
			return true
		}
		// Behind marks before the first letter stands the same.
		at := bytes.IndexAny(text[first:], "._-:/\\")
		if at < 0 {
			return false
		}
		text = text[first+at+1:]
	}
}

// spells reports whether the letters of text begin with those of word, and where the first
// of them stands.
func spells(text []byte, word string) (found bool, first int) {
	var buf [64]byte
	first = len(text)
	for at := 0; at < len(text); {
		r, n := utf8.DecodeRune(text[at:])
		folded := append(buf[:0], lower(byte(r)))
		if r >= utf8.RuneSelf {
			folded = foreignSkeleton(buf[:0], text[at:at+n], false)
		}
		for _, c := range folded {
			if c < 'a' || c > 'z' {
				continue
			}
			first = min(first, at)
			if c != word[0] {
				return false, first
			}
			if word = word[1:]; word == "" {
				return true, first
			}
		}
		at += n
	}
	return false, first
}
