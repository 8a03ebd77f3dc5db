package phone

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// numeral reports whether a parser of numbers reads another value out of a folded
// sender than its digits: an exponent, a fraction, or a base that is written out.
// What follows the value does not matter, for many parsers stop there.
func numeral(id string) bool {
	_, is := cutNumeral(id)
	return is
}

// spacedNumeral is numeral for a sender without blanks and what groups digits, pluses among
// them: Spring takes blanks out before it reads a number, 0 x3039, and others dashes as well.
// They read it to its end: "5 E 10th St" is an address.
func spacedNumeral(id string) bool {
	rest, is := cutNumeral(strings.Map(func(c rune) rune {
		if strings.ContainsRune(" +-()", c) {
			return -1
		}
		return c
	}, id))
	return is && rest == ""
}

// cutNumeral is what follows a numeral, if d begins with one.
func cutNumeral(d string) (rest string, is bool) {
	if d != "" && (d[0] == '+' || d[0] == '-') {
		d = d[1:]
	}
	if len(d) > 2 && d[0] == '0' {
		base := map[byte]string{'x': "0123456789abcdef", 'o': "01234567", 'b': "01"}[d[1]]
		if value := strings.TrimLeft(d[2:], "_"); value != "" && strings.IndexByte(base, value[0]) >= 0 {
			return strings.TrimLeft(value, base+"_"), true
		}
	}
	whole := run(d)
	rest = d[len(whole):]
	dot := strings.HasPrefix(rest, ".")
	var part string
	if dot {
		part = run(rest[1:])
		rest = rest[1+len(part):]
	}
	switch {
	case whole == "" && part == "":
		return rest, false
	case rest == "":
		return rest, dot
	case rest[0] != 'e' && !(dot && rest[0] == 'd'): // Visual Basic's and SQL Server's other exponent
		return rest, false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	exponent := run(rest)
	return rest[len(exponent):], exponent != ""
}

// wholeGroups is how many groups of thousands a whole phone has, behind which any fraction is
// one.
const wholeGroups = 3

// maxTail is the longest fraction of an amount that is looked at, in digits.
const maxTail = 16

// amount reports whether a folded field holds a number as a spreadsheet prints it: at
// least so many groups of thousands, and a decimal fraction that is short or zero.
// 12,065,551,212.00 is 12065551212 to .NET, to Visual Basic and to programs that take out
// the commas and read an integer, and has two digits more for programs that keep all.
// India writes all groups but the last with two digits.
func amount(plain []byte, groups int) bool {
	for i := bytes.IndexByte(plain, '.'); i >= 0; {
		tail := run(plain[i+1 : min(i+1+maxTail, len(plain))])
		short := len(tail) < 3 || len(bytes.Trim(tail, "0")) == 0
		if n := thousands(plain[:i]); len(tail) > 0 && (short && n >= groups || n >= wholeGroups) {
			return true
		}
		next := bytes.IndexByte(plain[i+1:], '.')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// thousands is how many groups of two or three digits end text, the last with three,
// each behind the same separator and all behind one to three digits.
func thousands(text []byte) (groups int) {
	separator := byte(0)
	for {
		n := 0
		for n < len(text) && n < 4 && text[len(text)-1-n] >= '0' && text[len(text)-1-n] <= '9' {
			n++
		}
		if n == 0 || n > 3 || groups == 0 && separator == 0 && n != 3 {
			return 0
		}
		text = text[:len(text)-n]
		if len(text) == 0 || separator != 0 && text[len(text)-1] != separator || n == 1 {
			return groups
		}
		separator = text[len(text)-1]
		if separator == '+' || separator == '.' {
			return groups
		}
		text = text[:len(text)-1]
		groups++
	}
}

// leadingRun is what a parser like atoi reads out of a field, whatever follows.
func leadingRun(field string) string {
	field = strings.TrimLeftFunc(field, func(c rune) bool { return unicode.IsSpace(c) || unicode.In(c, unicode.Cf) })
	return run(strings.TrimLeft(field, "+ "))
}

// octal is the value of digits, at least one, that a parser takes for octal because they
// begin with a zero, or "".
func octal(d string) string {
	if d[0] != '0' {
		return ""
	}
	v, err := strconv.ParseUint(trimZeros(d), 8, 64)
	if err != nil || v == 0 {
		return ""
	}
	return strconv.FormatUint(v, 10)
}

// mixed reports whether a field has digits of two kinds: digits of ASCII beside others,
// digits of two scripts, or digits beside other characters that stand for numbers. Some
// readers drop the one kind, some the other, and some neither.
func mixed(field string) bool {
	const none, noDigit rune = -1, -2
	kind := none
	for _, c := range field {
		of := none
		switch {
		case c >= '0' && c <= '9':
			of = '0'
		case c < utf8.RuneSelf:
		case unicode.Is(unicode.Nd, c):
			of = c - rune(decimal(c)-'0') // its script's zero
		case unicode.IsNumber(c):
			of = noDigit
		}
		if of == none {
			continue
		}
		if kind != none && kind != of {
			return true
		}
		kind = of
	}
	return false
}
