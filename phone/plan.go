package phone

import (
	"strconv"
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
	// inside is the digits that may follow the trunk prefix's where they are the
	// beginning of a national number, so that only the library can tell.
	inside digitSet
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
				p.mobile = lengthSet(lengths)
			}
			p.trunk = newPrefix(m.GetNationalPrefixForParsing())
			p.inside = p.trunk.inside(m)
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

type metadataKey struct {
	region string
	code   int
}

// allMetadata finds what the library knows of a region or of a calling code without one.
var allMetadata = sync.OnceValue(func() map[metadataKey]*phonenumbers.PhoneMetadata {
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic(err) // it is compiled in, and the library's own init has read it
	}
	all := make(map[metadataKey]*phonenumbers.PhoneMetadata)
	for _, m := range collection.GetMetadata() {
		all[metadataKey{m.GetId(), int(m.GetCountryCode())}] = m
	}
	return all
})

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

func lengthSet(lengths []int32) (set uint32) {
	for _, n := range lengths {
		if n > 0 && n <= MaxDigits {
			set |= 1 << n
		}
	}
	return set
}
