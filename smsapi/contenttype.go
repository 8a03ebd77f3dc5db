package smsapi

import (
	"net/http"
	"strings"
)

// formRefusal refuses a body that is not plainly an urlencoded form in UTF-8, or in one
// of the encodings that [DecodingRefusal] lets through. It looks at headers alone.
func formRefusal(h http.Header) *Refusal {
	types := h["Content-Type"]
	if len(types) != 1 || !isForm(types[0]) {
		return refusedType
	}
	for _, coding := range h["Content-Encoding"] {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			return refusedCoding
		}
	}
	// CGI and its heirs hand both spellings to the application as one. The last is how
	// Rails up to 3.2 names the format of a body.
	if len(h["Content_type"]) > 0 || len(h["Content_encoding"]) > 0 || len(h["Content_length"]) > 0 || len(h["X-Post-Data-Format"]) > 0 {
		return refusedType
	}
	return nil
}

var (
	refusedType = &Refusal{
		Status: http.StatusUnsupportedMediaType,
		Code:   "body_type",
		Reason: "The body must be application/x-www-form-urlencoded in UTF-8, with one Content-Type header that names that and no other kind",
	}
	refusedCoding = &Refusal{
		Status: http.StatusUnsupportedMediaType,
		Code:   "body_coding",
		Reason: "The body must be sent without Content-Encoding",
	}
)

// isForm reports whether a Content-Type is that of a form, with a well-formed list of
// parameters or none.
func isForm(contentType string) bool {
	mediaType, params, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(trimBlanks(mediaType), "application/x-www-form-urlencoded") {
		return false
	}
	return !namesOtherKind(params) && encodingOf(params) != otherEncoding
}

// namesOtherKind reports whether a reader that looks for the kind of a body anywhere in
// Content-Type could find one in its parameters: Workerman takes any boundary for
// multipart's, Formidable from its second version on the last kind that it finds.
func namesOtherKind(params string) bool {
	params = strings.ToLower(params)
	for _, kind := range [...]string{"boundary", "multipart", "json", "octet", "xml"} {
		if strings.Contains(params, kind) {
			return true
		}
	}
	return false
}

// paramValue splits a parameter's value, a token or a quoted string, from the
// parameters behind it.
func paramValue(s string) (value, rest string, ok bool) {
	if quoted, is := strings.CutPrefix(s, `"`); is {
		end := strings.IndexByte(quoted, '"')
		if end < 0 || strings.IndexByte(quoted[:end], '\\') >= 0 {
			return "", "", false
		}
		tail, rest, _ := strings.Cut(quoted[end+1:], ";")
		return quoted[:end], rest, trimBlanks(tail) == ""
	}
	value, rest, _ = strings.Cut(s, ";")
	value = trimBlanks(value)
	return value, rest, isToken(value)
}

func trimBlanks(s string) string { return strings.Trim(s, " \t") }

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isAlnum(lower(c)) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

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
