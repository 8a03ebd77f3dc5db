package smsapi

import (
	"errors"
	"strings"
	"testing"
)

func TestCanonicalRealm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in, want string
		err      error
	}{
		"canonical":          {in: "myrealm", want: "myrealm"},
		"punctuation":        {in: "my_realm-2.eu", want: "my_realm-2.eu"},
		"case":               {in: "MyRealm", want: "myrealm"},
		"blanks around":      {in: " \tmyrealm\r\n", want: "myrealm"},
		"blanks within":      {in: "acme  corp", want: "acme corp"},
		"full width":         {in: "ｍｙrealm", want: "myrealm"},
		"no-break space":     {in: "\u00a0myrealm\u00a0", want: "myrealm"},
		"umlaut":             {in: "MÜLLER", want: "muller"},
		"decomposed umlaut":  {in: "mu\u0308ller", want: "muller"},
		"sharp s":            {in: "STRASSE", want: "strasse"},
		"accent":             {in: "MýRéalm", want: "myrealm"},
		"combining accent":   {in: "myre\u0301alm\u034f\ufe0f\u20dd", want: "myrealm"},
		"ligature, stroke":   {in: "Œłæøđßİı", want: "oelaeodssii"},
		"only marks":         {in: "\u0301\ufe0f", err: ErrRealmEmpty},
		"Hangul":             {in: "한국", want: "한국"},
		"empty":              {in: "", err: ErrRealmEmpty},
		"blank":              {in: " \t", err: ErrRealmEmpty},
		"NUL":                {in: "myrealm\x00", err: ErrRealmUnreadable},
		"control":            {in: "my\x07realm", err: ErrRealmUnreadable},
		"zero width":         {in: "my\u200brealm", want: "myrealm"},
		"BOM":                {in: "\ufeffmyrealm", want: "myrealm"},
		"not UTF-8":          {in: "my\xffrealm", err: ErrRealmUnreadable},
		"overlong":           {in: "\xc1\xadyrealm", err: ErrRealmUnreadable},
		"every realm":        {in: "*", err: ErrRealmUnreadable},
		"every realm, wide":  {in: "＊", err: ErrRealmUnreadable},
		"longest":            {in: strings.Repeat("a", 128), want: strings.Repeat("a", 128)},
		"too long":           {in: strings.Repeat("a", 129), err: ErrRealmTooLong},
		"too long once NFKC": {in: strings.Repeat("ﷺ", 40), err: ErrRealmTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := CanonicalRealm(c.in)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("CanonicalRealm(%q) = %q, %v; want %q, %v", c.in, got, err, c.want, c.err)
			}
			if again, err := CanonicalRealm(got); c.err == nil && (again != got || err != nil) {
				t.Errorf("CanonicalRealm(%q) = %q, %v: not stable", got, again, err)
			}
		})
	}
}

func TestCanonicalRealmNoAllocation(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _, _ = CanonicalRealm("my_realm") }); n != 0 {
		t.Errorf("%v allocations for a canonical realm", n)
	}
}

func TestRealmGuess(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		realm, account string
		want           bool
	}{
		{"my-realm", "myrealm", true}, {"my realm", "my_realm", true}, {`my\realm`, "myrealm", true}, {"my1realm", "myrealm", true},
		{"myrealm/x", "myrealm", true}, {"x/myrealm", "myrealm", true}, {"x/.my-realm", "myrealm", true}, {"my-realm!x", "myrealm", true}, {"m_realm", "myrealm", true}, {"my.ealm", "myrealm", true},
		{"my%", "myrealm", true}, {"my*", "myrealm", true}, {".*", "myrealm", true}, {"^my", "myrealm", true}, {"[a-z]+", "myrealm", true},
		{"042", "42", true}, {"42.9", "42", true}, {"4.25e1", "42", true}, {"0x2az", "42", true}, {"0x2a.5", "42", true}, {"052", "42", true}, {"42.9x", "42", true}, {"x/myrealm/", "myrealm", true}, {"x/../myrealm/.", "myrealm", true}, {"42.9", "43", false}, {"myeval()realm", "myrealm", true}, {"myjavascript:realm", "myrealm", true}, {"myselectrealm", "myrealm", true}, {"42-x", "42", true}, {"42abc", "42", true}, {"42.0", "42", true}, {"+42", "42", true}, {"4.2e1", "42", true}, {"0x2a", "42", true}, {"4_2", "42", true},
		{"my.realm+x@googlemail.com", "myrealm@gmail.com", true},
		{"second", "myrealm", false}, {"myrealms", "myrealm", false}, {"realm", "myrealm", false}, {"myrealm", "myrealm2", false},
		{"my", "myrealm", false}, {"43", "42", false}, {"142", "42", false}, {"m_realmx", "myrealm", false}, {"shop-43", "42", false}, {"a42", "42", true}, {"my.realm+x@outlook.com", "my.realm@outlook.com", true}, {"a-x@yahoo.com", "a@yahoo.com", true}, {"a@ya.ru", "a@yandex.ru", true},
		{`\s+`, "myrealm", true}, {`(m)yreal\1`, "myrealm", true}, {"[^]*", "myrealm", true}, {"a+x@other.org", "a@other.org", false}, {"a@outlook.com", "a@hotmail.com", false},
		{"acme2", "acme", false}, {"acme-2", "acme", false}, {"acme-uk", "acme", false}, {"acme uk", "acme", false}, {"acme.uk", "acme", false},
		{"sales@acme.com", "acme", false}, {"bob+sms@other.com", "acme", false}, {"other (uk)", "acme", false}, {"$other", "acme", false}, {"other[1]", "acme", false},
		{"info@b.org", "info@a.com", false}, {"daily news", "news", false}, {"sales@acme.com", "sales", false}, {"(", "acme", false}, {"-", "acme", false},
	} {
		g := GuessRealm(tt.realm)
		if got := g.MayMean(tt.account); got != tt.want {
			t.Errorf("%q for %q: %v", tt.realm, tt.account, got)
		}
	}
}
