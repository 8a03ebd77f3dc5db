package smsapi

import (
	"strings"
	"unicode/utf8"
)

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func isAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// IsASCII reports whether all bytes of s are ASCII. It looks at eight at a time.
func IsASCII(s string) bool {
	const highs = 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		if eightBytes(s)&highs != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// IsPlain reports whether s is ASCII without control characters.
func IsPlain(s string) bool {
	controls, highs := oddBytes(s, ' ')
	return !controls && !highs
}

// oddBytes reports whether s has a byte under low, or DEL, and whether it has one outside
// ASCII. It looks at eight bytes at a time, for it looks at every send whole: a byte's highest
// bit is set in below where the byte is under low, or is 0 after DEL is taken from it.
func oddBytes(s string, low byte) (controls, highs bool) {
	const (
		ones = 0x0101010101010101
		tops = 0x80 * ones
	)
	lows := uint64(low) * ones
	var below, above uint64
	for ; len(s) >= 8; s = s[8:] {
		x := eightBytes(s)
		del := x ^ 0x7f*ones
		below |= (x-lows)&^x | (del-ones)&^del
		above |= x
	}
	controls, highs = below&tops != 0, above&tops != 0
	for i := range len(s) {
		controls = controls || s[i] < low || s[i] == 0x7f
		highs = highs || s[i] >= utf8.RuneSelf
	}
	return controls, highs
}

// eightBytes is the first eight bytes of s, which has as many, in one word.
func eightBytes(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func equalFoldASCII(s, lowered string) bool {
	if len(s) != len(lowered) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lowered[i] {
			return false
		}
	}
	return true
}

// IndexFold is where name stands first in text, in letters of either case, or -1. It looks
// for the underscore, which is rarer than any letter, if name has one.
func IndexFold(text, name string) int {
	at := max(0, strings.IndexByte(name, '_'))
	for from := at; from < len(text); {
		i := indexByteFold(text[from:], name[at])
		if i < 0 {
			return -1
		}
		from += i + 1
		begin := from - 1 - at
		if begin+len(name) <= len(text) && equalFoldASCII(text[begin:begin+len(name)], name) {
			return begin
		}
	}
	return -1
}

// indexByteFold is where c, in lower case, stands first in text, in either case.
func indexByteFold(text string, c byte) int {
	if !isAlnum(c) {
		return strings.IndexByte(text, c)
	}
	for i := range len(text) {
		if lower(text[i]) == c {
			return i
		}
	}
	return -1
}
