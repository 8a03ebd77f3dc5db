package smsapi

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// bestFit is what Windows makes of characters that an ANSI code page lacks, where
// that is ASCII and no compatibility form says so: "πhone" is "phone" to a program
// that asks for its arguments in code page 1252, as classic ASP and old CGI
// programs do. The table is that of bestfit1252.txt, which Unicode publishes for
// Microsoft, in lower case. The dotless i is there as well: its upper case is I, whose
// lower case is i. And so are the turned e's and the delta that Mono's tables for comparing
// names take for e and d (HttpUtility.ParseQueryString).
var bestFit = map[rune]byte{
	'α': 'a', 'δ': 'd', 'ε': 'e', 'π': 'p', 'σ': 's', 'τ': 't', 'φ': 'f',
	'Γ': 'g', 'Θ': 't', 'Σ': 's', 'Φ': 'f', 'Ω': 'o', 'һ': 'h', 'ı': 'i',
	'ł': 'l', 'Ł': 'l', 'ŧ': 't', 'Ŧ': 't', 'ħ': 'h', 'Ħ': 'h', 'đ': 'd', 'Đ': 'd', 'ð': 'd', 'Ð': 'd',
	'ƀ': 'b', 'Ɨ': 'i', 'ƚ': 'l', 'ƫ': 't', 'Ʈ': 't', 'ƶ': 'z', 'ǥ': 'g', 'Ǥ': 'g', 'ɡ': 'g',
	'Ɵ': 'o', 'ɵ': 'o', '₧': 'p', 'ℇ': 'e', 'Ɛ': 'e', 'ɛ': 'e', '∖': '\\', 'ˍ': '_', '\u0331': '_', '\u0332': '_', '▄': '_',
	'Ǝ': 'e', 'ǝ': 'e', 'ƍ': 'd', 'Ƚ': 'l',
	'℘': 'p', '℮': 'e', '∩': 'n', '√': 'v', '∞': '8',
	'ǀ': '|', 'ǃ': '!', '։': ':', '‗': '=', '∗': '*', '∣': '|', '∶': ':', '∼': '~', '≡': '=',
}

// bestFitMarks are the marks that Mono's Latin-1 makes of others, where no compatibility form
// says so. They make no other name of an argument or of an account.
var bestFitMarks = map[rune]byte{
	'\u02B9': '\'', '\u02BA': '"', '\u02BC': '\'', '\u02C4': '^', '\u02C6': '^', '\u02C8': '\'', '\u02CB': '`', '\u02DC': '~',
	'\u0300': '`', '\u0302': '^', '\u0303': '~', '\u030E': '"', '\u2010': '-', '\u2011': '-', '\u2013': '-', '\u2014': '-',
	'\u2018': '\'', '\u2019': '\'', '\u201A': ',', '\u201C': '"', '\u201D': '"', '\u201E': '"', '\u2022': '.',
	'\u2032': '\'', '\u2035': '`', '\u2039': '<', '\u203A': '>',
}

// inLatin1 is a character above U+00FF in Latin-1, as Mono has it.
func inLatin1(r rune) byte {
	if b := bestFit[r]; b != 0 {
		return b
	}
	if b := bestFitMarks[r]; b != 0 {
		return b
	}
	if parts := norm.NFKD.PropertiesString(string(r)).Decomposition(); len(parts) > 0 && parts[0] < utf8.RuneSelf {
		return parts[0]
	}
	return '?'
}
