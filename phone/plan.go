package phone

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// plan is what a country calling code's numbering plan says about how its
// numbers are written. It is read once from the phonenumbers library, so that
// plain digits can be read without it and with the same result.
type plan struct {
	// code is the calling code, 1 to 3 digits.
	code string
	// lengths and mobile have bit n set where a national number, or a mobile one,
	// of n digits is possible.
	lengths, mobile uint32
	// trunk is what may stand before a national number and is no part of it.
	trunk prefix
}

// possible reports whether a national number of n digits is possible and fits
// into E.164 behind the calling code.
func (p *plan) possible(n int) bool {
	return n+len(p.code) <= MaxDigits && p.lengths>>n&1 == 1
}

// plans finds the plan of a number by its first three digits. No calling code is
// the beginning of another, so each index has at most one.
var plans = sync.OnceValue(func() *[1000]*plan {
	metadata := allMetadata()
	var table [1000]*plan
	for code := range phonenumbers.GetSupportedCallingCodes() {
		p := &plan{code: strconv.Itoa(code), lengths: possibleLengths(code)}
		// The library judges a calling code by its main region.
		key := metadataKey{phonenumbers.GetRegionCodeForCountryCode(code), code}
		if m := metadata[key]; m != nil {
			p.mobile = p.lengths
			if lengths := m.GetMobile().GetPossibleLength(); len(lengths) > 0 {
				p.mobile = bits(lengths)
			}
			p.trunk = newPrefix(m.GetNationalPrefixForParsing())
		}
		span := 1
		for range 3 - len(p.code) {
			span *= 10
		}
		for i := range span {
			table[code*span+i] = p
		}
	}
	return &table
})

// planOf returns the plan that the international number d belongs to, or nil.
func planOf(d string) *plan {
	if len(d) < 3 {
		return nil
	}
	return plans()[int(d[0]-'0')*100+int(d[1]-'0')*10+int(d[2]-'0')]
}

type metadataKey struct {
	region string
	code   int
}

func allMetadata() map[metadataKey]*phonenumbers.PhoneMetadata {
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic(err) // it is compiled in, and the library's own init has read it
	}
	all := make(map[metadataKey]*phonenumbers.PhoneMetadata)
	for _, m := range collection.GetMetadata() {
		all[metadataKey{m.GetId(), int(m.GetCountryCode())}] = m
	}
	return all
}

// possibleLengths asks the library about a number of each length.
func possibleLengths(code int) (set uint32) {
	national := uint64(1)
	for n := 1; n <= MaxDigits; n++ {
		number := phonenumbers.PhoneNumber{}
		c := int32(code)
		number.CountryCode, number.NationalNumber = &c, &national
		if phonenumbers.IsPossibleNumberWithReason(&number) == phonenumbers.IS_POSSIBLE {
			set |= 1 << n
		}
		national *= 10
	}
	return set
}

func bits(lengths []int32) (set uint32) {
	for _, n := range lengths {
		if n > 0 && n <= MaxDigits {
			set |= 1 << n
		}
	}
	return set
}

// prefix is a pattern that digits may begin with.
type prefix struct {
	// literal is the whole pattern, where it is nothing but digits.
	literal string
	pattern *regexp.Regexp
	// first has bit d set where the pattern may begin with digit d.
	first uint16
}

func newPrefix(pattern string) prefix {
	if pattern == "" {
		return prefix{}
	}
	if !strings.ContainsFunc(pattern, func(r rune) bool { return r < '0' || r > '9' }) {
		return prefix{literal: pattern, first: 1 << (pattern[0] - '0')}
	}
	return prefix{
		pattern: regexp.MustCompile("^(?:" + pattern + ")"),
		first:   firstDigits(pattern),
	}
}

// len is the length of the prefix that d begins with, 0 for none.
func (p *prefix) len(d string) int {
	switch {
	case d == "" || p.first>>(d[0]-'0')&1 == 0:
		return 0
	case p.pattern == nil:
		if strings.HasPrefix(d, p.literal) {
			return len(p.literal)
		}
		return 0
	}
	if at := p.pattern.FindStringIndex(strings.Clone(d)); at != nil {
		return at[1]
	}
	return 0
}

// firstDigits is the set of digits that a match of pattern may begin with. It
// may hold more than that, never less.
func firstDigits(pattern string) uint16 {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 1<<10 - 1
	}
	set, _ := firstOf(re)
	return set
}

// firstOf also reports whether re can match nothing at all, so that what follows
// it may come first.
func firstOf(re *syntax.Regexp) (set uint16, empty bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if r := re.Rune[0]; r >= '0' && r <= '9' {
			set = 1 << (r - '0')
		}
		return set, false
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			for r := max(re.Rune[i], '0'); r <= min(re.Rune[i+1], '9'); r++ {
				set |= 1 << (r - '0')
			}
		}
		return set, false
	case syntax.OpCapture, syntax.OpPlus:
		return firstOf(re.Sub[0])
	case syntax.OpRepeat:
		set, empty = firstOf(re.Sub[0])
		return set, empty || re.Min == 0
	case syntax.OpQuest, syntax.OpStar:
		set, _ = firstOf(re.Sub[0])
		return set, true
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			s, e := firstOf(sub)
			set |= s
			if !e {
				return set, false
			}
		}
		return set, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			s, e := firstOf(sub)
			set |= s
			empty = empty || e
		}
		return set, empty
	default:
		return 0, true
	}
}
