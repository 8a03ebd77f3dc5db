package smsapi

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every byte at every place of eight, among others that are allowed.
func TestBlankOrControl(t *testing.T) {
	t.Parallel()
	for b := range 256 {
		for _, n := range []int{1, 7, 8, 9, 23} {
			for at := range n {
				s := []byte(strings.Repeat("\x80a!", n)[:n])
				s[at] = byte(b)
				if want := b <= ' ' || b == 0x7f; hasBlankOrControl(string(s)) != want {
					t.Fatalf("%q: not %v", s, want)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "query"))
		want := strings.ContainsFunc(strings.ToValidUTF8(s, "~"), func(r rune) bool { return r <= ' ' || r == 0x7f })
		if hasBlankOrControl(s) != want {
			t.Fatalf("%q: not %v", s, want)
		}
	})
}

func TestIsPlain(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 17 {
			text := []byte(strings.Repeat("a", 17))
			text[at] = byte(c)
			if got, want := IsPlain(string(text)), c >= ' ' && c < 0x7f; got != want {
				t.Fatalf("%#x at %d: %v", c, at, got)
			}
		}
	}
}
