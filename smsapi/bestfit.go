package smsapi

// bestFit is what Windows makes of characters that an ANSI code page lacks, where
// that is ASCII and no compatibility form says so: "πhone" is "phone" to a program
// that asks for its arguments in code page 1252, as classic ASP and old CGI
// programs do. The table is that of bestfit1252.txt, which Unicode publishes for
// Microsoft, in lower case. The dotless i is there as well: its upper case is I, whose
// lower case is i.
var bestFit = map[rune]byte{
	'α': 'a', 'δ': 'd', 'ε': 'e', 'π': 'p', 'σ': 's', 'τ': 't', 'φ': 'f',
	'Γ': 'g', 'Θ': 't', 'Σ': 's', 'Φ': 'f', 'Ω': 'o', 'һ': 'h', 'ı': 'i',
	'ł': 'l', 'Ł': 'l', 'ŧ': 't', 'Ŧ': 't', 'ħ': 'h', 'Ħ': 'h', 'đ': 'd', 'Đ': 'd', 'ð': 'd', 'Ð': 'd',
	'ƀ': 'b', 'Ɨ': 'i', 'ƚ': 'l', 'ƫ': 't', 'Ʈ': 't', 'ƶ': 'z', 'ǥ': 'g', 'Ǥ': 'g', 'ɡ': 'g',
	'Ɵ': 'o', 'ɵ': 'o', '₧': 'p', 'ℇ': 'e', 'Ɛ': 'e', 'ɛ': 'e', '∖': '\\', 'ˍ': '_', '\u0331': '_', '\u0332': '_', '▄': '_',
	'℘': 'p', '℮': 'e', '∩': 'n', '√': 'v', '∞': '8',
	'ǀ': '|', 'ǃ': '!', '։': ':', '‗': '=', '∗': '*', '∣': '|', '∶': ':', '∼': '~', '≡': '=',
}
