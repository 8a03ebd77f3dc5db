package phone

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNewRegion(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"US", "us", "Gb", "IT"} {
		if r, err := NewRegion(code); err != nil || r.Code() != strings.ToUpper(code) {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, code := range []string{"", "U", "XX", "USA", "001", "1", "U\x00", "ＵＳ", strings.Repeat("U", 1000)} {
		if _, err := NewRegion(code); !errors.Is(err, ErrRegion) {
			t.Errorf("%.10q: %v", code, err)
		}
	}
}

// A request may name a country for every argument that it has.
func TestRegionsAreBuiltOnce(t *testing.T) {
	t.Parallel()
	built := regionOf("DE")
	for _, country := range []string{"DE", " de", "DEU", "276"} {
		if In(country) != built {
			t.Errorf("%q is built anew", country)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, region, digits, want string
		err                        error
	}{
		{"with calling code", "US", "12065551212", "12065551212", nil},
		{"national", "US", "2065551212", "12065551212", nil},
		{"national, a range that is not in use", "US", "1206555121", "11206555121", nil},
		{"another country", "US", "442079460000", "442079460000", nil},
		{"another country of ten digits is national", "US", "4791234567", "14791234567", nil},
		{"another country, trunk prefix inside", "US", "4402079460000", "442079460000", nil},
		{"international prefix 00", "US", "0012065551212", "12065551212", nil},
		{"international prefix 011", "US", "01112065551212", "12065551212", nil},
		{"one zero means nothing in the US", "US", "012065551212", "", ErrImpossible},
		{"one digit more", "US", "120655512120", "", ErrImpossible},
		{"one digit less", "US", "120655512", "", ErrImpossible},
		{"seven digits", "US", "5551212", "", ErrImpossible},
		{"no such calling code", "US", "999999999999", "", ErrImpossible},
		{"non-geographic calling code", "US", "88312345678901", "88312345678901", nil},
		{"short code", "US", "12345", "", ErrImpossible},
		{"sixteen digits", "US", "1234567890123456", "", ErrTooLong},
		{"very long", "US", strings.Repeat("1", 1000), "", ErrTooLong},
		{"zeros", "US", "0000000000", "10000000000", nil},
		{"empty", "US", "", "", ErrEmpty},
		{"plus", "US", "+12065551212", "", ErrNotDigits},
		{"blank", "US", " 12065551212", "", ErrNotDigits},
		{"line feed", "US", "12065551212\n", "", ErrNotDigits},
		{"NUL", "US", "12065551212\x00", "", ErrNotDigits},
		{"dash", "US", "1-206-555-1212", "", ErrNotDigits},
		{"full-width", "US", "１２０６５５５１２１２", "", ErrNotDigits},
		{"list", "US", "12065551212,13105550000", "", ErrNotDigits},

		{"trunk prefix", "GB", "07911123456", "447911123456", nil},
		{"without trunk prefix", "GB", "7911123456", "447911123456", nil},
		{"calling code and trunk prefix", "GB", "4407911123456", "447911123456", nil},
		{"00", "GB", "00447911123456", "447911123456", nil},

		{"trunk prefix where all lengths are possible", "DE", "015112345678", "4915112345678", nil},
		{"calling code where all lengths are possible", "DE", "4915112345678", "4915112345678", nil},
		{"00 where all lengths are possible", "DE", "004915112345678", "4915112345678", nil},
		{"calling code and trunk prefix", "DE", "49015112345678", "4915112345678", nil},
		{"calling code and a mobile number's length", "DE", "4907626799854", "497626799854", nil},
		{"foreign digits are national where they can be", "DE", "12065551212", "4912065551212", nil},

		{"leading zero belongs to the number", "IT", "0612345678", "390612345678", nil},
		{"leading zero behind calling code", "IT", "390612345678", "390612345678", nil},
		{"mobile that begins as the calling code", "IT", "3912345678", "393912345678", nil},
		{"landline behind calling code", "IT", "3906123456", "3906123456", nil},
		{"mobile", "IT", "3331234567", "393331234567", nil},

		{"eight digits", "NO", "91234567", "4791234567", nil},
		{"eight digits that begin as the calling code", "NO", "47123456", "4747123456", nil},
		{"mobile that begins as the calling code", "IN", "9123456789", "919123456789", nil},
		{"0011", "AU", "001112065551212", "12065551212", nil},
		{"00 where it is not the prefix", "AU", "0061412345678", "61412345678", nil},
		{"trunk prefix", "AU", "0412345678", "61412345678", nil},
		{"carrier code", "BR", "01511987654321", "5511987654321", nil},
		{"two-digit trunk prefix", "HU", "06301234567", "36301234567", nil},
		{"trunk prefix 8", "RU", "89161234567", "79161234567", nil},
		{"numbers that begin as the trunk prefix", "RU", "8001234567", "78001234567", nil},
		{"010", "JP", "010819012345678", "819012345678", nil},
		{"foreign digits behind a prefix too", "DE", "0012065551212", "4912065551212", nil},
		{"local number of an island", "AG", "4641234", "12684641234", nil},
		{"15 for mobiles", "AR", "0111523456789", "5491123456789", nil},
	}
	for _, tt := range tests {
		t.Run(tt.region+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			n, err := regionOf(tt.region).Canonical(tt.digits)
			if n.Digits() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q is %q, %v; want %q, %v", tt.digits, n.Digits(), err, tt.want, tt.err)
			}
		})
	}
}

func TestCanonicalIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		n, err := r.Canonical(d)
		if err != nil {
			return
		}
		if again, err := r.Canonical(n.Digits()); err != nil || again != n {
			t.Fatalf("%s: %s is %s, which is %s, %v", r.code, d, n.Digits(), again.Digits(), err)
		}
	})
}

func TestErrorsSayNothingOfTheInput(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		ErrEmpty, ErrNotPhone, ErrNotDigits, ErrTooLong, ErrImpossible, ErrUnreadable, ErrNotSender, ErrRegion,
	} {
		if text := err.Error(); text == "" || strings.ContainsAny(text, ":\n0123456789") {
			t.Errorf("%q", text)
		}
	}
}
