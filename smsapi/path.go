package smsapi

import (
	"bytes"
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PathNames reports whether some server family could find name in u's path and take the
// request for one of the endpoint of that name, which is in lower-case ASCII.
//
// It counts wherever it stands, in any segment. What follows may be PATH_INFO to the
// backend, an extension, or be resolved away; to a prefix location or a pattern without an
// end anything may follow in the segment. What comes before goes where a mount, a script's
// name or a prefix is cut off without its slash (gunicorn, Symfony, Mojolicious, a proxy's
// strip_prefix), where a name is qualified (OData), and where a pattern has no beginning.
// But a word with letters before the name and behind it is another word. Folded are:
// escapes, once and more; letter case and compatibility forms (IIS, Express), Windows' best
// fits among them; control characters, which go. ASP.NET takes the tokens of cookieless
// sessions out of a path, wherever they stand.
func PathNames(u *url.URL, name string) bool {
	return TextNames(u.Path, name) ||
		u.RawPath != "" && TextNames(u.RawPath, name) ||
		u.Opaque != "" && TextNames(u.Opaque, name) ||
		QueryNames(u.RawQuery, name)
}

// TextNames is PathNames for a text that may be a path, or a part of a URL.
func TextNames(text, name string) bool {
	if holdsName(text, name, inPath) {
		return true
	}
	for i := range len(text) {
		if oddPathByte[text[i]] {
			return oddPathNames(text, name, inPath)
		}
	}
	return isCleaned(text, name)
}

// isCleaned reports whether a path names name as a word of its own once it is cleaned.
func isCleaned(path, name string) bool {
	return cleanedNames(path, name, func(begin, end int) bool { return isWordOf(path, begin, end) })
}

// cleanedNames reports whether the name comes about, at a place that fits, where a router
// takes out what is no letter, digit or underscore: PHP's FILTER_SANITIZE_URL, which small
// frameworks put their path through, drops blanks and what is not ASCII, OpenCart and
// Joomla more, WordPress' sanitize_text_field escapes, and stripslashes what its name says.
func cleanedNames(text, name string, fits func(begin, end int) bool) bool {
	at := max(0, strings.IndexByte(name, '_')) // rarer than any letter
	for from := 0; ; {
		i := strings.IndexByte(text[from:], name[at])
		if i < 0 {
			return false
		}
		i += from
		from = i + 1
		begin, end := i, i+1
		for n := at - 1; n >= 0 && begin >= 0; n-- {
			begin = skipBack(text, begin, name[n])
		}
		for n := at + 1; n < len(name) && begin >= 0 && end >= 0; n++ {
			end = skipAhead(text, end, name[n])
		}
		if begin >= 0 && end >= 0 && fits(begin, end) {
			return true
		}
	}
}

// skipAhead is where text goes on behind c, which stands at i or behind what vanishes there,
// and -1 if it does not.
func skipAhead(text string, i int, c byte) int {
	for i < len(text) && lower(text[i]) != c {
		switch {
		case isEscape(text[i:]), strings.HasPrefix(text[i:], "../"): // as who would not have it leave a folder does
			i += 3
		case strings.HasPrefix(text[i:], "/index.php"): // front controllers' own name
			i += len("/index.php")
		case strings.HasPrefix(text[i:], ".php"):
			i += len(".php")
		case text[i] == '<' && strings.IndexByte(text[i:min(i+maxTag, len(text))], '>') >= 0: // strip_tags
			i += 1 + strings.IndexByte(text[i:], '>')
		case vanishes(text[i]):
			i++
		default:
			return -1
		}
	}
	if i >= len(text) {
		return -1
	}
	return i + 1
}

// skipBack is where c stands, which is right before i or before what vanishes there, and
// -1 if it does not.
func skipBack(text string, i int, c byte) int {
	for i > 0 {
		switch {
		case i > 2 && (isEscape(text[i-3:i]) || text[i-3:i] == "../"):
			i -= 3
		case strings.HasSuffix(text[:i], "/index.php"):
			i -= len("/index.php")
		case strings.HasSuffix(text[:i], ".php"):
			i -= len(".php")
		case text[i-1] == '>' && strings.LastIndexByte(text[max(0, i-maxTag):i], '<') >= 0:
			i = strings.LastIndexByte(text[:i], '<')
		case lower(text[i-1]) == c:
			return i - 1
		case vanishes(text[i-1]):
			i--
		default:
			return -1
		}
	}
	return -1
}

// maxTag is the longest tag that is looked for, in bytes.
const maxTag = 64

// isEscape reports whether s begins with an escape.
func isEscape(s string) bool {
	_, ok := hexByte(s, 1)
	return ok && s[0] == '%'
}

// vanishes reports whether somebody takes c out of a path, or of a route.
func vanishes(c byte) bool { return !isAlnum(lower(c)) && c != '_' && c != '/' }

// isWordOf reports whether text[begin:end] is a word of its own.
func isWordOf(text string, begin, end int) bool {
	return (begin == 0 || !isWord(text[begin-1])) && (end == len(text) || !isWord(text[end]))
}

// oddPathByte has the bytes by which a path may hold a name that it does not show: those
// of escapes, of entities, of other scripts, of tokens, and those that go.
var oddPathByte = func() (t [256]bool) {
	for i := range t {
		t[i] = i < ' ' || i >= 0x7f || i == '%' || i == '(' || i == '&'
	}
	return t
}()

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

// TrimBlanks is the name of an argument, as written, without the blanks before it, which
// PHP passes over however many they are.
func TrimBlanks(name string) string {
	for {
		cut := strings.TrimLeft(name, "+ ")
		cut = strings.TrimPrefix(cut, "%20")
		if len(cut) == len(name) {
			return name
		}
		name = cut
	}
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
	// CodeIgniter's, ThinkPHP's, OpenCart's and Yii's may have a suffix.
	suffixed := argument == "" || argument == "s" || argument == "r" || argument == "route" || argument == "_route_"
	for range maxDecodings + 1 {
		if cleanedNames(value, name, func(begin, end int) bool {
			return startsRoute(value, begin) && endsRoute(value, end, suffixed)
		}) {
			return true
		}
		again := string(appendLenient(nil, value, false))
		if again == value {
			break
		}
		value = again
	}
	return false
}

// startsRoute reports whether nothing but what vanishes stands between text[begin] and the
// part of a route before it.
func startsRoute(text string, begin int) bool {
	for begin > 0 && strings.IndexByte(`/.\|`, text[begin-1]) < 0 {
		if !vanishes(text[begin-1]) {
			return false
		}
		begin--
	}
	return true
}

// endsRoute reports whether nothing but what vanishes, another part of the route or the
// extension of a program stands behind text[:end]; suffixed, any other extension.
func endsRoute(text string, end int, suffixed bool) bool {
	if extension, ok := strings.CutPrefix(text[end:], "."); ok && (suffixed || isProgram(extension)) {
		return true
	}
	for end < len(text) && text[end] != '/' && text[end] != '|' { // which ThinkPHP splits at as well
		if !vanishes(text[end]) {
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
	if strings.IndexByte(query, '%') < 0 && indexFold(query, name[strings.IndexByte(name, '_')+1:]) < 0 {
		return false
	}
	var buf [64]byte
	for pair := range strings.SplitSeq(query, "&") {
		argument, _, _ := strings.Cut(pair, "=")
		if argument = TrimBlanks(argument); len(argument) > len(buf) {
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
	return !isASCII(query)
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

// where is what a name is looked for in.
type where bool

const (
	inPath  where = false
	inQuery where = true
)

// holdsName reports whether text holds name, in letters of either case, as a word of its
// own: in a path on one side at least, in a query on both.
func holdsName(text, name string, in where) bool {
	for from := 0; ; {
		i := indexFold(text[from:], name)
		if i < 0 {
			return false
		}
		begin := from + i
		end := begin + len(name)
		before := begin == 0 || !isWord(text[begin-1])
		behind := end == len(text) || !isWord(text[end])
		if in == inQuery && before && (end == len(text) || strings.IndexByte("&?/;#:%() \\", text[end]) >= 0) || in == inPath && (before || behind) {
			return true
		}
		from = begin + 1
	}
}

// isWord reports whether c goes on with a word.
func isWord(c byte) bool { return isAlnum(lower(c)) || c == '_' || c == '-' }

// indexFold is where name stands first in text, in letters of either case, or -1. It looks
// for the underscore, which is rarer than any letter, if name has one.
func indexFold(text, name string) int {
	at := max(0, strings.IndexByte(name, '_'))
	for from := at; from < len(text); {
		i := indexByteFold(text[from:], name[at])
		if i < 0 {
			return -1
		}
		from += i + 1
		begin := from - 1 - at
		if begin+len(name) <= len(text) && equalFoldASCII(text[begin:begin+len(name)], name) {
			return begin
		}
	}
	return -1
}

// indexByteFold is where c, in lower case, stands first in text, in either case.
func indexByteFold(text string, c byte) int {
	if !isAlnum(c) {
		return strings.IndexByte(text, c)
	}
	for i := range len(text) {
		if lower(text[i]) == c {
			return i
		}
	}
	return -1
}

// FoldedPath is a path as the most lenient of servers reads it: in lower-case ASCII with
// forward slashes, as far as it can be, and without tokens. It is not decoded.
func FoldedPath(path string) string { return withoutTokens(foldPath(path)) }

// withoutTokens is path without what ASP.NET takes for the tokens of cookieless
// sessions, such as "/(S(X))": it joins what stands before and behind. A token holds no
// slash (CookielessHelperClass.IsValidHeader).
func withoutTokens(path string) string {
	var b strings.Builder
	for {
		begin := strings.Index(path, "/(")
		if begin < 0 {
			b.WriteString(path)
			return b.String()
		}
		b.WriteString(path[:begin])
		path = path[begin:]
		part := path
		if next := strings.IndexByte(path[1:], '/'); next >= 0 {
			part = path[:1+next]
		}
		end := strings.Index(part, "))")
		if end >= 0 && part[3] == '(' {
			path = path[end+2:]
			continue
		}
		b.WriteString(part)
		path = path[len(part):]
	}
}

// oddPathNames looks at every reading of the path.
func oddPathNames(path, name string, in where) bool {
	for range maxDecodings + 1 {
		folded := foldPath(path)
		if holdsName(folded, name, in) || in == inPath && isCleaned(path, name) || strings.Contains(folded, "/(") && tokensHide(folded, name, in) {
			return true
		}
		if in == inPath && strings.IndexByte(path, '&') >= 0 && holdsName(html.UnescapeString(path), name, in) {
			return true // html_entity_decode
		}
		again := string(appendLenient(nil, path, false))
		if again == path {
			return false
		}
		path = again
	}
	return false
}

// tokensHide reports whether the name is found once tokens are taken out of a folded
// path, and those that come about by it: ASP.NET does so twice.
func tokensHide(folded, name string, in where) bool {
	for range 2 {
		folded = withoutTokens(folded)
		if holdsName(folded, name, in) {
			return true
		}
	}
	return false
}

// foldPath is path in lower-case ASCII with forward slashes, as far as it can be.
func foldPath(path string) string {
	if !isASCII(path) {
		path = string(norm.NFKD.Bytes(repairUTF8(nil, []byte(path))))
	}
	var b strings.Builder
	b.Grow(len(path))
	for _, r := range path {
		switch {
		case r == '\\' || r == '∕' || r == '⁄' || r == '⧸' || r == '∖':
			r = '/'
		case r < ' ' || r == 0x7f:
			continue // trimmed, or dropped by who parses URLs as browsers do
		case r < utf8.RuneSelf:
			r = rune(lower(byte(r)))
		case bestFit[r] != 0:
			r = rune(bestFit[r])
		case unicode.In(r, unicode.Mn, unicode.Cf) || r == utf8.RuneError:
			continue // marks and what is invisible: dropped by best-fit mappings
		case unicode.IsSpace(r):
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isASCII(s string) bool {
	const highs = 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		if eightBytes(s)&highs != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func equalFoldASCII(s, lowered string) bool {
	if len(s) != len(lowered) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lowered[i] {
			return false
		}
	}
	return true
}
