package smsapi

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/stopgate/stopgate/phone"
)

// maxDecodings is how often a name or a path is decoded in search of what some
// reader could see in it. Twice is what careless stacks do; once more is margin.
const maxDecodings = 3

// NameFolds returns which of the known names some server family could read in
// name, which is as written, or -1. The known names are skeletons: ASCII letters
// in lower case and digits, without anything else, "sendercode" for sender_code.
//
// Folded are: escapes, once and more, %uXXXX among them, and overlong UTF-8; letter
// case (ASP.NET, ColdFusion); compatibility forms such as full-width letters, and
// Windows' best fits;
// leading and trailing bytes of no meaning; what follows a NUL or "[" (PHP, qs,
// Rack); ".", space and "-" for "_" (PHP); "&", ";" and "=" that only a second
// decoding brings to light; and a leading "amp;".
func NameFolds(name string, known []string) int {
	return folds(name, false, known)
}

// ValueFolds is NameFolds for a value that names something, such as a command:
// it also looks at each entry of what a reader could take for a list.
func ValueFolds(value string, known []string) int {
	return folds(value, true, known)
}

// EscapeFolds is NameFolds for a name with escapes whose digits are none to most: Jetty takes
// %6> for %6e (TypeUtil.convertHexDigit), java.net.URLDecoder digits of every script. Each
// such escape stands for any character or for an underscore, which leaves nothing; where a
// name is nothing else, it has to be made of what they take for digits. It returns -1 for a
// name without one.
func EscapeFolds(name string, known []string) int {
	var buf [256]byte
	var room [maxSkeleton]byte
	for _, next := range [...]func(string) int{twoBytes, twoRunes} {
		marked, found := appendMarked(buf[:0], name, next)
		if !found {
			return -1
		}
		s := skeleton(room[:0], marked, false)
		long := len(s) > 1 || strings.ContainsFunc(name, func(c rune) bool { return c != '%' && !isOddHex(c) })
		for i, name := range known {
			if (len(name) > 1 || !long) && matches(s, name) {
				return i
			}
		}
	}
	return -1
}

// isOddHex reports whether Jetty or Java take c for a hexadecimal digit.
func isOddHex(c rune) bool {
	if c >= utf8.RuneSelf {
		return unicode.IsDigit(c) || unicode.IsLetter(c)
	}
	return hexDigit[c] < 0x10 || c >= 0x10 && c < 0x20 || c >= ':' && c <= '@' || c == '`'
}

// anyCharacter stands for an escape of which nobody knows what it is. It leaves a 0xff.
const anyCharacter = '\u0416'

// appendMarked is appendLenient with anyCharacter for each escape that is none, and whether
// there are any. next is how long the two digits behind the "%" are, 0 if there are fewer.
func appendMarked(dst []byte, s string, next func(string) int) (marked []byte, found bool) {
	for {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			return append(dst, s...), found
		}
		dst = append(dst, s[:at]...)
		s = s[at+1:]
		if b, ok := hexByte(s, 0); ok {
			dst = append(dst, b)
			s = s[2:]
			continue
		}
		end := next(s)
		if end == 0 {
			return append(append(dst, '%'), s...), found
		}
		found = true
		dst = utf8.AppendRune(dst, anyCharacter)
		s = s[end:]
	}
}

func twoBytes(s string) int {
	if len(s) < 2 {
		return 0
	}
	return 2
}

func twoRunes(s string) int {
	_, first := utf8.DecodeRuneInString(s)
	_, second := utf8.DecodeRuneInString(s[first:])
	if second == 0 {
		return 0
	}
	return first + second
}

// matches reports whether a skeleton is name, or is with a character or nothing for each 0xff.
func matches(skeleton []byte, name string) bool {
	ends := uint32(1) // bit n: what was read so far may be name[:n]
	for _, c := range skeleton {
		var next uint32
		for n := range len(name) {
			if c == 0xff || c == name[n] {
				next |= ends & (1 << n) << 1
			}
		}
		if c == 0xff {
			next |= ends
		}
		ends = next
	}
	return ends>>len(name)&1 == 1
}

// MemberFolds is NameFolds for the parts behind the first of a name that names a member
// of something: m.phone (models of ASP.NET MVC), m[phone] and m[phone][] (Rails, PHP, qs),
// [0].phone (Struts). It returns -1 for a name of one part.
func MemberFolds(name string, known []string) int {
	var buf [256]byte
	decoded := bytes.TrimRight(appendLenient(buf[:0], name, true), "] ")
	for {
		at := bytes.IndexAny(decoded, ".[")
		if at < 0 {
			return -1
		}
		decoded = decoded[at+1:]
		part := decoded
		if end := bytes.IndexAny(part, ".["); end >= 0 {
			part = part[:end]
		}
		if found := partFolds(part, known); found >= 0 {
			return found
		}
	}
}

// ValueSkeleton appends to dst what is left of a value when every fold that a reader
// could apply is applied: ASCII letters in lower case and digits, at most 64 of them.
// Letters and digits of other scripts leave a 0xff.
func ValueSkeleton(dst []byte, value string) []byte {
	var buf [256]byte
	decoded := appendLenient(buf[:0], value, true)
	for range maxDecodings - 1 {
		if bytes.IndexByte(decoded, '%') < 0 {
			break
		}
		decoded = appendLenient(nil, string(decoded), true)
	}
	return skeleton(dst, decoded, false)
}

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
		if found, _ := spells(withoutForeign(nil, decoded), word); found {
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
		if at < 0 || len(text) > maxCleaned {
			return false
		}
		text = text[first+at+1:]
	}
}

// maxCleaned is the longest value of which more than the beginning is looked at, in bytes.
const maxCleaned = 4096

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

func folds(s string, list bool, known []string) int {
	var buffers [3][256]byte
	decoded := appendLenient(buffers[0][:0], s, true)
	for i := range maxDecodings {
		found := findFolded(decoded, list, known)
		if found < 0 {
			cleaned := withoutForeign(buffers[2][:0], decoded)
			if len(cleaned) < len(decoded) {
				found = findFolded(cleaned, list, known)
			}
			if found >= 0 && !list && string(bytes.Trim(cleaned, "_")) != string(cleaned) {
				found = -1 // _p and phone_ are other names to those who clean
			}
		}
		if found >= 0 || bytes.IndexByte(decoded, '%') < 0 {
			return found // or nothing is left to decode
		}
		again := appendLenient(buffers[(i+1)%2][:0], string(decoded), true)
		decoded = again
	}
	return -1
}

// tagEnd is where the tag ends with which s begins, and the script or style that it opens,
// which WordPress takes out whole; 0 if none does.
func tagEnd(s []byte) int {
	end := bytes.IndexByte(s[:min(maxTag, len(s))], '>') + 1
	for _, element := range [...]string{"script", "style"} {
		if n := len("<" + element); end > 0 && len(s) >= n && bytes.EqualFold(s[1:n], []byte(element)) {
			if closing := bytes.Index(bytes.ToLower(s), []byte("</"+element)); closing >= 0 {
				return closing + bytes.IndexByte(s[closing:], '>') + 1
			}
		}
	}
	return end
}

func findFolded(decoded []byte, list bool, known []string) int {
	if list {
		return anyStretchFolds(decoded, known)
	}
	if found := nameFolds(decoded, known); found >= 0 {
		return found
	}
	var buf [maxSkeleton]byte // separators that are taken out as well
	return indexOf(known, skeleton(buf[:0], decoded, true))
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
	for i := at; i < len(s); i++ {
		if s[i] == '%' {
			if i+3 <= len(s) && hexDigit[s[i+1]]|hexDigit[s[i+2]] < 0x10 {
				i += 2
				continue
			}
		}
		if s[i] == '<' {
			if end := tagEnd(s[i:min(i+4*maxTag, len(s))]); end > 0 {
				i += end - 1
				continue
			}
		}
		if s[i] < utf8.RuneSelf {
			cleaned = append(cleaned, s[i])
		}
	}
	return cleaned
}

// nameFolds looks at each part of a decoded name that a second look for
// separators would make a name of its own.
func nameFolds(name []byte, known []string) int {
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && !separates(name[i]) {
			continue
		}
		if found := partFolds(name[start:i], known); found >= 0 {
			return found
		}
		start = i + 1
	}
	return -1
}

// separates reports whether c ends a name or begins one for somebody who
// splits after decoding.
func separates(c byte) bool {
	switch c {
	case '&', ';', '?', '#', '\r', '\n':
		return true
	}
	return false
}

// partFolds looks at the whole of part, and at its beginning up to where a
// reader may cut.
func partFolds(part []byte, known []string) int {
	var buf [maxSkeleton]byte
	if found := indexOf(known, skeleton(buf[:0], part, true)); found >= 0 {
		return found
	}
	start := 0
	for i := 0; i <= len(part); i++ {
		if i < len(part) && !cutsName(part[i]) {
			continue
		}
		if s := skeleton(buf[:0], part[start:i], true); len(s) > 0 {
			return indexOf(known, s)
		}
		start = i + 1 // nothing yet, as before the bracket of "[phone]"
	}
	return -1
}

// anyStretchFolds looks at the whole of value, and at each stretch of it.
func anyStretchFolds(value []byte, known []string) int {
	var buf [maxSkeleton]byte
	if found := indexOf(known, skeleton(buf[:0], value, true)); found >= 0 {
		return found
	}
	start := 0
	for i := 0; i <= len(value); i++ {
		if i < len(value) && !separates(value[i]) && !cutsName(value[i]) && value[i] > ' ' {
			continue
		}
		if found := indexOf(known, skeleton(buf[:0], value[start:i], true)); found >= 0 {
			return found
		}
		start = i + 1
	}
	return -1
}

func indexOf(known []string, skeleton []byte) int {
	for i, name := range known {
		if name == string(skeleton) {
			return i
		}
	}
	return -1
}

// cutsName reports whether a reader may end a name at c.
func cutsName(c byte) bool {
	switch c {
	case 0, '[', ']', '%', '=', ':', ',', '|', '"', '\'', '/', '\\', '<', '>', '(', ')', '{', '}':
		return true
	}
	return false
}

// maxSkeleton is more than the longest skeleton of interest. A longer one ends
// there, and equals none.
const maxSkeleton = 64

// skeleton appends to dst what is left of s when every fold that a reader could
// apply is applied: ASCII letters in lower case and digits. Letters and digits
// of other scripts leave a 0xff, so that they do not vanish. known: it is only compared
// with known ones, and may end at the first 0xff.
func skeleton(dst []byte, s []byte, known bool) []byte {
	ascii := true
	for _, c := range s {
		if c >= utf8.RuneSelf {
			ascii = false
			break
		}
		if c = lower(c); isAlnum(c) {
			if len(dst) == maxSkeleton {
				return dst
			}
			dst = append(dst, c)
		}
	}
	if ascii {
		return dst
	}
	return foreignSkeleton(dst[:0], s, known)
}

// foreignSkeleton is skeleton for names with bytes outside ASCII.
//
// Compatibility forms are taken apart character by character: how the marks between
// letters are ordered does not matter where marks are dropped.
func foreignSkeleton(dst []byte, s []byte, known bool) []byte {
	var buf [4 * maxSkeleton]byte
	for s := repairUTF8(buf[:0], s); len(s) > 0 && len(dst) < maxSkeleton; {
		r, n := utf8.DecodeRune(s)
		if parts := norm.NFKD.Properties(s).Decomposition(); r >= utf8.RuneSelf && parts != nil {
			for _, r := range string(parts) {
				if dst = appendFolded(dst, r); known && len(dst) > 0 && dst[len(dst)-1] == 0xff {
					return dst
				}
			}
		} else {
			dst = appendFolded(dst, r)
		}
		if known && len(dst) > 0 && dst[len(dst)-1] == 0xff {
			break
		}
		s = s[n:]
	}
	return dst[:min(len(dst), maxSkeleton)]
}

// appendFolded appends what one character leaves in a skeleton.
func appendFolded(dst []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		if c := lower(byte(r)); isAlnum(c) {
			dst = append(dst, c)
		}
	case r == 'ẞ': // SS in capitals, to JavaScript, Java, Python, Ruby and PHP
		dst = append(dst, "ss"...)
	case phone.Latin(unicode.ToLower(r)) != "": // as lodash's camelCase and others write names
		dst = append(dst, phone.Latin(unicode.ToLower(r))...)
	case bestFit[r] != 0:
		if c := bestFit[r]; isAlnum(c) {
			dst = append(dst, c)
		}
	case r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r)):
		dst = append(dst, 0xff)
	}
	return dst
}

// repairUTF8 appends s to out with overlong forms decoded, as readers that do not check
// do, and without bytes that are no UTF-8 at all.
func repairUTF8(out, s []byte) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n <= 1 {
			r, n = overlong(s[i:])
		}
		if r >= 0 {
			out = utf8.AppendRune(out, r)
		}
		i += n
	}
	return out
}

// overlong decodes a sequence of more bytes than its character needs. It returns
// -1 for what is none.
func overlong(s []byte) (rune, int) {
	var r rune
	var n int
	switch c := s[0]; {
	case c&0xe0 == 0xc0:
		r, n = rune(c&0x1f), 2
	case c&0xf0 == 0xe0:
		r, n = rune(c&0x0f), 3
	case c&0xf8 == 0xf0:
		r, n = rune(c&0x07), 4
	default:
		return -1, 1
	}
	if len(s) < n {
		return -1, 1
	}
	for _, c := range s[1:n] {
		if c&0xc0 != 0x80 {
			return -1, 1
		}
		r = r<<6 | rune(c&0x3f)
	}
	if r >= utf8.RuneSelf {
		return -1, n // a surrogate or out of range: no character of any name
	}
	return r, n
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func isAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
