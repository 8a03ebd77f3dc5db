package smsapi

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// QueryNames reports whether a query holds the name as a path does, as it stands or
// encoded: CodeIgniter's where it begins with a slash, that of routers which look for the
// path behind the first letters of the whole URL and find the query's where the host is
// short (Elysia; Hono 4.8), and an argument that goes before the path (s of ThinkPHP,
// rest_route of WordPress, q of Drupal 7, r of Yii). There it is a word of its own.
func QueryNames(query, name string) bool {
	if !mayName(query, name) {
		return isArgument(query, name)
	}
	if holdsName(query, name, inQuery) || isRoute(query, name) || isArgument(query, name) {
		return true
	}
	for i := range len(query) {
		if c := query[i]; c == '%' || c >= utf8.RuneSelf {
			return oddPathNames(query, name, inQuery)
		}
	}
	return false
}

// isRoute reports whether an argument's value is a route that ends with the name once it is
// cleaned, or decoded once more and cleaned.
func isRoute(query, name string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		if pairIsRoute(pair, name) {
			return true
		}
		for part := range strings.SplitSeq(pair, ";") {
			if len(part) < len(pair) && pairIsRoute(part, name) {
				return true
			}
		}
	}
	return false
}

func pairIsRoute(pair, name string) bool {
	argument, value, ok := strings.Cut(pair, "=")
	if !ok || pair[0] == '/' {
		argument, value = "", pair
	}
	r := route{text: value, parts: "/"}
	switch argument {
	case "", "s", "r", "route", "_route_": // CodeIgniter's, ThinkPHP's, Yii's and OpenCart's
		r.parts, r.suffixed = "/|", true
	}
	for range maxDecodings + 1 {
		if cleanedNames(r.text, name, func(begin, end int) bool { return r.starts(begin) && r.ends(end) }) {
			return true
		}
		again := string(appendLenient(nil, r.text, false))
		if again == r.text {
			break
		}
		r.text = again
	}
	return false
}

// route is a value that a front controller takes for a route.
type route struct {
	text     string
	parts    string // what separates its parts: ThinkPHP and OpenCart 4.0.1 take bars as well
	suffixed bool   // any extension may stand behind it
}

// starts reports whether nothing but what vanishes stands between text[begin] and the
// part of the route before it.
func (r *route) starts(begin int) bool {
	for begin > 0 && strings.IndexByte(`.\`, r.text[begin-1]) < 0 && strings.IndexByte(r.parts, r.text[begin-1]) < 0 {
		if !vanishes(r.text[begin-1]) {
			return false
		}
		begin--
	}
	return true
}

// ends reports whether nothing but what vanishes, another part of the route or the
// extension of a program stands behind text[:end].
func (r *route) ends(end int) bool {
	if extension, ok := strings.CutPrefix(r.text[end:], "."); ok && (r.suffixed || isProgram(extension)) {
		return true
	}
	for end < len(r.text) && strings.IndexByte(r.parts, r.text[end]) < 0 {
		if !vanishes(r.text[end]) {
			return false
		}
		end++
	}
	return true
}

// isProgram reports whether what begins with an extension is a script.
func isProgram(extension string) bool {
	end := 0
	for end < len(extension) && isAlnum(lower(extension[end])) {
		end++
	}
	switch strings.ToLower(extension[:end]) {
	case "php", "phtml", "inc", "cgi", "pl", "asp", "aspx", "ashx", "jsp", "do", "action":
		return true
	}
	return false
}

// isArgument reports whether PHP makes name of the name of an argument, such as WordPress'
// query variables: for an underscore it also takes blanks, dots and an opening bracket.
func isArgument(query, name string) bool {
	if strings.IndexByte(query, '%') < 0 && IndexFold(query, name[strings.IndexByte(name, '_')+1:]) < 0 {
		return false
	}
	var buf [64]byte
	for pair := range strings.SplitSeq(query, "&") {
		argument, _, _ := strings.Cut(pair, "=")
		if argument = TrimLeadingBlanks(argument); len(argument) > len(buf) {
			argument = argument[:len(buf)] // the rest is in brackets, or none of PHP's
		}
		decoded, _ := AppendUnescaped(buf[:0], argument, ' ')
		decoded, _, _ = bytes.Cut(decoded, []byte{0})
		if head, _, ok := bytes.Cut(decoded, []byte("[")); ok && (bytes.IndexByte(decoded, ']') >= 0 || len(argument) == len(buf)) {
			decoded = head
		}
		for i, c := range decoded {
			if c == ' ' || c == '.' || c == '[' {
				decoded[i] = '_'
			}
		}
		if equalFoldASCII(strings.Trim(string(decoded), "_"), name) {
			return true
		}
	}
	return false
}

// mayName reports whether a query could hold a name with an underscore: one that is
// written otherwise, or one before the letter that follows in the name, or before what is
// no letter. It costs a send little, whose own arguments have underscores.
func mayName(query, name string) bool {
	at := strings.IndexByte(name, '_')
	if at < 0 {
		return true
	}
	for rest := query; ; {
		i := strings.IndexByte(rest, '_')
		if i < 0 || i+1 == len(rest) {
			break
		}
		rest = rest[i+1:]
		if c := rest[0]; !isAlnum(lower(c)) || lower(c) == name[at+1] {
			return true
		}
	}
	for rest := query; ; {
		i := strings.IndexByte(rest, '%')
		if i < 0 || len(rest) < i+3 {
			break
		}
		rest = rest[i+1:]
		if isUnderscore(rest) {
			return true
		}
	}
	return !IsASCII(query)
}

// isUnderscore reports whether rest, behind a "%", may go on as an escaped underscore: 5F,
// that escaped again, u005F, and those of full width or in overlong UTF-8.
func isUnderscore(rest string) bool {
	next := func(i int) byte { // of the escape behind
		if len(rest) > i && rest[2] == '%' {
			return lower(rest[i])
		}
		return 0
	}
	switch c, d := lower(rest[0]), lower(rest[1]); c {
	case '5':
		return d == 'f'
	case '2':
		return d == '5'
	case 'u':
		return true
	case 'c':
		return d == '0' || d == '1'
	case 'e':
		return d == 'f' && next(3) == 'b' && next(4) == 'c' || d == '0' && (next(3) == '8' || next(3) == '9')
	case 'f':
		return d == '0' && next(3) == '8'
	}
	return false
}
