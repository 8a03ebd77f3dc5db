package smsapi

import (
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestForeignSkeleton compares the skeleton of each character, between others, with what
// the compatibility form of the whole text leaves.
func TestForeignSkeleton(t *testing.T) {
	t.Parallel()
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		text := "a" + string(r) + "\u0301\u0323" + string(r) + "z"
		var want []byte
		for _, part := range string(norm.NFKD.Bytes([]byte(text))) {
			want = appendFolded(want, part)
		}
		got := foreignSkeleton(nil, []byte(text), false)
		// Hangul's syllables have their parts by a rule and not in a table.
		if unicode.Is(unicode.Hangul, r) {
			got, want = slices.Compact(got), slices.Compact(want)
		}
		if !slices.Equal(got, want[:min(len(want), maxSkeleton)]) {
			t.Fatalf("%U leaves %q, want %q", r, got, want)
		}
	}
}
