package smsapi

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// EscapeFolds is NameFolds for a name with escapes whose digits are none to most: Jetty takes
// %6> for %6e (TypeUtil.convertHexDigit), java.net.URLDecoder digits of every script. Each
// such escape stands for any character or for an underscore, which leaves nothing; where a
// name is nothing else, it has to be made of what they take for digits. It returns -1 for a
// name without one.
func EscapeFolds(name string, known []string) int {
	var buf [256]byte
	var room [maxSkeleton]byte
	for _, next := range [...]func(string) int{twoBytes, twoRunes, afterU} {
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

// afterU is twoBytes where "u" and four digits are an escape as well, as they are to Jetty.
func afterU(s string) int {
	if len(s) >= 5 && lower(s[0]) == 'u' {
		return 5
	}
	return twoBytes(s)
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
