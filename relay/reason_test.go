package relay

import (
	"strings"
	"testing"
)

// A backend's reason is shown without what it may repeat of the request.
func TestPresentable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, reason, password, want string }{
		{"nothing to hide", "Phone was not found", "mypass", "Phone was not found"},
		{"the password", "Password hunter2 is wrong for 10.0.0.1", "hunter2", "Password *** is wrong for 10.0.0.1"},
		{"in another case", "MYPASS?", "myPass", "***?"},
		{"a word like it", "Password mypass is wrong", "mypass", "***word *** is wrong"},
		{"a part of it", "starts with correct-horse", "correct-horse-battery", "starts with ***"},
		{"escaped in part", "p=sec%26ret99", "sec&ret99", "p=sec%26***"},
		{"a short one", "x is wrong", "x", "*** is wrong"},
		{"none is configured", "no password", "", "no password"},
		{"a phone", "unknown phone 12065551212.", "mypass", "unknown phone ***********."},
		{"a formatted phone", "+1 (206) 555-1212 unknown", "mypass", "+* (***) ***-**** unknown"},
		{"digits of another script", "٠١٢٣٤٥٦٧٨٩", "mypass", "**********"},
		{"a code", "error 10432", "mypass", "error 10432"},
		{"control characters", "a\x1b[31mb\x00c", "mypass", "a [31mb c"},
		{"broken UTF-8", "a\xffb", "mypass", "ab"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := presentable(test.reason, test.password); got != test.want {
				t.Errorf("%q", got)
			}
		})
	}
	if got := presentable(strings.Repeat("é", 5000), "mypass"); len(got) > maxReason+3 {
		t.Errorf("%d bytes", len(got))
	}
	if got := presentable(strings.Repeat("a", maxReason-3)+"mypass", "mypass"); strings.Contains(got, "myp") {
		t.Errorf("a password at the end shows in part: %q", got)
	}
}

func FuzzPresentable(f *testing.F) {
	f.Add("Password mypass is wrong", "mypass")
	f.Add("ÅÄ mypass 1206-555-1212", "äpass")
	f.Fuzz(func(t *testing.T, reason, password string) {
		got := presentable(reason, password)
		if len(password) >= minHidden && !strings.Contains("***...", password) && strings.Contains(got, password) {
			t.Errorf("%q shows %q", got, password)
		}
		run := 0
		for _, c := range got {
			if run++; c < '0' || c > '9' {
				run = 0
			}
			if run >= minPhone {
				t.Errorf("%q shows a phone", got)
			}
		}
	})
}
