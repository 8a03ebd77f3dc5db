package smsapi

import (
	"net/http"
	"strings"
)

// DecodingRefusal refuses a request to a guarded path, with a body or without,
// whose headers name another encoding for its arguments than UTF-8, or whose
// query holds raw bytes that a query cannot hold: what was read here would not be
// what the backend reads.
//
// Django, Mono and some Tomcats decode the query, too, as the Content-Type says.
//
// An encoding of single bytes that begins with ASCII (ISO-8859-1, windows-1252) is
// let through, for in what is ASCII it cannot be told from UTF-8. singleBytes says
// that there is one: the caller has to refuse what matters and is not ASCII.
func DecodingRefusal(r *http.Request) (singleBytes bool, refusal *Refusal) {
	types := r.Header["Content-Type"]
	for _, t := range types {
		if !mentionsCharset(t) {
			continue
		}
		mediaType, params, _ := strings.Cut(t, ";")
		encoding := encodingOf(params)
		if len(types) > 1 || mentionsCharset(mediaType) || encoding == otherEncoding {
			return false, refusedType
		}
		singleBytes = encoding == singleByteEncoding
	}
	for _, t := range r.Header["Content_type"] { // one header with the other, to CGI
		if mentionsCharset(t) {
			return false, refusedType
		}
	}
	if len(r.Header["X-Up-Devcap-Post-Charset"]) > 0 {
		return false, refusedCharsetHeader
	}
	if hasBlankOrControl(r.URL.RawQuery) {
		return false, refusedQueryBytes
	}
	return singleBytes, nil
}

var (
	refusedCharsetHeader = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "charset_header",
		Reason: "X-Up-Devcap-Post-Charset names an encoding, so leave it out and send UTF-8",
	}
	refusedQueryBytes = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "query_bytes",
		Reason: "The query holds a raw blank or control character, so percent-encode it",
	}
)

// mentionsCharset reports whether a reader that searches the header's value, as
// Tomcat 9 and .NET do, could find a charset.
func mentionsCharset(contentType string) bool {
	const word = "charset"
	for i := 0; i+len(word) <= len(contentType); i++ {
		if equalFoldASCII(contentType[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// encoding is what a Content-Type says about the bytes of a form.
type encoding uint8

const (
	// otherEncoding is the zero value, so that what is not understood is refused.
	otherEncoding encoding = iota
	utf8Encoding
	singleByteEncoding
)

// encodingOf is UTF-8 if a Content-Type's parameters are well-formed and mention a
// charset either not at all or once, as UTF-8. Unknown parameters are let be.
func encodingOf(params string) encoding {
	found, given := utf8Encoding, false
	for params != "" {
		name, rest, ok := strings.Cut(params, "=")
		if !ok {
			if trimBlanks(params) != "" {
				return otherEncoding
			}
			break // the trailing semicolon that some clients write
		}
		if name = trimBlanks(name); !isToken(name) {
			return otherEncoding
		}
		value, after, ok := paramValue(rest)
		if !ok || mentionsCharset(value) || strings.IndexByte(value, '/') >= 0 {
			return otherEncoding
		}
		if mentionsCharset(name) {
			if given || len(name) != len("charset") {
				return otherEncoding
			}
			found, given = encodingNamed(value), true
		}
		params = after
	}
	return found
}

func encodingNamed(charset string) encoding {
	for _, name := range [...]string{"utf-8", "utf8", "us-ascii"} {
		if strings.EqualFold(charset, name) {
			return utf8Encoding
		}
	}
	for _, name := range [...]string{
		"iso-8859-1", "latin1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252",
	} {
		if strings.EqualFold(charset, name) {
			return singleByteEncoding
		}
	}
	return otherEncoding
}

// hasBlankOrControl reports whether s has a byte up to the blank, or DEL.
func hasBlankOrControl(s string) bool { return hasBelow(s, ' '+1) }

// IsPlain reports whether s is ASCII without control characters.
func IsPlain(s string) bool { return IsASCII(s) && !hasBelow(s, ' ') }

// hasBelow reports whether s has a byte under low, or DEL. It looks at eight bytes at a
// time, for it looks at every send whole: a byte's highest bit is set below where the byte
// is under low, or 0 after DEL is taken from it.
func hasBelow(s string, low byte) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	lows := uint64(low) * ones
	for ; len(s) >= 8; s = s[8:] {
		x := eightBytes(s)
		del := x ^ 0x7f*ones
		if ((x-lows)&^x|(del-ones)&^del)&highs != 0 {
			return true
		}
	}
	for i := range len(s) {
		if c := s[i]; c < low || c == 0x7f {
			return true
		}
	}
	return false
}

// eightBytes is the first eight bytes of s, which has as many, in one word.
func eightBytes(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
