package smsapi

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/stopgate/stopgate/phone"
)

// ValueSkeleton puts into dst, which is empty, what is left of a value when every fold that a reader
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

// maxSkeleton is more than the longest skeleton of interest. A longer one ends
// there, and equals none.
const maxSkeleton = 64

// skeleton puts into dst, which is empty, what is left of s when every fold that a reader
// could apply is applied: ASCII letters in lower case and digits. Letters and digits of other
// scripts leave a 0xff, so that they do not vanish. With known it is only compared with known
// names, and may end at the first 0xff.
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
