package smsapi

import (
	"bytes"
	"net/http"
	"strings"
	"unicode/utf8"
)

// FormRefusal refuses a body that is not plainly an urlencoded form in UTF-8, or in one
// of the encodings that [DecodingRefusal] lets through. It looks at headers alone.
func FormRefusal(h http.Header) *Refusal {
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
		Reason: "The body must be application/x-www-form-urlencoded in UTF-8, with one Content-Type header that says so",
	}
	refusedCoding = &Refusal{
		Status: http.StatusUnsupportedMediaType,
		Code:   "body_coding",
		Reason: "The body must be sent without Content-Encoding",
	}
	refusedTrailer = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "trailer",
		Reason: "A request to the SMS API must not have trailers",
	}
	refusedLook = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "body_not_form",
		Reason: "The body looks like JSON, XML or multipart although its type is that of a form, so send it urlencoded",
	}
)

// isForm reports whether a Content-Type is that of a form, with a well-formed list of
// parameters or none.
func isForm(contentType string) bool {
	mediaType, params, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(trimBlanks(mediaType), "application/x-www-form-urlencoded") {
		return false
	}
	return encodingOf(params) != otherEncoding
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

// Form is the request's body as an urlencoded form, or "" where there is none. A
// body of another kind is refused, before it is read where the headers tell.
func (b *Body) Form() (string, *Refusal) {
	if len(b.r.Trailer) > 0 {
		return "", refusedTrailer
	}
	if b.Absent() {
		return "", nil
	}
	typeRefusal := FormRefusal(b.r.Header)
	if typeRefusal != nil && b.r.ContentLength > 0 {
		return "", typeRefusal
	}
	form, refusal := b.Text()
	switch {
	case refusal != nil:
		return "", refusal
	case len(b.r.Trailer) > 0: // those that no Trailer header announced
		return "", refusedTrailer
	case form == "":
		return "", nil
	case typeRefusal != nil:
		return "", typeRefusal
	case hasWideMark(form):
		return "", refusedType
	case LooksStructured(form) || beginsOddly(form):
		return "", refusedLook
	}
	// The line's end that some clients write behind a form is none of its last value.
	return strings.TrimSuffix(strings.TrimSuffix(form, "\n"), "\r"), nil
}

// hasWideMark reports whether a body begins with the byte order mark of UTF-16 or UTF-32,
// by which .NET's StreamReader goes whatever encoding it is told (Mono's System.Web,
// Katana).
func hasWideMark(form string) bool {
	return strings.HasPrefix(form, "\xff\xfe") || strings.HasPrefix(form, "\xfe\xff") || strings.HasPrefix(form, "\x00\x00\xfe\xff")
}

// beginsOddly reports whether the first name of a form is none that anybody gives: with
// what JSON or XML begins with behind something that a lenient reader passes over (Gson:
// "#" and ")]}'"; Json.NET and strip(): blanks of Unicode), or with bytes of another
// encoding (EBCDIC, which readers of XML find out by themselves).
func beginsOddly(form string) bool {
	name := form[:min(len(form), maxFirstName)]
	if end := strings.IndexAny(name, "=&"); end >= 0 {
		name = name[:end]
	}
	if isPlainName(name) {
		return false
	}
	head := appendLenient(nil, name, true)
	if len(name) == maxFirstName { // cut, and maybe amid a character
		head = head[:max(0, len(head)-utf8.UTFMax)]
	}
	isComment := bytes.HasPrefix(bytes.TrimSpace(head), []byte("#")) && strings.Contains(form, "{")
	return isComment || bytes.ContainsAny(head, "{<\"") || !utf8.Valid(head)
}

// maxFirstName is how much of a form's first name is looked at.
const maxFirstName = 256

// LooksStructured reports whether a body or a value begins like JSON, XML or multipart. PHP and
// Express read such a form as one odd name, which careless applications parse, and Go's
// and Flask's look at no type if they are told so. Before the first character may stand
// any number of blanks, a mark of UTF-8, 16 or 32 and the zero bytes of the latter two;
// comments are read over by many readers of JSON.
func LooksStructured(form string) bool {
	for form != "" && standsBefore(form[0]) {
		form = form[1:]
	}
	head := appendLenient(make([]byte, 0, 64), form[:min(len(form), 48)], true)
	for len(head) > 0 && standsBefore(head[0]) {
		head = head[1:]
	}
	if len(head) == 0 {
		return len(form) > 48 // blanks that are escaped, more than a name begins with
	}
	switch head[0] {
	case '{', '[', '<', '"':
		return true
	}
	for _, comment := range [...]string{"--", "/*", "//"} {
		if bytes.HasPrefix(head, []byte(comment)) {
			return true
		}
	}
	return false
}

// standsBefore reports whether c may stand before the first character of a body.
func standsBefore(c byte) bool {
	switch c {
	case 0, '\t', '\n', '\v', '\f', '\r', ' ', '+', 0xef, 0xbb, 0xbf, 0xfe, 0xff:
		return true
	}
	return false
}
