package phone

import (
	"bytes"
	"math/bits"
)

// minJunk is the fewest digits before a national number that are taken for junk.
// One may be a typing error, and the number somebody else's.
const minJunk = 2

// tails appends the region's numbers in which digits end that are no number
// anywhere: code for one country often keeps the last ten digits, of 99 1 206 555 1212
// as well. What is a possible number, abroad or at home, is left whole: cutting an
// Indian number to its last ten digits would refuse messages to people who did not opt
// out. And digits behind a number make it another one.
func (r *Region) tails(dst []Number, start int, d string) []Number {
	return r.longerTails(dst, start, d, 0)
}

// longerTails is tails for national numbers of more digits than own.
func (r *Region) longerTails(dst []Number, start int, d string, own int) []Number {
	for n, lengths := 0, r.plan.mobile; lengths != 0; lengths &^= 1 << n {
		if n = bits.TrailingZeros32(lengths); n < minListed || n <= own || len(d) < n+minJunk {
			continue
		}
		if national := d[len(d)-n:]; national[0] != '0' && !r.trunk.mayBegin(national) {
			if number, ok := join(r.plan.code, national); ok {
				dst = include(dst, start, number)
			}
		}
	}
	return dst
}

// isNumber reports whether one of the readings is a possible number.
func (r *Region) isNumber(readings []Number) bool {
	for i := range readings {
		n := &readings[i]
		if _, ok := r.international(string(n.digits[:n.n])); ok {
			return true
		}
	}
	return false
}

// lastTails is tails for a folded list with more digits than one number can have: code that
// keeps the last ten digits of a field keeps the last ten of the list. A tail that is a part
// of the list's last number alone is left out where that is a possible number, as in tails.
func (r *Region) lastTails(dst []Number, start int, list []byte) []Number {
	var buf [MaxDigits]byte
	n := len(buf)
	for i := len(list) - 1; i >= 0 && n > 0; i-- {
		if c := list[i]; c >= '0' && c <= '9' {
			n--
			buf[n] = c
		}
	}
	var last digits
	last.add(list[bytes.LastIndexAny(bytes.TrimRight(list, " -"), ",;| ")+1:])
	own := 0
	if _, possible := r.canonical(last.string()); possible {
		own = last.n
	}
	return r.longerTails(dst, start, string(buf[n:]), own)
}
