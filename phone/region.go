package phone

import (
	"regexp"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// Region reads phones and senders as they are written in one country: its
// national numbers, its trunk and international prefixes. It is immutable and
// safe for concurrent use.
type Region struct {
	code string
	plan *plan
	// plans is the table that plans returns.
	plans *[1000]*plan
	// trunk and idd are this region's, which may differ from those of the main
	// region of its calling code.
	trunk, idd prefix
	inside     digitSet // as in plan
	// ranges is the national numbers in use.
	ranges *regexp.Regexp
	// plain says that the short way is open, see short.go: for national numbers whose first
	// digit is not in barred, and for other numbers whose first digit is not in foreign.
	plain           bool
	barred, foreign digitSet
}

// regions holds each *Region that was ever asked for, by its code: requests name the same
// countries again and again. There are some 245 codes that get in.
var regions sync.Map

// NewRegion returns the region with the given ISO 3166-1 alpha-2 code, in any letter case.
// The first call of all reads every country's numbering plan, which takes some milliseconds,
// and the first for each code builds that region. Later ones return the same.
func NewRegion(code string) (*Region, error) {
	code = strings.ToUpper(code)
	if r, ok := regions.Load(code); ok {
		return r.(*Region), nil
	}
	r, err := build(code)
	if err != nil {
		return nil, err
	}
	kept, _ := regions.LoadOrStore(code, r)
	return kept.(*Region), nil
}

// build builds the region with the given code in capitals.
func build(code string) (*Region, error) {
	calling := phonenumbers.GetCountryCodeForRegion(code)
	m := allMetadata()[metadataKey{code, calling}]
	if calling == 0 || m == nil {
		return nil, ErrRegion
	}
	r := &Region{
		code:  code,
		plans: plans(),
		trunk: newPrefix(m.GetNationalPrefixForParsing()),
		idd:   newPrefix(m.GetInternationalPrefix()),
	}
	for _, p := range r.plans {
		if p != nil && p.code == digitsOf(calling) {
			r.plan = p
			break
		}
	}
	if r.plan == nil {
		return nil, ErrRegion
	}
	r.inside = r.trunk.inside(m)
	r.ranges = regexp.MustCompile("^(?:" + m.GetGeneralDesc().GetNationalNumberPattern() + ")$")
	r.barred, r.foreign, r.plain = r.bar(m.GetInternationalPrefix())
	return r, nil
}

// Code is the region's ISO 3166-1 alpha-2 code in capitals.
func (r *Region) Code() string { return r.code }

// planOf is the plan that the international number d belongs to, or nil.
func (r *Region) planOf(d string) *plan {
	if len(d) < 3 {
		return nil
	}
	return r.plans[int(d[0]-'0')*100+int(d[1]-'0')*10+int(d[2]-'0')]
}
