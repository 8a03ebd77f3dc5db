package smsapi

import (
	"math/bits"
	"strings"
)

// EscapedMarks reports whether text, a raw query, holds an escaped slash, "?" or bar, at which
// somebody splits a path, and whether it holds an escaped ampersand or semicolon, which separate
// pairs. An escaped percent sign may be any of them, to who decodes twice.
//
// It looks at every send. So it finds the percent signs of eight bytes at a time: a byte's
// highest bit is set in signs where the byte is one.
func EscapedMarks(text string) (slash, separator bool) {
	const (
		ones = 0x0101010101010101
		rest = 0x7f * ones
	)
	at := strings.IndexByte(text, '%')
	if at < 0 {
		return false, false
	}
	var met escapedMark
	for ; at+8+len("2F") <= len(text); at += 8 {
		x := eightBytes(text[at:]) ^ '%'*ones
		for signs := ^((x&rest + rest) | x | rest); signs != 0; signs &= signs - 1 {
			sign := at + bits.TrailingZeros64(signs)/8
			met |= firstDigit[text[sign+1]] & secondDigit[text[sign+2]]
		}
	}
	for ; at+len("2F") < len(text); at++ {
		if text[at] == '%' {
			met |= firstDigit[text[at+1]] & secondDigit[text[at+2]]
		}
	}
	return met&(escaped2F|escaped3F|escaped7C|escaped25) != 0, met&(escaped26|escaped3B|escaped25) != 0
}

// escapedMark is a set of escapes that EscapedMarks looks for.
type escapedMark uint8

const (
	escaped2F escapedMark = 1 << iota // a slash
	escaped3F
	escaped7C
	escaped26
	escaped3B
	escaped25
)

// firstDigit and secondDigit are the escapes that have a digit in that place: an escape is
// in both. Branches would cost a text of many escapes more than all else that is looked for.
var firstDigit, secondDigit = func() (first, second [256]escapedMark) {
	for e, digits := range map[escapedMark]string{
		escaped2F: "2F", escaped3F: "3F", escaped7C: "7C", escaped26: "26", escaped3B: "3B", escaped25: "25",
	} {
		first[digits[0]] |= e
		second[digits[1]] |= e
		second[digits[1]|0x20] |= e // the small letter; a digit has that bit
	}
	return first, second
}()
