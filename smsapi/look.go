package smsapi

import (
	"bytes"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

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

// RefusedLook is for a form or a query that looks like something else.
var RefusedLook = &Refusal{
	Status: http.StatusBadRequest,
	Code:   "body_not_form",
	Reason: "The body or the query looks like JSON, XML, YAML or multipart and not like a form, so send it urlencoded",
}

// trimFront takes off what may stand before the first character of a body: blanks, marks
// and bytes that are no character, and separators with nothing before them (GoFrame puts
// name and value together again).
func trimFront(text []byte) []byte {
	return bytes.TrimLeftFunc(text, func(c rune) bool {
		return c == '&' || c == '=' || c == utf8.RuneError || c != ' ' && !unicode.IsGraphic(c) || unicode.IsSpace(c)
	})
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
