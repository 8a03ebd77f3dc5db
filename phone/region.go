package phone

import (
	"strings"

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
	// trunkInside says that a national number may itself begin as the trunk
	// prefix does, so that only the library can tell the two apart.
	trunkInside bool
}

// NewRegion returns the region with the given ISO 3166-1 alpha-2 code, in any
// letter case. The first call costs some milliseconds.
func NewRegion(code string) (*Region, error) {
	code = strings.ToUpper(code)
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
	r.trunkInside = r.trunk.first&firstDigits(m.GetGeneralDesc().GetNationalNumberPattern()) != 0
	return r, nil
}

// Code is the region's ISO 3166-1 alpha-2 code in capitals.
func (r *Region) Code() string { return r.code }
