package smsapi

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Every byte at every place of eight, among others that are allowed.
func TestOddBytes(t *testing.T) {
	t.Parallel()
	check := func(t interface{ Fatalf(string, ...any) }, s []byte) {
		control := bytes.ContainsFunc(bytes.ToValidUTF8(s, []byte("~")), func(r rune) bool { return r <= ' ' || r == 0x7f })
		high := bytes.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
		if gotControl, gotHigh := oddBytes(string(s), ' '+1); gotControl != control || gotHigh != high {
			t.Fatalf("%q: %v, %v, not %v, %v", s, gotControl, gotHigh, control, high)
		}
	}
	for _, among := range []string{"\x80a!", "xa!"} {
		for b := range 256 {
			for _, n := range []int{1, 7, 8, 9, 23} {
				for at := range n {
					s := []byte(strings.Repeat(among, n)[:n])
					s[at] = byte(b)
					check(t, s)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.SliceOf(rapid.Byte()).Draw(t, "query")) })
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
