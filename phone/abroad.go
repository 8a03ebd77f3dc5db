package phone

import (
	"strings"

	"golang.org/x/text/language"
)

// maxAbroad is the most readings of a field that are looked at for a country's name.
const maxAbroad = 64

// longestPrefix is the most digits of an international prefix, such as Belarus' 8~10, without
// the zeros that numbers do not begin with.
const longestPrefix = 5

// In returns the region that a country argument names: by its ISO 3166-1 code of two or
// three letters, by UK, or by its UN M.49 number. It returns nil for any other text, a
// country's name or calling code among them.
func In(country string) *Region {
	country = strings.ToUpper(strings.TrimSpace(country))
	if country == "UK" {
		country = "GB"
	}
	code, err := language.ParseRegion(country)
	if err != nil {
		return nil
	}
	region, err := NewRegion(code.Canonicalize().String())
	if err != nil {
		return nil
	}
	return region
}

// Anywhere appends to numbers what each of them is as a national number of every country that
// has numbers of its length, and behind an international prefix: for a backend that was told
// the country in words that are not understood here.
func (r *Region) Anywhere(numbers []Number) ([]Number, error) {
	if len(numbers) > maxAbroad {
		return numbers, ErrTooLong
	}
	for _, number := range numbers {
		d := number.Digits()
		for cut := 1; cut <= longestPrefix && cut < len(d); cut++ {
			if n, ok := r.international(d[cut:]); ok {
				numbers = append(numbers, n)
			}
		}
		var last *plan
		for _, p := range r.plans {
			if p == nil || p == last || !p.possible(len(d)) {
				continue
			}
			last = p
			if n, ok := join(p.code, d); ok {
				numbers = append(numbers, n)
			}
		}
	}
	return unique(numbers), nil
}
