package phone

import (
	"errors"
	"slices"
	"testing"
)

func TestIn(t *testing.T) {
	t.Parallel()
	for country, want := range map[string]string{
		"GB": "GB", " gb ": "GB", "UK": "GB", "GBR": "GB", "826": "GB", "usa": "US", "DE": "DE",
		"": "", "United Kingdom": "", "44": "", "XX": "", "001": "", "AQ": "",
	} {
		got := ""
		if region := In(country); region != nil {
			got = region.Code()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", country, got, want)
		}
	}
}

func TestAnywhere(t *testing.T) {
	t.Parallel()
	got, err := regionOf("US").Anywhere([]Number{number(t, "7911123456")})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"7911123456", "447911123456", "497911123456", "17911123456"} {
		if !slices.Contains(got, number(t, n)) {
			t.Errorf("%s is not among %s", n, show(got))
		}
	}
	if slices.Contains(got, number(t, "477911123456")) { // Norway has numbers of eight digits
		t.Error("a number that is too long for its country")
	}
	if _, err := regionOf("US").Anywhere(make([]Number, maxAbroad+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a long list: %v", err)
	}
}
