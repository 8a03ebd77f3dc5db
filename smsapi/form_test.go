package smsapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// pairs lists what a form yields, marked by how it is seen.
func pairs(form Form) (all []string) {
	var p Pair
	for form.Next(&p) {
		mark := [...]string{"", "head ", "tail "}[p.Split]
		if p.Hidden {
			mark += "hidden "
		}
		if p.Bare {
			all = append(all, mark+p.Name)
		} else {
			all = append(all, mark+p.Name+"="+p.Value)
		}
	}
	return all
}

func TestForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		form Form
		want []string
	}{
		"empty":              {QueryForm(""), nil},
		"one":                {QueryForm("a=1"), []string{"a=1"}},
		"bare":               {QueryForm("a&b=2"), []string{"a", "b=2"}},
		"empty segments":     {QueryForm("&&a=1&&b=2&"), []string{"a=1", "b=2"}},
		"empty name":         {QueryForm("=1"), []string{"=1"}},
		"equals in value":    {QueryForm("a=1=2"), []string{"a=1=2"}},
		"semicolons":         {QueryForm("a=1;b=2;;c&d=3"), []string{"head a=1", "tail b=2", "tail c", "d=3"}},
		"leading semicolon":  {QueryForm(";a=1"), []string{"tail a=1"}},
		"trailing semicolon": {QueryForm("a=1;&b=2"), []string{"head a=1", "b=2"}},
		"escaped ampersands": {QueryForm("a=1&amp;b=2"), []string{"a=1", "head amp", "tail b=2"}},
		"fragment":           {QueryForm("a=1#x&b=2"), []string{"a=1#x", "hidden b=2"}},
		"fragment in a body": {BodyForm("a=1#x&b=2"), []string{"a=1#x", "b=2"}},
		"escapes stay":       {QueryForm("%61=%62&c+d=e+f"), []string{"%61=%62", "c+d=e+f"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := pairs(c.form); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFormSegments(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"": 0, "a": 1, "a&b": 2, "&&": 3, "a;b&c": 2} {
		form := QueryForm(s)
		pairs(form) // a copy: the form is a value
		var p Pair
		for form.Next(&p) {
		}
		if got := form.Segments(); got != want {
			t.Errorf("%q has %d segments, want %d", s, got, want)
		}
	}
}

func TestFormLongValue(t *testing.T) {
	t.Parallel()
	form := QueryForm("a=1;b=2&c=3&d;e=4")
	var p Pair
	var got []string
	for form.Next(&p) {
		got = append(got, p.Name+" "+p.Value+" "+p.Long)
	}
	if want := []string{"a 1 1;b=2", "b 2 ", "c 3 3", "d  ", "e 4 "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzScanner holds the pairs that every reader sees against url.ParseQuery, and
// the pieces against the text they come from.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=1;b=2", "&;=#%", "%61=+&&=&;;", "a=1#b&c=2;d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		form, n := QueryForm(s), 0
		seen := url.Values{}
		var p Pair
		for form.Next(&p) {
			n += len(p.Name) + len(p.Value) + 1
			if !strings.Contains(s, p.Name) || !strings.Contains(s, p.Value) {
				t.Fatalf("%q yields %q=%q", s, p.Name, p.Value)
			}
			if p.Plain != isPlainName(p.Name) || p.Bare && p.Value != "" {
				t.Fatalf("%q yields %+v", s, p)
			}
			name, err1 := url.QueryUnescape(p.Name)
			value, err2 := url.QueryUnescape(p.Value)
			if p.Split == SplitAll && err1 == nil && err2 == nil {
				seen.Add(name, value)
			}
			NameFolds(p.Name, []string{"phone"})
			ValueFolds(p.Value, []string{"phone"})
		}
		if n > len(s)+2 {
			t.Fatalf("%q yields %d bytes", s, n)
		}
		if strings.Count(s, "&") > 5000 {
			return // beyond what net/url parses
		}
		// ParseQuery drops what it finds malformed and keeps the rest.
		want, _ := url.ParseQuery(s)
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Fatalf("%q yields %q, net/url sees %q", s, seen, want)
		}
	})
}
