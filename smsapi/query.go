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
func DecodingRefusal(r *http.Request) *Refusal {
	types := r.Header["Content-Type"]
	for _, t := range types {
		if mentionsCharset(t) && (len(types) > 1 || !namesUTF8(t)) {
			return refusedType
		}
	}
	for _, t := range r.Header["Content_type"] { // one header with the other, to CGI
		if mentionsCharset(t) {
			return refusedType
		}
	}
	if len(r.Header["X-Up-Devcap-Post-Charset"]) > 0 {
		return refusedCharsetHeader
	}
	for i := range len(r.URL.RawQuery) {
		if c := r.URL.RawQuery[i]; c <= ' ' || c == 0x7f {
			return refusedQueryBytes
		}
	}
	return nil
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

// namesUTF8 reports whether the one mention of a charset in a Content-Type is a
// well-formed parameter that names UTF-8.
func namesUTF8(contentType string) bool {
	mediaType, params, _ := strings.Cut(contentType, ";")
	return !mentionsCharset(mediaType) && charsetIsUTF8(params)
}

// charsetIsUTF8 reports whether a Content-Type's parameters are well-formed and
// mention a charset either not at all or once, as UTF-8. Unknown parameters are let
// be.
func charsetIsUTF8(params string) bool {
	given := false
	for params != "" {
		name, rest, ok := strings.Cut(params, "=")
		if !ok {
			return trimBlanks(params) == "" // the trailing semicolon that some clients write
		}
		if name = trimBlanks(name); !isToken(name) {
			return false
		}
		value, after, ok := paramValue(rest)
		if !ok || mentionsCharset(value) {
			return false
		}
		if mentionsCharset(name) {
			if given || len(name) != len("charset") || !isUTF8Name(value) {
				return false
			}
			given = true
		}
		params = after
	}
	return true
}
