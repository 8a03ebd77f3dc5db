package smsapi

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// withoutForeign is s without escapes, tags and bytes outside ASCII, which those who clean
// text take out (WordPress' sanitize_key and sanitize_text_field, PHP's strip_tags and
// FILTER_FLAG_STRIP_HIGH).
// It is s itself where there are none, and else appended to dst.
func withoutForeign(dst, s []byte) []byte {
	at := bytes.IndexFunc(s, func(r rune) bool { return r == '%' || r == '<' || r >= utf8.RuneSelf })
	if at < 0 {
		return s
	}
	cleaned := append(dst, s[:at]...)
	lastTag := bytes.LastIndexByte(s, '>')
	for i := at; i < len(s); i++ {
		if s[i] == '%' {
			if i+3 <= len(s) && hexDigit[s[i+1]]|hexDigit[s[i+2]] < 0x10 {
				i += 2
				continue
			}
		}
		if s[i] == '<' && i < lastTag {
			i += tagEnd(s[i:]) - 1
			continue
		}
		if s[i] < utf8.RuneSelf {
			cleaned = append(cleaned, s[i])
		}
	}
	return cleaned
}

// composed is s with letters and their accents put together, as many do before they take
// out what is not ASCII; the letter goes with its accent then.
func composed(s []byte) []byte {
	if bytes.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return s
	}
	return []byte(norm.NFC.String(string(s))) // a copy, so that s stays where it is
}

// tagEnd is where the tag ends with which s begins, and the script or style that it opens,
// which WordPress takes out whole. There is a ">" in s.
func tagEnd(s []byte) int {
	for _, element := range [...]string{"script", "style"} {
		if n := len("<" + element); len(s) >= n && bytes.EqualFold(s[1:n], []byte(element)) {
			head := s[:min(len(s), maxElement)]
			if closing := bytes.Index(bytes.ToLower(head), []byte("</"+element)); closing >= 0 {
				if end := bytes.IndexByte(s[closing:], '>'); end >= 0 {
					return closing + end + 1
				}
			}
		}
	}
	return bytes.IndexByte(s, '>') + 1
}

// maxElement is the longest script that is looked for, in bytes.
const maxElement = 4096
