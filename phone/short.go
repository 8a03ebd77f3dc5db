package phone

import "strings"

// The short way reads plain digits by their length and first digit alone, where
// the numbering plans leave nothing else to decide. It is exactly what the long
// way would give; a property test holds the two together.

// short appends the readings of d, each once since dst[start:], if it can tell
// them.
func (r *Region) short(dst []Number, start int, d string) ([]Number, bool) {
	if !r.plain || len(d) <= 3 || len(d) > MaxDigits || d[0] == '0' || r.idd.mayBegin(d) || oldMexican(d) {
		return dst, false
	}
	if national, ok := strings.CutPrefix(d, r.plan.code); ok {
		if r.plan.possible(len(d)) || r.barred.has(national[0]) {
			return dst, false
		}
		if r.plan.possible(len(national)) && !r.settled(national) {
			return dst, false
		}
		n, _ := join("", d)
		dst = include(dst, start, n)
		if !r.plan.possible(len(national)) {
			dst = r.tails(dst, start, d)
		}
		return dst, true
	}
	if r.trunk.mayBegin(d) || r.foreign.has(d[0]) {
		return dst, false
	}
	p := r.planOf(d)
	if p != nil && p.trunk.mayBegin(d[len(p.code):]) {
		return dst, false
	}
	if r.plan.possible(len(d)) {
		if !r.settled(d) {
			return dst, false
		}
		n, _ := join(r.plan.code, d)
		dst = include(dst, start, n)
	}
	n, _ := join("", d)
	dst = include(dst, start, n)
	if !r.plan.possible(len(d)) && (p == nil || !p.possible(len(d)-len(p.code))) {
		dst = r.tails(dst, start, d)
	}
	return dst, true
}

// settled reports that the national digits d have one meaning within the region:
// as they are, behind the trunk prefix and behind the calling code. The last rule is that
// of rather.
func (r *Region) settled(d string) bool {
	p := r.plan
	return p.possible(len(d)) && !r.barred.has(d[0]) && !strings.HasPrefix(d, p.code) &&
		(p.mobile>>len(d)&1 == 1 || !p.possible(len(p.code)+len(d)))
}

// bar finds where the short way is closed: for national numbers that begin with a digit
// in barred, for other numbers that begin with one in foreign, or for all, if it is not
// open. idd is the pattern of the region's international prefix.
func (r *Region) bar(idd string) (barred, foreign digitSet, open bool) {
	p, trunk := r.plan, r.trunk.literal
	if r.idd.mayBegin(p.code) || r.trunk.mayBegin(p.code) && trunk != p.code {
		return 0, 0, false
	}
	if r.idd.isMoreThan00() { // 00 and a number must not be a prefix of another kind
		next, end := follow(idd, "00")
		if end || next.has(p.code[0]) {
			return 0, 0, false
		}
		foreign = next
	}
	barred = r.trunk.first | p.trunk.first | r.idd.first
	if trunk == "" {
		return barred, foreign, true
	}
	// Behind the trunk prefix, neither an international one may come about nor a
	// national number that has the trunk prefix inside.
	next, end := follow(idd, trunk)
	if end {
		return 0, 0, false
	}
	return barred | next | r.inside, foreign, true
}
