package smsapi

import (
	"strings"
	"unicode/utf8"
)

// latin1 is what Mono's Latin-1 makes of characters that are not in it, where that is ASCII:
// each character before what becomes of it. Full-width forms become ASCII as well, all others
// a question mark. They were read off Mono 6.8's Encoding.GetEncoding(28591), one character after
// the other.
var latin1 = func() (table [0x2123]byte) {
	const fits = "ĀAāaĂAăaĄAąaĆCćcĈCĉcĊCċcČCčcĎDďdĐDđdĒEēeĔEĕeĖEėeĘEęeĚEěeĜGĝgĞGğgĠGġgĢGģgĤHĥhĦHħh" +
		"ĨIĩiĪIīiĬIĭiĮIįiİIıiĴJĵjĶKķkĹLĺlĻLļlĽLľlŁLłlŃNńnŅNņnŇNňnŌOōoŎOŏoŐOőoŒOœoŔRŕrŖRŗr" +
		"ŘRřrŚSśsŜSŝsŞSşsŠSšsŢTţtŤTťtŦTŧtŨUũuŪUūuŬUŭuŮUůuŰUűuŲUųuŴWŵwŶYŷyŸYŹZźzŻZżzŽZžzƀb" +
		"ƉDƑFƒfƗIƚlƟOƠOơoƫtƮTƯUưuƶzǍAǎaǏIǐiǑOǒoǓUǔuǕUǖuǗUǘuǙUǚuǛUǜuǞAǟaǤGǥgǦGǧgǨKǩkǪOǫoǬO" +
		"ǭoǰjɡg™T" +
		"\u02B9'\u02BA\"\u02BC'\u02C4^\u02C6^\u02C8'\u02CB`\u02CD_\u02DC~\u0300`\u0302^\u0303~\u030E\"\u0331_" +
		"\u0332_\u2000 \u2001 \u2002 \u2003 \u2004 \u2005 \u2006 \u2010-\u2011-\u2013-\u2014-\u2018'\u2019'" +
		"\u201A,\u201C\"\u201D\"\u201E\"\u2022.\u2026.\u2032'\u2035`\u2039<\u203A>"
	for text := fits; text != ""; {
		r, n := utf8.DecodeRuneInString(text)
		table[r] = text[n]
		text = text[n+1:]
	}
	return table
}()

// inLatin1 is a character above U+00FF in Latin-1, as Mono has it.
func inLatin1(r rune) byte {
	switch {
	case int(r) < len(latin1) && latin1[r] != 0:
		return latin1[r]
	case r >= '\uFF01' && r <= '\uFF5E': // full-width
		return byte(r - '\uFF01' + '!')
	}
	return '?'
}

// InLatin1 is a text as Mono's FastCGI server hands it on: in Latin-1, so that each character
// above U+00FF is one of ASCII.
func InLatin1(text string) string {
	if IsASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r > 0xff {
			return rune(inLatin1(r))
		}
		return r
	}, text)
}
