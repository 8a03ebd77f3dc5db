package smsapi

import (
	"net/http"
	"strings"
)

// Decoding is how the arguments of a request may be decoded.
type Decoding struct {
	// SingleBytes: the headers name an encoding of single bytes, so that the caller has to
	// refuse what matters and is not ASCII.
	SingleBytes bool
	// RawBytes: the query holds bytes outside ASCII as they are.
	RawBytes bool
}

// DecodingRefusal refuses a request to a guarded path, with a body or without,
// whose headers name another encoding for its arguments than UTF-8, or whose
// query holds raw bytes that a query cannot hold: what was read here would not be
// what the backend reads.
//
// Django, Mono and some Tomcats decode the query, too, as the Content-Type says.
//
// An encoding of single bytes that begins with ASCII (ISO-8859-1, windows-1252) is
// let through, for in what is ASCII it cannot be told from UTF-8.
func DecodingRefusal(r *http.Request) (d Decoding, refusal *Refusal) {
	types := r.Header["Content-Type"]
	for _, t := range types {
		if !mentionsCharset(t) {
			continue
		}
		mediaType, params, _ := strings.Cut(t, ";")
		encoding := encodingOf(params)
		if len(types) > 1 || mentionsCharset(mediaType) || encoding == otherEncoding {
			return d, refusedType
		}
		d.SingleBytes = encoding == singleByteEncoding
	}
	for _, t := range r.Header["Content_type"] { // one header with the other, to CGI
		if mentionsCharset(t) {
			return d, refusedType
		}
	}
	if len(r.Header["X-Up-Devcap-Post-Charset"]) > 0 {
		return d, refusedCharsetHeader
	}
	blanks, highs := oddBytes(r.URL.RawQuery, ' '+1)
	if blanks {
		return d, refusedQueryBytes
	}
	d.RawBytes = highs
	return d, nil
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
