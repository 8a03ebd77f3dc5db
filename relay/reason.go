package relay

import (
	"strings"
	"unicode"
)

const (
	// maxReason is how much of a backend's reason is kept, and maxRead how much of
	// it is looked at, in bytes.
	maxReason = 160
	maxRead   = 1024
	// minHidden is the shortest part of a password that is cut out of a reason.
	minHidden = 4
	// minPhone is the fewest digits in a row that could be a phone.
	minPhone = 7
)

// presentable makes of what a backend has written a line that may be logged. A
// backend may repeat the password and the phone in it: the real service does so
// with a wrong password.
func presentable(reason, password string) string {
	if len(reason) > maxRead {
		reason = reason[:maxRead]
	}
	reason = maskDigits(hide(strings.ToValidUTF8(reason, ""), password))
	reason = strings.TrimSpace(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, reason))
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "..."
	}
	return reason
}

// hide cuts everything out of text that is a part of secret, in whatever letter
// case. Parts shorter than minHidden are left, unless the secret itself is.
func hide(text, secret string) string {
	if secret == "" {
		return text
	}
	least := min(minHidden, len(secret))
	// Bytes of ASCII alone are folded, so that positions stay.
	t, s := foldASCII(text), foldASCII(secret)
	var out strings.Builder
	for i := 0; i < len(text); {
		n := 0
		for i+n < len(t) && strings.Contains(s, t[i:i+n+1]) {
			n++
		}
		if n < least {
			out.WriteByte(text[i])
			i++
			continue
		}
		out.WriteString("***")
		i += n
	}
	return strings.ToValidUTF8(out.String(), "")
}

func foldASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// maskDigits masks what could be a phone: seven digits and more, with nothing
// between them but what phones are written with.
func maskDigits(text string) string {
	out := []rune(text)
	var run []int // positions of the digits in a row
	flush := func() {
		if len(run) >= minPhone {
			for _, i := range run {
				out[i] = '*'
			}
		}
		run = run[:0]
	}
	gap := 0
	for i, c := range out {
		switch {
		case unicode.IsDigit(c):
			run = append(run, i)
			gap = 0
		case strings.ContainsRune(" -.()+/", c) && gap < 2:
			gap++
		default:
			flush()
			gap = 0
		}
	}
	flush()
	return string(out)
}
