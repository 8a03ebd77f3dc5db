package smsapi

import (
	"testing"
	"unicode"
)

// Each line was read off Mono 6.8.
func TestMonoCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"phone":                        "phone",
		"x\uff06phone\uff1d1":          "x&phone=1",
		"\uff05\uff17\uff10":           "%70",
		"ph\u0153ne":                   "phone",
		"\u2122arget\u2026":            "Target.",
		"Gr\u00fc\u00dfe":              "Gr\u00fc\u00dfe",
		"\u65e5\u017f\u01dd\U0001F600": "????",
	} {
		if got := InLatin1(text); got != want {
			t.Errorf("%q is %q in Latin-1, not %q", text, got, want)
		}
	}
	ignored := 0
	for r := range rune(1 << 16) {
		if unicode.Is(monoIgnored, r) {
			ignored++
		}
	}
	if ignored != 7174 { // as many as Mono has, surrogates aside
		t.Errorf("%d characters are equal to nothing", ignored)
	}
	for name, want := range map[string]string{
		"phone":               "phone",
		"phon\u01dd\u0218":    "phone",
		"ph\u04da\u2134ne":    "phone",
		"sender_co\u018de":    "sender_code",
		"c\u017e\u00e9":       "c\u017e\u00e9",
		"r\u0218\uffff\u1f00": "r",
	} {
		if got := string(comparedInMono(nil, []byte(name))); got != want {
			t.Errorf("%q is compared as %q, not %q", name, got, want)
		}
	}
}
