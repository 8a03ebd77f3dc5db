package whatcounts

import (
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// charsetArgument is HTML's way for a form to name its encoding.
const charsetArgument = "_charset_"

// keepsASCII reports whether charset is an encoding in which ASCII is itself, so
// that a form's reader finds the names and digits that are found here. An empty
// one is the placeholder that no browser has filled in.
func keepsASCII(charset string) bool {
	charset = strings.ToLower(charset)
	for _, family := range [...]string{"utf-8", "us-ascii", "iso-8859-", "windows-125", "euc-", "gb", "big5", "koi8-", "shift_jis"} {
		if strings.HasPrefix(charset, family) {
			return true
		}
	}
	return charset == ""
}

// decodesToASCII reports whether text is ASCII, as it is and decoded once.
func decodesToASCII(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= 0x80 || text[i] == '%' && i+1 < len(text) && (text[i+1] >= '8' || text[i+1] < '0') {
			return false
		}
	}
	return true
}

// holdsControl reports whether text, decoded once or twice, holds a control character
// other than NUL and blanks, of which others take care.
func holdsControl(text string) bool {
	if isPlainValue(text) {
		return false
	}
	var buf [256]byte
	decoded, met := smsapi.AppendUnescaped(buf[:0], text, ' ')
	if met&smsapi.EscapesTwice != 0 {
		again, _ := smsapi.AppendUnescaped(nil, string(decoded), ' ')
		decoded = append(decoded, again...)
	}
	for _, c := range decoded {
		if c < ' ' && c != 0 && c != '\t' && c != '\r' && c != '\n' {
			return true
		}
	}
	return false
}
