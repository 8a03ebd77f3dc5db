package smsapi

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// What stands where among eight bytes makes no difference.
func TestEscapedMarks(t *testing.T) {
	t.Parallel()
	slashes := regexp.MustCompile(`(?i)%(2F|3F|7C|25)`)
	separators := regexp.MustCompile(`(?i)%(26|3B|25)`)
	parts := rapid.SampledFrom([]string{
		"%", "%%", "%2F", "%2f", "%3F", "%3f", "%7C", "%7c", "%26", "%3B", "%3b", "%25",
		"%2", "%3", "%20", "%2B", "%36", "%62", "2", "F", "f", "6", "c=1&", "a", "text ", "\xa5", "\u00e5", "%C3%A5",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab=&%2f6")), 0, 40, -1).Draw(t, "text")
		for _, part := range rapid.SliceOfN(parts, 0, 12).Draw(t, "parts") {
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			text = text[:at] + part + text[at:]
		}
		slash, separator := EscapedMarks(text)
		if slash != slashes.MatchString(text) || separator != separators.MatchString(text) {
			t.Fatalf("%q: %v, %v", text, slash, separator)
		}
	})
}
