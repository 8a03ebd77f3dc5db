package phone

import (
	"slices"
	"strings"
)

// digitReadings appends the readings of digits that are one number, each once
// since dst[start:].
func (r *Region) digitReadings(dst []Number, start int, d string) []Number {
	numbers, ok := r.short(dst, start, d)
	if !ok {
		numbers = r.long(dst, start, d)
	}
	return withRenumbered(numbers, start)
}

// long is digitReadings for all digits.
func (r *Region) long(dst []Number, start int, d string) []Number {
	zeros := len(d) - len(strings.TrimLeft(d, "0"))
	var read offsets
	for skip := 0; skip <= zeros && skip < len(d); skip++ {
		v := d[skip:]
		if len(v) > maxPrefixed {
			continue
		}
		if read.add(skip) {
			dst = r.variant(dst, start, v)
		}
		if strings.HasPrefix(v, "011") { // from North America
			dst = r.unprefixed(dst, start, d, skip+len("011"), &read)
		}
		if cut, _ := r.idd.len(v); cut > 0 {
			dst = r.unprefixed(dst, start, d, skip+cut, &read)
		}
	}
	known := r.isNumber(dst[start:])
	if value := octal(d); len(value) >= minListed && len(value) <= MaxDigits {
		dst = r.variant(dst, start, value)
	}
	// A stop may have named each of these in other ways.
	for i := start; i < len(dst); i++ {
		n := dst[i]
		full := string(n.digits[:n.n])
		if _, ok := r.international(full); ok && r.idd.isMoreThan00() {
			dst = r.prefixed(dst, start, "00", full)
		}
		if national, ok := strings.CutPrefix(full, r.plan.code); ok && r.plan.possible(len(national)) {
			dst = r.prefixed(dst, start, "", national)
			if r.trunk.literal != "" {
				dst = r.prefixed(dst, start, r.trunk.literal, national)
			}
		}
	}
	if !known {
		dst = r.tails(dst, start, d[zeros:])
	}
	if len(dst) == start { // nothing but zeros
		if n, err := ParseNumber(d[:min(len(d), MaxDigits)]); err == nil {
			dst = append(dst, n)
		}
	}
	return dst
}

// prefixed appends the canonical form of a prefix and digits.
func (r *Region) prefixed(dst []Number, start int, prefix, d string) []Number {
	var with digits
	with.addString(prefix)
	with.addString(d)
	if n, ok := r.canonical(with.string()); ok {
		dst = include(dst, start, n)
	}
	return dst
}

// offsets are those from which on digits were read. Each zero may be skipped, and may be the
// end of an international prefix: many zeros would else be read once for each two of them.
type offsets uint64

// add notes an offset and reports whether it is a new one.
func (o *offsets) add(at int) bool {
	bit := offsets(1) << at
	added := bit == 0 || *o&bit == 0
	*o |= bit
	return added
}

// unprefixed appends the readings of d[at:], which stands behind an international prefix.
func (r *Region) unprefixed(dst []Number, start int, d string, at int, read *offsets) []Number {
	for ; at < len(d); at++ {
		if read.add(at) {
			dst = r.variant(dst, start, d[at:])
		}
		if d[at] != '0' {
			break
		}
	}
	return dst
}

// variant appends what exactly these digits can mean.
func (r *Region) variant(dst []Number, start int, d string) []Number {
	if d[0] != '0' && len(d) <= MaxDigits {
		n, _ := join("", d)
		dst = include(dst, start, n)
	}
	for rest := d; ; { // a trunk prefix may stand there more than once
		n, ok := r.international(rest)
		if !ok {
			break
		}
		dst = include(dst, start, n)
		if int(n.n) >= len(rest) {
			break
		}
		rest = n.Digits()
	}
	if n, ok := r.own(d); ok {
		dst = include(dst, start, n)
	}
	if p := r.planOf(d); p != nil && p.trunk.literal != "" { // as in +44 (0)20 7946 0000
		for rest, ok := strings.CutPrefix(d[len(p.code):], p.trunk.literal); ok; {
			if p.possible(len(rest)) {
				n, _ := join(p.code, rest)
				dst = include(dst, start, n)
			}
			rest, ok = strings.CutPrefix(rest, p.trunk.literal)
		}
	}
	if n, ok := r.national(d); ok {
		dst = include(dst, start, n)
	}
	if n, ok := r.canonical(d); ok {
		dst = include(dst, start, n)
	}
	return dst
}

func include(dst []Number, start int, n Number) []Number {
	if slices.Contains(dst[start:], n) {
		return dst
	}
	return append(dst, n)
}
