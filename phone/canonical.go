package phone

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxPrefixed is the most digits that are looked at for one number: an E.164
// number behind the longest international prefix in use (5 digits).
const maxPrefixed = MaxDigits + 5

// Canonical reads the phone of a stop: ASCII digits and nothing else. Plausible
// is enough, for number ranges are opened every month: the digits must have a
// length that is possible for their country, the range is not asked for.
//
// Digits that can be read in several ways are read, in this order, as
//
//  1. an international number behind the region's international prefix or 00,
//  2. a number that begins with the region's own calling code,
//  3. a national number of the region, with or without its trunk prefix,
//  4. an international number.
//
// National comes before international because both are common in a region's
// own traffic and foreign numbers are not. Where 2 and 3 are both possible
// (3912345678 in Italy) 2 wins, unless only 3 is a number range in use and what
// follows the calling code is shorter or longer than a mobile number. Whatever wins,
// [Region.Readings] holds it for every way to write the same digits.
//
// The result is stable: the canonical form of a number's own digits is that
// number. In a region whose numbers have nearly all lengths (Germany) foreign
// digits are therefore national even behind an international prefix; the sends
// to either number read both.
func (r *Region) Canonical(digits string) (Number, error) {
	if digits == "" {
		return Number{}, ErrEmpty
	}
	if !allDigits(digits) {
		return Number{}, ErrNotDigits
	}
	if len(digits) > maxPrefixed {
		return Number{}, ErrTooLong
	}
	if n, ok := r.canonical(digits); ok {
		return n, nil
	}
	if len(digits) > MaxDigits && digits[0] != '0' {
		return Number{}, ErrTooLong
	}
	return Number{}, ErrImpossible
}

// canonical follows resolve until it no longer changes anything. One step is
// almost always enough; a second one matters for numbers that repeat their
// country's calling code or trunk prefix.
func (r *Region) canonical(d string) (Number, bool) {
	n, ok := r.resolve(d)
	if !ok {
		return Number{}, false
	}
	return settle(n, func(n Number) (Number, bool) { return r.resolve(string(n.digits[:n.n])) })
}

// settle follows step until it no longer changes the number. A step gets a number and not its
// digits, since a string that is passed to an unknown function escapes to the heap.
func settle(n Number, step func(Number) (Number, bool)) (Number, bool) {
	for range maxPrefixed {
		next, ok := step(n)
		if !ok || next == n {
			return n, true
		}
		n = next
	}
	return Number{}, false
}

// resolve is one step of canonical.
func (r *Region) resolve(d string) (Number, bool) {
	if cut, _ := r.idd.len(d); cut > 0 {
		if n, ok := r.international(d[cut:]); ok {
			return n, true
		}
	}
	if rest, ok := strings.CutPrefix(d, "00"); ok {
		if n, ok := r.international(rest); ok {
			return n, true
		}
	}
	n, ok := r.own(d)
	national, isNational := r.national(d)
	switch {
	case ok && (!isNational || n == national || !r.rather(d)):
		return n, true
	case isNational:
		return national, true
	}
	return r.international(d)
}

// own reads digits that begin with the region's calling code.
func (r *Region) own(d string) (Number, bool) {
	national, ok := strings.CutPrefix(d, r.plan.code)
	if !ok {
		return Number{}, false
	}
	if cut, simple := r.trunk.len(national); cut > 0 && !simple {
		if n, ok := parsed(d, r.code, r.plan.code); ok {
			return n, true
		}
	}
	return r.international(d)
}

// rather reports that d, which can be read both with the region's calling code
// and as a national number, is rather the latter. What follows the calling code in
// the length of a mobile number is one, as it is to settled.
func (r *Region) rather(d string) bool {
	rest := d[len(r.plan.code):]
	if r.plan.mobile>>len(rest)&1 == 1 {
		return false
	}
	return r.inUse(d) && !r.inUse(rest)
}

// inUse reports whether a national number belongs to a known range. The library
// decides in the same way. The digits are cloned for the same reason as in [parsed].
func (r *Region) inUse(national string) bool {
	return r.ranges.MatchString(strings.Clone(national))
}

// international reads digits as calling code and national number.
func (r *Region) international(d string) (Number, bool) {
	p := r.planOf(d)
	if p == nil {
		return Number{}, false
	}
	national := d[len(p.code):]
	if oldMexican(d) {
		national = national[1:]
	}
	if n, ok, sure := p.read(&p.trunk, p.inside, national); sure {
		return n, ok
	}
	return parsed("+"+d, "", p.code)
}

// oldMexican reports whether an international number has the 1 that marked Mexican
// mobiles until 2019, and that many address books and networks still write.
func oldMexican(d string) bool { return len(d) == 13 && d[:3] == "521" }

// national reads digits as a number of the region without its calling code.
func (r *Region) national(d string) (Number, bool) {
	if n, ok, sure := r.plan.read(&r.trunk, r.inside, d); sure {
		return n, ok
	}
	return parsed(d, r.code, r.plan.code)
}

// read reads a national number with or without its trunk prefix, as the library
// would. It is not sure where the prefix is of a rare form, or where it may
// belong to the number.
func (p *plan) read(trunk *prefix, inside digitSet, d string) (n Number, ok, sure bool) {
	if cut, simple := trunk.len(d); cut > 0 {
		if !simple || len(d) > cut && inside.has(d[cut]) && p.possible(len(d)) {
			return n, false, false
		}
		if p.possible(len(d) - cut) {
			n, ok = join(p.code, d[cut:])
			return n, ok, true
		}
	}
	if p.possible(len(d)) {
		n, ok = join(p.code, d)
	}
	return n, ok, true
}

// parsed is the long way: the library's reading of text, provided that it is a
// possible number with the calling code. What the library is
// given escapes to the heap, so it is given a copy: callers have their text on the stack, and
// seldom come here.
func parsed(text, region, code string) (Number, bool) {
	n, err := phonenumbers.Parse(strings.Clone(text), region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return Number{}, false
	}
	if digitsOf(int(n.GetCountryCode())) != code {
		return Number{}, false
	}
	return join(code, phonenumbers.GetNationalSignificantNumber(n))
}

func join(code, national string) (n Number, ok bool) {
	if len(code)+len(national) > MaxDigits {
		return n, false
	}
	k := copy(n.digits[:], code)
	k += copy(n.digits[k:], national)
	n.n = uint8(k)
	return n, k > 0
}

func digitsOf(code int) string { return strconv.Itoa(code) }
