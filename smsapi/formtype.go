package smsapi

import (
	"bytes"
	"net/http"
	"strings"
	"unicode"
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
		Reason: "The body must be application/x-www-form-urlencoded in UTF-8, with one Content-Type header that names that and no other kind",
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
	// RefusedLook is for a form or a query that looks like something else.
	RefusedLook = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "body_not_form",
		Reason: "The body or the query looks like JSON, XML, YAML or multipart and not like a form, so send it urlencoded",
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

// Form is the request's body as an urlencoded form, or "" where there is none. A
// body of another kind is refused, and not looked at where the headers tell.
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
		return "", RefusedLook
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
	name := firstName(form)
	if len(name) == 0 {
		return false
	}
	head := name
	if len(name) > maxFirstName {
		head = name[:maxFirstName]
		for n := 1; n < utf8.UTFMax && !utf8.RuneStart(name[len(head)]); n++ { // not amid a character
			head = head[:len(head)-1]
		}
	}
	c, _ := utf8.DecodeRune(head)
	return !beginsName(c) || bytes.ContainsAny(head, "{<\"") || !utf8.Valid(head)
}

// beginsName reports whether a name that somebody gives may begin with c.
func beginsName(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("_-.$@%?", c)
}

// firstName is the first name of a form, decoded and without what may stand before it, or
// nothing where it is a plain one. Names of which nothing is left are passed over, as those
// do who look at the only argument that they find: GoFrame reads "&{…}" as JSON.
func firstName(form string) []byte {
	for form != "" {
		name := form
		end := strings.IndexAny(form, "=&")
		if end >= 0 {
			name = form[:end]
		}
		if isPlainName(name) && name != "" {
			return nil
		}
		if decoded := trimFront(appendLenient(nil, name, true)); len(decoded) > 0 || end < 0 || form[end] == '=' {
			return decoded
		}
		form = form[end+1:]
	}
	return nil
}

// maxFirstName is how much of a form's first name is looked at.
const maxFirstName = 256

// LooksStructured reports whether a body or a value begins like JSON, XML or multipart. PHP and
// Express read such a form as one odd name, which careless applications parse, and Go's
// and Flask's look at no type if they are told so. Before the first character may stand
// any number of blanks, a mark of UTF-8, 16 or 32 and the zero bytes of the latter two;
// comments are read over by many readers of JSON.
func LooksStructured(form string) bool {
	if form == "" || isAlnum(lower(form[0])) {
		return false
	}
	head := trimFront(appendLenient(nil, form, true))
	if len(head) == 0 {
		return false
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

// trimFront takes off what may stand before the first character of a body: blanks, marks
// and bytes that are no character, and separators with nothing before them (GoFrame puts
// name and value together again).
func trimFront(text []byte) []byte {
	return bytes.TrimLeftFunc(text, func(c rune) bool {
		return c == '&' || c == '=' || c == utf8.RuneError || c != ' ' && !unicode.IsGraphic(c) || unicode.IsSpace(c)
	})
}
