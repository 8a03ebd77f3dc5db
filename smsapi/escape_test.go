package smsapi

import (
	"slices"
	"testing"
)

func TestInBytes(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		"Target":              nil,
		"™arget":              {"Target"},
		"Acme…com":            {"Acme.com"},
		"AT%26™":              {"AT&T"},
		"%53hop!\u00c2\u00a0": {"Shop!\u00a0"},
		"\u2039b\u203a":       {"<b>"},
		"Żabka%20Polska":      {"Zabka Polska"},
		"Bäckerei%20Süd":      nil,
		"\u4e2d":              {"?"},
	} {
		if got := InBytes(raw); !slices.Equal(got, want) {
			t.Errorf("%q in bytes is %q, want %q", raw, got, want)
		}
	}
}

func TestHalfEscaped(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		"1%E2\x80\x90206": true, "\xe2%80%90": true, "1%E2%80%90206": false, "1\u2010206": false,
		"%41\u2010%42": false, "%FF": false, "\u00e9%FF": true, "Caf\u00e9%20X": false, "": false,
	} {
		if got := HalfEscaped(raw); got != want {
			t.Errorf("%q: %v, want %v", raw, got, want)
		}
	}
}
