package whatcounts

import (
	"strings"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// country is what a request says about the country of its phone. The provider documents
// the argument for addsubscribertosendercode: with country=GB the phone 7911123456 is
// 447911123456 to the backend, whatever this gateway's region is.
type country struct {
	raw   string
	given bool
	// unclear: it is given twice, or under a name that only some take for it.
	unclear bool
}

// note takes up a pair that names a country.
func (c *country) note(p *smsapi.Pair) {
	c.unclear = c.unclear || c.given && c.raw != p.Value || p.Split != smsapi.SplitAll
	c.raw, c.given = p.Value, true
}

// meansAnother reports whether the phone of a stop may be another number than the one that
// was read, because the request names another country than this gateway's region. What is
// recorded has to be what was meant.
func (a *API) meansAnother(args *arguments, number phone.Number) bool {
	c := &args.country
	if c.unclear {
		return true
	}
	decoded, _ := smsapi.AppendUnescaped(nil, c.raw, ' ')
	name := strings.TrimSpace(string(decoded))
	if name == "" || strings.EqualFold(name, a.region.Code()) {
		return false
	}
	region := phone.In(name)
	if region == nil {
		return true
	}
	field, _ := smsapi.AppendUnescaped(nil, args.of[recipient].raw, ' ')
	there, err := region.Canonical(string(field))
	return err != nil || there != number
}

// readCountry adds what the phone is in the country that the request names.
func (a *API) readCountry(args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	c := &args.country
	if !c.given && !c.unclear {
		return nil
	}
	decoded, _ := smsapi.AppendUnescaped(nil, c.raw, ' ')
	name := strings.TrimSpace(string(decoded))
	if name == "" && !c.unclear || strings.EqualFold(name, a.region.Code()) && !c.unclear {
		return nil
	}
	var err error
	region := phone.In(name)
	switch {
	case c.unclear || region == nil:
		to.Phones, err = a.region.Anywhere(to.Phones, 0)
	case region.Code() == a.region.Code():
		return nil
	default:
		field, _ := smsapi.AppendUnescaped(nil, args.of[recipient].raw, ' ')
		to.Phones, err = region.Readings(to.Phones, string(field))
	}
	if err != nil {
		return failedPhone
	}
	return nil
}
