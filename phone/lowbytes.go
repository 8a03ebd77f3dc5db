package phone

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// lowBytes is what Node writes of a text in its encodings ascii, latin1 and binary: of each
// unit of UTF-16 the low byte, up to a NUL, where it is a C string. So node-smpp does with
// phones and senders: U+FE32 is "2" in what it sends. ok is whether text has such characters.
func lowBytes(text string) (low string, ok bool) {
	if isASCII(text) {
		return text, false
	}
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		c := byte(unit)
		if c == 0 {
			break
		}
		if c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String(), true
}
