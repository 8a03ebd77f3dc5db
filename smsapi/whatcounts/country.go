package whatcounts

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// countryName is the argument that says the country of the phone. The provider documents
// it for addsubscribertosendercode: with country=GB the phone 7911123456 is 447911123456
// to the backend, whatever this gateway's region is.
const countryName = "country"

// noteCountry takes up a country, as written, from wherever somebody takes arguments.
func (args *arguments) noteCountry(raw string) {
	if raw != "" && len(args.countries) <= maxCountries && !slices.Contains(args.countries, raw) {
		args.countries = append(args.countries, raw)
	}
}

func decodedCountry(raw string) string {
	decoded, _ := smsapi.AppendUnescaped(nil, raw, ' ')
	return strings.TrimSpace(string(decoded))
}

// isCountry reports whether some reader makes country of a name that is none of the others.
func isCountry(name string) bool {
	if len(name) > maxOddName {
		return false
	}
	var buf [64]byte
	skeleton := smsapi.ValueSkeleton(buf[:0], name)
	return bytes.HasPrefix(skeleton, []byte(countryName)) || bytes.HasSuffix(skeleton, []byte(countryName))
}

// meansAnother reports whether the phone of a stop may be another number than the one that
// was read, because the request names another country than this gateway's region. What is
// recorded has to be what was meant. Digits that begin with a country code mean the same
// anywhere.
func (a *API) meansAnother(args *arguments, written string, number phone.Number) bool {
	if written == number.Digits() {
		return false
	}
	for _, raw := range args.countries {
		name := decodedCountry(raw)
		if name == "" || strings.EqualFold(name, a.region.Code()) {
			continue
		}
		region := phone.In(name)
		if region == nil {
			return true
		}
		if there, err := region.Canonical(written); err != nil || there != number {
			return true
		}
	}
	return false
}

// readCountries adds what the phone is in the countries that the request names, in its
// arguments or where else somebody takes arguments from.
func (a *API) readCountries(args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	for _, cookies := range args.cookies {
		for i := range cookies {
			if cookies[i].country {
				value, _, _ := strings.Cut(cookies[i].value, ",") // what another line begins with
				args.noteCountry(strings.TrimPrefix(value, "j%3A"))
			}
		}
	}
	if len(args.countries) > maxCountries {
		return refusedReadings
	}
	args.oneSpelling()
	for _, raw := range args.countries {
		if refusal := a.readIn(raw, args.of[recipient].raw, args, to); refusal != nil {
			return refusal
		}
	}
	return nil
}

// oneSpelling leaves one spelling of each country.
func (args *arguments) oneSpelling() {
	var seen []string
	args.countries = slices.DeleteFunc(args.countries, func(raw string) bool {
		name := decodedCountry(raw)
		region := phone.In(name)
		if region == nil || isCallingCode(name) {
			return false
		}
		again := slices.Contains(seen, region.Code())
		seen = append(seen, region.Code())
		return again
	})
}

// isCallingCode reports whether a country is written as one, which several may have.
func isCallingCode(name string) bool { return strings.Trim(name, "0123456789+") == "" }

// readSenderAbroad adds what a sender that is a number is in the countries that the request
// names, for programs that read both numbers alike.
func (a *API) readSenderAbroad(args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	if len(args.countries) == 0 || len(args.countries) > maxCountries || len(to.Senders) == 0 {
		return nil
	}
	code, refusal := args.strict(nil, sender)
	if refusal != nil || bytes.IndexFunc(code, unicode.IsLetter) >= 0 {
		return nil
	}
	for _, country := range args.countries {
		region := phone.In(decodedCountry(country))
		if region == nil {
			for cut := 1; cut < len(code)-minAbroad; cut++ {
				if more, err := a.region.SenderReadings(to.Senders, string(code[cut:])); err == nil {
					to.Senders = more
				}
			}
			continue
		}
		if more, err := region.SenderReadings(to.Senders, string(code)); err == nil {
			to.Senders = more
		}
	}
	return tooManyReadings(to)
}

// minAbroad is one less than the fewest digits behind an international prefix of a country
// that is not understood.
const minAbroad = 8

// maxCountries is how many countries one request may name.
const maxCountries = 8

// maxForeign is the longest phone that is read in another country, in bytes: some eighty
// numbers. Several countries share it, and phones in cookies. In Argentina, whose numbers need the most looks, hostile
// digits of that length take half a second.
const maxForeign = 1024

// readIn adds what a phone is in a country, both as written. If that is none it is read
// anywhere, see readAnywhere.
func (a *API) readIn(country, written string, args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	name := decodedCountry(country)
	if name == "" || strings.EqualFold(name, a.region.Code()) {
		return nil
	}
	region := phone.In(name)
	if region == nil || isCallingCode(name) {
		args.anywhere = true
		if region == nil {
			return nil
		}
	}
	if region.Code() == a.region.Code() {
		return nil
	}
	field, _ := smsapi.AppendUnescaped(nil, written, ' ')
	if args.abroad += len(field); args.abroad > maxForeign || len(field) > maxForeign/len(args.countries) {
		return refusedReadings
	}
	phones, err := region.Readings(to.Phones, string(field))
	if err != nil {
		return failedPhone
	}
	to.Phones = phones
	return tooManyReadings(to)
}

// readAnywhere adds what the phones are behind any country's prefix, where the request names
// a country that is not understood.
func (a *API) readAnywhere(args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	if !args.anywhere {
		return nil
	}
	phones, err := a.region.Anywhere(to.Phones)
	if err != nil {
		return failedPhone
	}
	to.Phones = phones
	return tooManyReadings(to)
}
