package phone

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// fold writes what a phone field says in a small alphabet: ASCII digits, '+',
// ',' ';' '|' between numbers, ' ' for all that may separate or group, '-' for
// all that only groups, '.', and lower-case ASCII letters with ':' '=' '#' for
// what cutScheme and cutExtension know. Format characters, which nobody sees,
// are left out. Anything else is an error.
func fold(dst []byte, field string) ([]byte, error) {
	for i := 0; i < len(field); {
		if c := field[i]; c >= '0' && c <= '9' {
			dst = append(dst, c)
			i++
			continue
		}
		c, size := utf8.DecodeRuneInString(field[i:])
		if c == utf8.RuneError && size == 1 {
			return dst, ErrUnreadable
		}
		i += size
		b, ok := foldRune(c)
		if !ok {
			return dst, ErrUnreadable
		}
		if b != 0 {
			dst = append(dst, b)
		}
	}
	return dst, nil
}

// foldRune is fold for one character. It returns 0 for one that is left out.
func foldRune(c rune) (b byte, ok bool) {
	if c >= 0xFF01 && c <= 0xFF5E { // full-width forms of ASCII
		c -= 0xFF01 - '!'
	}
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z':
		return byte(c), true
	case c >= 'A' && c <= 'Z':
		return byte(c) + 'a' - 'A', true
	}
	switch c {
	case '+', ',', ';', '|', '.', ':', '=', '#':
		return byte(c), true
	case '\uFE62': // small plus sign
		return '+', true
	case '\u3001', '\u060C': // ideographic and Arabic comma
		return ',', true
	case '\u061B': // Arabic semicolon
		return ';', true
	case '/', '\t', '\n', '\v', '\f', '\r', '\u0085':
		return ' ', true
	case '-', '(', ')', '[', ']', '"', '\'', '\u2212', '\u00B7', '\u2024', '\u2219':
		return '-', true
	}
	if c < 0x80 && c != ' ' {
		return 0, false
	}
	switch {
	case unicode.IsDigit(c):
		return decimal(c), true
	case unicode.In(c, unicode.Z):
		return ' ', true
	case unicode.In(c, unicode.Cf):
		return 0, true
	case unicode.In(c, unicode.Pd, unicode.Pi, unicode.Pf):
		return '-', true
	}
	return 0, false
}

// decimal is the ASCII form of a Unicode decimal digit. Unicode encodes such
// digits in runs from zero to nine, and keeps it so (Standard, section 4.6).
func decimal(c rune) byte {
	for _, run := range unicode.Nd.R16 {
		if rune(run.Lo) <= c && c <= rune(run.Hi) {
			return byte('0' + (c-rune(run.Lo))%10)
		}
	}
	for _, run := range unicode.Nd.R32 {
		if rune(run.Lo) <= c && c <= rune(run.Hi) {
			return byte('0' + (c-rune(run.Lo))%10)
		}
	}
	return 0
}

// cutScheme removes a URI scheme for phones from a folded element.
func cutScheme(element []byte) []byte {
	text := bytes.TrimLeft(element, " -")
	for _, scheme := range []string{"tel:", "sms:", "smsto:"} {
		if len(text) > len(scheme) && string(text[:len(scheme)]) == scheme {
			return text[len(scheme):]
		}
	}
	return element
}

// cutExtension cuts an element into its number and its extension: ";ext=5",
// "ext. 5", "extension 5", "x5", "#5". A lone '#' at the end is dropped.
func cutExtension(element []byte) (number, extension []byte, ok bool) {
	element = bytes.TrimRight(element, " -")
	if cut, found := bytes.CutSuffix(element, []byte("#")); found {
		element = cut
	}
	i := bytes.IndexAny(element, ";:=#abcdefghijklmnopqrstuvwxyz")
	if i < 0 {
		return element, nil, true
	}
	number, text := element[:i], element[i:]
	for _, mark := range []string{";ext=", "extension", "extn", "ext", "x", "#"} {
		cut, found := bytes.CutPrefix(text, []byte(mark))
		if !found {
			continue
		}
		extension = bytes.TrimLeft(cut, " .:=-")
		// RFC 3966 and ITU-T E.123 leave the length open; 7 digits are more than any
		// exchange has and too few to hide a number in.
		if len(extension) == 0 || len(extension) > 7 || !allDigits(extension) || countDigits(number) == 0 {
			return nil, nil, false
		}
		return number, extension, true
	}
	return nil, nil, false
}

// wellFormed reports whether an element without its extension is a number or
// several, or blank: every plus has its digits right behind it, and the
// dot is not that of a decimal fraction.
func wellFormed(number []byte) bool {
	inside := false // a digit since the last place where a number may begin
	open := false   // a plus whose digits are still to come
	for _, c := range number {
		switch c {
		case '+':
			if inside || open {
				return false
			}
			open = true
		case ' ':
			inside = false
		case '-', '.':
		default:
			inside, open = true, false
		}
	}
	return !open && !fraction(number)
}

// fraction reports whether a spreadsheet has been at the number: 12065551212.0
// and 12065551211.999 are no groupings that people use, and some round them.
func fraction(number []byte) bool {
	for more := true; more; {
		var part []byte
		part, number, more = bytes.Cut(number, []byte(" "))
		head, tail, found := bytes.Cut(bytes.Trim(part, "-"), []byte("."))
		if found && len(head) >= minListed && len(tail) > 0 && !bytes.ContainsAny(head, "-.") &&
			(len(tail) < 3 || allDigits(tail)) {
			return true
		}
	}
	return false
}
