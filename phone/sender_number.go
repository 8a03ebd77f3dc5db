package phone

import (
	"strconv"
	"strings"
)

// numericSender is the canonical form of a sender of digits.
func (r *Region) numericSender(d string) Sender {
	code := trimZeros(d)
	if len(code) <= maxShort {
		return Sender(code)
	}
	for _, d := range [...]string{d, code} {
		if len(d) > maxPrefixed {
			continue
		}
		if n, ok := r.canonical(d); ok && n.n > maxShort {
			return within(d, n)
		}
	}
	return Sender(code)
}

// number adds the readings of a sender of digits.
func (q *senders) number(d string) {
	q.lowHalf(lowHalf(d), len(d))
	var room [8]Number
	if len(d) > maxShort+len(q.region.plan.code) {
		if numbers, ok := q.region.short(room[:0], 0, d); ok {
			for _, n := range withRenumbered(numbers, 0) {
				q.addPhone(d, n)
			}
			return
		}
	}
	q.longNumber(d)
}

// lowHalf adds what 32 bits leave of a number of so many digits, if that is a short code.
func (q *senders) lowHalf(n uint32, digits int) {
	if digits > maxShort && n < maxShortCode {
		q.add(Sender(strconv.FormatUint(uint64(n), 10)))
	}
}

// lowHalf is the low 32 bits of a number of any length, which are what x | 0 of JavaScript
// and Go's int32(x) leave of it, and C's arithmetic where it overflows.
func lowHalf(d string) (n uint32) {
	for i := range len(d) {
		n = n*10 + uint32(d[i]-'0')
	}
	return n
}

// longNumber is number for digits of all lengths.
func (q *senders) longNumber(d string) {
	q.add(Sender(trimZeros(d)))
	q.add(q.region.numericSender(d))
	for v := d; v != ""; v = v[1:] {
		if rest, ok := strings.CutPrefix(v, "011"); ok && rest != "" {
			q.add(Sender(trimZeros(rest)))
			q.add(q.region.numericSender(rest))
		}
		if v[0] != '0' {
			break
		}
	}
	if value := octal(d); value != "" {
		q.add(Sender(value))
		q.add(q.region.numericSender(value))
	}
	// A short code behind the country code, for programs that cut that off all senders.
	code, ok := strings.CutPrefix(trimZeros(d), q.region.plan.code)
	if ok && len(code) >= maxShort-1 && len(code) <= maxShort {
		q.add(Sender(trimZeros(code)))
	}
	if len(d) > maxPrefixed {
		return
	}
	var room [8]Number
	for _, n := range withRenumbered(q.region.long(room[:0], 0, d), 0) {
		q.addPhone(d, n)
	}
}

// addPhone adds a number that was read from d, and the short code that it may
// be without its country code.
func (q *senders) addPhone(d string, n Number) {
	full := within(d, n)
	q.add(full)
	national, ok := strings.CutPrefix(string(full), q.region.plan.code)
	if ok && q.region.plan.possible(len(national)) && len(national) <= maxShort {
		q.add(Sender(trimZeros(national)))
	}
}

// within is the number as a sender, sharing memory with the digits that it was
// read from where it is a part of them.
func within(d string, n Number) Sender {
	if at := len(d) - int(n.n); at >= 0 && d[at:] == string(n.digits[:n.n]) {
		return Sender(d[at:])
	}
	return Sender(n.Digits())
}

// trimZeros removes leading zeros, but not the last digit.
func trimZeros(d string) string {
	for len(d) > 1 && d[0] == '0' {
		d = d[1:]
	}
	return d
}
