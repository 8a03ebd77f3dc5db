package phone

import (
	"slices"
	"strings"
	"testing"
)

var fuzzRegions = []string{"US", "DE", "IT", "BR"}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"12065551212", "2065551212", "0012065551212", "0612345678", "", "+1", "4402079460000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, digits string) {
		for _, code := range fuzzRegions {
			r := regionOf(code)
			n, err := r.Canonical(digits)
			if (err == nil) == n.IsZero() {
				t.Fatalf("%s %q: %q, %v", code, digits, n.Digits(), err)
			}
			if err != nil {
				continue
			}
			if again, err := r.Canonical(n.Digits()); again != n {
				t.Fatalf("%s %q: %s is %s, %v", code, digits, n.Digits(), again.Digits(), err)
			}
			if len(strings.TrimLeft(digits, "0")) > MaxDigits {
				continue
			}
			if got, err := r.Readings(nil, digits); err != nil || !slices.Contains(got, n) {
				t.Fatalf("%s %q: %s is not among %s, %v", code, digits, n.Digits(), show(got), err)
			}
		}
	})
}

func FuzzReadings(f *testing.F) {
	for _, seed := range []string{
		"+1 (206) 555-1212", "13105550000 12065551212", `["12065551212"]`, "tel:+1-206-555-1212;ext=5", "12065551212 x5",
		"１２０６", "12065551212.0", "206,555;1212|0", "\u202a+1\u202c", "\xc0\xb1", "+1 206 555 1212 +1 310 555 0000",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		for _, code := range fuzzRegions {
			r := regionOf(code)
			got, err := r.Readings(nil, field)
			if (err == nil) != (len(got) > 0) {
				t.Fatalf("%s %q: %s, %v", code, field, show(got), err)
			}
			for i, n := range got {
				if n.IsZero() || slices.Contains(got[:i], n) && i < 100 {
					t.Fatalf("%s %q: %s has an empty number or a duplicate", code, field, show(got))
				}
			}
			if err != nil {
				continue
			}
			// The same field as an element of a list keeps its readings.
			listed, err := r.Readings(nil, field+",13105550000")
			if err != nil {
				continue
			}
			for _, n := range got {
				if !slices.Contains(listed, n) && !strings.ContainsFunc(field, isListMark) {
					t.Fatalf("%s %q: %s is lost in a list, %s", code, field, n.Digits(), show(listed))
				}
			}
		}
	})
}

func FuzzSender(f *testing.F) {
	for _, seed := range []string{"120162701555", "+12065551212", "MyBrand", "MyВrand", "ﬁ", "\u212A", "12345", "code 12345", "1-2.0", "İ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		for _, code := range fuzzRegions {
			r := regionOf(code)
			got, err := r.SenderReadings(nil, field)
			if (err == nil) != (len(got) > 0) {
				t.Fatalf("%s %q: %q, %v", code, field, got, err)
			}
			for i, s := range got {
				if s == "" || s == AnySender || len(s) > MaxSender || slices.Contains(got[:i], s) {
					t.Fatalf("%s %q: bad reading or duplicate in %q", code, field, got)
				}
			}
			stop, stopErr := r.CanonicalSender(field)
			if (stopErr == nil) == (stop == "") || len(stop) > MaxSender || stop == AnySender {
				t.Fatalf("%s %q: %q, %v", code, field, stop, stopErr)
			}
			if stopErr != nil {
				continue
			}
			if again, err := r.CanonicalSender(string(stop)); again != stop {
				t.Fatalf("%s %q: %q is %q, %v", code, field, stop, again, err)
			}
			if !slices.Contains(got, stop) {
				t.Fatalf("%s %q: %q is not among %q, %v", code, field, stop, got, err)
			}
		}
	})
}
