package smsapi

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// cleanings is how many ways there are in which characters are taken out of a name, the
// first of which is the only one in ASCII.
const cleanings = 5

// cleaned is s without the characters that are taken out in one of these ways. It is s itself
// where there are none, or appended to dst. Functions in a table would put dst on the heap.
func cleaned(dst, s []byte, way int) []byte {
	switch way {
	case 0:
		return withoutForeign(dst, composed(s, norm.NFC))
	case 1:
		return withoutForeign(dst, composed(s, norm.NFKC))
	case 2:
		return comparedInMono(dst, s)
	}
	name := narrowed(dst, s)
	switch {
	case len(name) == len(s), !utf8.Valid(name):
		return s
	case way == 3:
		return name
	}
	return comparedInMono(nil, name)
}

// withoutForeign is s without escapes, tags and bytes outside ASCII, which those who clean
// text take out (WordPress' sanitize_key and sanitize_text_field, PHP's strip_tags and
// FILTER_FLAG_STRIP_HIGH).
// It is s itself where there are none, and else appended to dst.
func withoutForeign(dst, s []byte) []byte {
	at := bytes.IndexFunc(s, func(r rune) bool { return r == '%' || r == '<' || r >= utf8.RuneSelf })
	if at < 0 {
		return s
	}
	cleaned := append(dst, s[:at]...)
	open := tags{text: s}
	lastTag := bytes.LastIndexByte(s, '>')
	for i := at; i < len(s); i++ {
		if s[i] == '%' {
			if i+3 <= len(s) && hexDigit[s[i+1]]|hexDigit[s[i+2]] < 0x10 {
				i += 2
				continue
			}
		}
		if s[i] == '<' && i < lastTag {
			i = open.end(i) - 1
			continue
		}
		if s[i] < utf8.RuneSelf {
			cleaned = append(cleaned, s[i])
		}
	}
	return cleaned
}

// narrowed is s, or appends to dst the characters of s, those from U+0080 to U+00FF as the bytes of
// that value: Mono's UrlDecode takes them for escapes where a name holds one, so that UTF-8 is
// decoded twice.
func narrowed(dst, s []byte) []byte {
	if !bytes.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf && r <= 0xff }) {
		return s
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r >= utf8.RuneSelf && r <= 0xff {
			dst = append(dst, byte(r))
		} else {
			dst = append(dst, s[:n]...)
		}
		s = s[n:]
	}
	return dst
}

// composed is s in a normal form, NFC or NFKC, as many have it before they take out what is
// not ASCII: a letter goes with its accent then.
func composed(s []byte, form norm.Form) []byte {
	if isASCIIText(s) {
		return s
	}
	return []byte(form.String(string(s))) // a copy, so that s stays where it is
}

func isASCIIText(s []byte) bool {
	return bytes.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// tags finds where the tags of a text end, from its beginning on.
type tags struct {
	text []byte
	// closing is where each of the elements is closed next. It is looked for once, however
	// many are opened before.
	closing [2]int
}

// elements are those that WordPress takes out with what they hold.
var elements = [2]string{"script", "style"}

// end is where the tag ends that begins at text[at:], or the element that it opens. There is
// a ">" behind it.
func (t *tags) end(at int) int {
	s := t.text
	for e, element := range elements {
		if n := at + 1 + len(element); n > len(s) || !bytes.EqualFold(s[at+1:n], []byte(element)) {
			continue
		}
		if t.closing[e] <= at {
			t.closing[e] = closingAt(s, at, element)
		}
		if t.closing[e]-at > maxElement {
			continue
		}
		if end := bytes.IndexByte(s[t.closing[e]:], '>'); end >= 0 {
			return t.closing[e] + end + 1
		}
	}
	return at + bytes.IndexByte(s[at:], '>') + 1
}

// maxElement is the longest script that is looked for, in bytes.
const maxElement = 4096

// closingAt is where an element is closed in s[from:], and len(s) if it is not.
func closingAt(s []byte, from int, element string) int {
	for {
		i := bytes.Index(s[from:], []byte("</"))
		if i < 0 {
			return len(s)
		}
		from += i
		if n := from + 2 + len(element); n <= len(s) && bytes.EqualFold(s[from+2:n], []byte(element)) {
			return from
		}
		from += 2
	}
}

// findHidden is which of the known names is left of a decoded name with tags, a NUL or
// escapes in it, in whatever order and however often they are taken out: strip_tags counts
// tags within tags, sanitize_text_field goes on until no escape is left. All that may go is
// in such a name beside the letters that stay, so that these need only be there in order. One
// letter is in any name, and has to be all that stands outside tags.
func findHidden(decoded []byte, known []string) int {
	if nul := bytes.IndexByte(decoded, 0); nul >= 0 {
		if found := indexOfFolded(known, decoded[:nul]); found >= 0 {
			return found
		}
	}
	first, last := bytes.IndexByte(decoded, '<'), bytes.LastIndexByte(decoded, '>')
	tagged := first >= 0 && last > first
	if !tagged && !holdsEscape(decoded) || len(decoded) > 4*maxSkeleton {
		return -1
	}
	if tagged {
		outside := append(append([]byte(nil), decoded[:first]...), decoded[last+1:]...)
		if found := indexOfFolded(known, outside); found >= 0 {
			return found
		}
	}
	for i, name := range known {
		if len(name) > 2 && holdsInOrder(decoded, name) {
			return i
		}
	}
	return -1
}

// holdsEscape reports whether text holds an escape.
func holdsEscape(text []byte) bool {
	for i, c := range text {
		if c == '%' && i+3 <= len(text) && hexDigit[text[i+1]]|hexDigit[text[i+2]] < 0x10 {
			return true
		}
	}
	return false
}

// holdsInOrder reports whether the letters of name stand in text in their order.
func holdsInOrder(text []byte, name string) bool {
	for _, c := range text {
		if lower(c) == name[0] {
			if name = name[1:]; name == "" {
				return true
			}
		}
	}
	return false
}
