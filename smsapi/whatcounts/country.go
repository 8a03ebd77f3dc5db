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

// countryName is the argument's name.
const countryName = "country"

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

// readCountry adds what the phone is in the country that the request names, in its
// arguments or where else somebody takes arguments from.
func (a *API) readCountry(args *arguments, cookies []string, to *smsapi.Recipient) *smsapi.Refusal {
	c := &args.country
	if c.unclear {
		return a.readAnywhere(to)
	}
	if c.given {
		decoded, _ := smsapi.AppendUnescaped(nil, c.raw, ' ')
		if refusal := a.readIn(string(decoded), args, to); refusal != nil {
			return refusal
		}
	}
	for _, name := range args.elsewhere {
		if refusal := a.readIn(name, args, to); refusal != nil {
			return refusal
		}
	}
	for _, line := range cookies {
		for cookie := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(cookie, "=")
			if !strings.EqualFold(strings.TrimSpace(name), countryName) {
				continue
			}
			decoded, _ := smsapi.AppendUnescaped(nil, strings.Trim(value, ` "`), ' ')
			if refusal := a.readIn(string(decoded), args, to); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

// readIn adds what the phone is in a country, or anywhere if that is none.
func (a *API) readIn(name string, args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	name = strings.TrimSpace(name)
	if name == "" || strings.EqualFold(name, a.region.Code()) {
		return nil
	}
	region := phone.In(name)
	if region == nil {
		return a.readAnywhere(to)
	}
	if region.Code() == a.region.Code() {
		return nil
	}
	field, _ := smsapi.AppendUnescaped(nil, args.of[recipient].raw, ' ')
	phones, err := region.Readings(to.Phones, string(field))
	if err != nil {
		return failedPhone
	}
	to.Phones = phones
	return tooManyReadings(to)
}

func (a *API) readAnywhere(to *smsapi.Recipient) *smsapi.Refusal {
	phones, err := a.region.Anywhere(to.Phones, 0)
	if err != nil {
		return failedPhone
	}
	to.Phones = phones
	return tooManyReadings(to)
}
