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
	// minPhone is the fewest digits that could be a phone, and maxGap the most
	// characters between two of them.
	minPhone = 7
	maxGap   = 3
)

// withheld stands for a reason that is not shown.
const withheld = "not shown, for it seems to repeat the request"

// presentable makes of what a backend has written a line that may be logged. A
// backend may repeat the password and the phone in it: the real service does so
// with a wrong password, in words. There they are masked. A reason that repeats
// them in another way is not shown at all, for what is left of it after masking
// could be put together again.
func presentable(reason, password string) string {
	if len(reason) > maxRead {
		reason = reason[:maxRead]
	}
	reason = strings.ToValidUTF8(reason, "")
	if repeatsRequest(reason, password) {
		return withheld
	}
	shown := maskDigits(hide(reason, password))
	shown = strings.TrimSpace(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, shown))
	if len(shown) > maxReason {
		shown = strings.ToValidUTF8(shown[:maxReason], "") + "..."
	}
	if len(parts(shown, password)) > 0 { // a password of asterisks, say
		return withheld
	}
	return shown
}

// parts returns the longest parts of secret that text shows, in whatever letter
// case, as the places where they begin and end. Parts shorter than minHidden are
// left, unless the secret itself is.
func parts(text, secret string) (found [][2]int) {
	if secret == "" {
		return nil
	}
	least := min(minHidden, len(secret))
	// Bytes of ASCII alone are folded, so that positions stay.
	t, s := foldASCII(text), foldASCII(secret)
	for i := 0; i < len(t); {
		n := 0
		for i+n < len(t) && strings.Contains(s, t[i:i+n+1]) {
			n++
		}
		if n < least {
			i++
			continue
		}
		found = append(found, [2]int{i, i + n})
		i += n
	}
	return found
}

// hide masks everything in text that is a part of secret.
func hide(text, secret string) string {
	var out strings.Builder
	from := 0
	for _, p := range parts(text, secret) {
		out.WriteString(text[from:p[0]])
		out.WriteString("***")
		from = p[1]
	}
	out.WriteString(text[from:])
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

// maskDigits masks what could be a phone: seven digits and more, with no letter
// and little else between them.
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
		case unicode.IsNumber(c):
			run = append(run, i)
			gap = 0
		case !unicode.IsLetter(c) && gap < maxGap:
			gap++
		default:
			flush()
			gap = 0
		}
	}
	flush()
	return string(out)
}
