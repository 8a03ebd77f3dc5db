package phone

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// prefix is a pattern that digits may begin with, as the library's metadata has
// it: mostly "0" or "00", sometimes with carrier codes and other rare forms.
type prefix struct {
	// literal is the alternative that is nothing but digits, if there is one and
	// no other alternative begins with the same digit.
	literal string
	// pattern is made of the other alternatives.
	pattern *regexp.Regexp
	// first is the digits that the prefix may begin with.
	first digitSet
}

// digitSet has bit d set for each digit d in it.
type digitSet uint16

func (s digitSet) has(c byte) bool { return s>>(c-'0')&1 == 1 }

func newPrefix(pattern string) (p prefix) {
	if pattern == "" {
		return p
	}
	var others []string
	var othersFirst digitSet
	for _, alternative := range alternatives(pattern) {
		if p.literal == "" && allDigits(alternative) {
			p.literal = alternative
			continue
		}
		others = append(others, alternative)
		othersFirst |= firstDigits(alternative)
	}
	if p.literal != "" {
		if othersFirst.has(p.literal[0]) {
			p.literal = ""
			others, othersFirst = []string{pattern}, firstDigits(pattern)
		} else {
			p.first = 1 << (p.literal[0] - '0')
		}
	}
	if len(others) > 0 {
		p.pattern = regexp.MustCompile("^(?:" + strings.Join(others, "|") + ")")
	}
	p.first |= othersFirst
	return p
}

// alternatives splits a pattern at its outermost bars.
func alternatives(pattern string) (all []string) {
	depth, start := 0, 0
	for i := range len(pattern) {
		switch pattern[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case '|':
			if depth == 0 {
				all = append(all, pattern[start:i])
				start = i + 1
			}
		}
	}
	return append(all, pattern[start:])
}

// mayBegin reports whether d could begin with the prefix, by its first digit.
func (p *prefix) mayBegin(d string) bool { return d != "" && p.first.has(d[0]) }

// len is the length of the prefix that d begins with, 0 for none. simple says
// that it is the literal one. What a pattern looks at is cloned for the same reason as in [parsed].
func (p *prefix) len(d string) (n int, simple bool) {
	if !p.mayBegin(d) {
		return 0, false
	}
	if p.literal != "" && d[0] == p.literal[0] {
		if strings.HasPrefix(d, p.literal) {
			return len(p.literal), true
		}
		return 0, false
	}
	if at := p.pattern.FindStringIndex(strings.Clone(d)); at != nil {
		return at[1], false
	}
	return 0, false
}

// isMoreThan00 reports whether an international prefix may be 00 and more, so that 00 and a
// number of another country are a third one's: 001 2065551212 in Guyana and Mongolia.
func (p *prefix) isMoreThan00() bool {
	return p.pattern != nil || len(p.literal) > 2 && p.literal[:2] == "00"
}

// inside is the digits that may follow the literal prefix's where these belong to
// a national number.
func (p *prefix) inside(m *phonenumbers.PhoneMetadata) (next digitSet) {
	if p.literal != "" {
		next, _ = follow(m.GetGeneralDesc().GetNationalNumberPattern(), p.literal)
	}
	return next
}

// firstDigits is the set of digits that a match of pattern may begin with.
func firstDigits(pattern string) digitSet {
	next, _ := follow(pattern, "")
	return next
}

// follow returns the digits that may come next where a match of pattern has begun
// with the given digits, and whether it may end there. It may return too much,
// never too little.
func follow(pattern, digits string) (next digitSet, end bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 1<<10 - 1, true
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 1<<10 - 1, true
	}
	states := map[uint32]bool{}
	enter(prog, states, uint32(prog.Start))
	for _, digit := range digits {
		after := map[uint32]bool{}
		for pc := range states {
			if consumes(prog, pc, digit) {
				enter(prog, after, prog.Inst[pc].Out)
			}
		}
		states = after
	}
	for pc := range states {
		end = end || prog.Inst[pc].Op == syntax.InstMatch
		for digit := '0'; digit <= '9'; digit++ {
			if consumes(prog, pc, digit) {
				next |= 1 << (digit - '0')
			}
		}
	}
	return next, end
}

// enter adds the states that are reached from pc without input.
func enter(prog *syntax.Prog, states map[uint32]bool, pc uint32) {
	if states[pc] {
		return
	}
	states[pc] = true
	switch in := &prog.Inst[pc]; in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		enter(prog, states, in.Out)
		enter(prog, states, in.Arg)
	case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
		enter(prog, states, in.Out)
	}
}

func consumes(prog *syntax.Prog, pc uint32, digit rune) bool {
	switch in := &prog.Inst[pc]; in.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return in.MatchRune(digit)
	default:
		return false
	}
}
