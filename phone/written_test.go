package phone

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		region, in, want string
		err              error
	}{
		"digits":                       {"US", "12065551212", "12065551212", nil},
		"national digits":              {"US", "2065551212", "12065551212", nil},
		"plus":                         {"US", "+12065551212", "12065551212", nil},
		"plus wins over the region":    {"US", "+2065551212", "2065551212", nil},
		"punctuation":                  {"US", " (206) 555-1212 ", "12065551212", nil},
		"plus and punctuation":         {"DE", "+1 (206) 555.1212", "12065551212", nil},
		"trunk prefix in parentheses":  {"US", "+44 (0)20 7946 0018", "442079460018", nil},
		"empty":                        {"US", "  ", "", ErrEmpty},
		"only a plus":                  {"US", "+", "", ErrUnreadable},
		"two pluses":                   {"US", "++12065551212", "", ErrUnreadable},
		"letters":                      {"US", "1-206-FLOWERS", "", ErrUnreadable},
		"another channel":              {"US", "whatsapp:+12065551212", "", ErrUnreadable},
		"an extension":                 {"US", "2065551212x5", "", ErrUnreadable},
		"two numbers":                  {"US", "12065551212,12065551213", "", ErrUnreadable},
		"a spreadsheet's number":       {"US", "1.20656E+10", "", ErrUnreadable},
		"an amount":                    {"US", "12 065 551 212.00", "", ErrUnreadable},
		"full-width digits":            {"US", "１２０６５５５１２１２", "", ErrUnreadable},
		"too short":                    {"US", "12345", "", ErrImpossible},
		"too short with a plus":        {"US", "+1206", "", ErrImpossible},
		"too many digits":              {"US", "+" + strings.Repeat("1", 30), "", ErrTooLong},
		"too long":                     {"US", strings.Repeat(" ", 80) + "1", "", ErrTooLong},
		"no country begins with these": {"US", "+999123456789", "", ErrImpossible},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := NewRegion(c.region)
			if err != nil {
				t.Fatal(err)
			}
			n, err := r.Written(c.in)
			if n.Digits() != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q in %s is %q, %v; want %q, %v", c.in, c.region, n.Digits(), err, c.want, c.err)
			}
		})
	}
}

// TestWriteAndRead wants every number that a list can hold to come back from an
// export as the same number, and what is read to be found by a send.
func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"US", "DE", "IT", "GB", "MX", "BR"} {
		r, err := NewRegion(code)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			in := rapid.StringMatching(`\+?[0-9]{6,15}`).Draw(t, "in")
			n, err := r.Written(in)
			if err != nil {
				return
			}
			out := r.Write(n)
			if again, err := r.Written(out); err != nil || again != n {
				t.Fatalf("%s: %q is written %q and read as %q, %v", code, in, out, again.Digits(), err)
			}
			readings, err := r.Readings(nil, in)
			if err != nil || !slices.Contains(readings, n) {
				t.Fatalf("%s: a send to %q does not find %q, %v", code, in, n.Digits(), err)
			}
		})
	}
}
