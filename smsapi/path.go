package smsapi

import (
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
		holdsQuery(u) && TextNames(strings.ReplaceAll(u.EscapedPath(), u.RawQuery, ""), name) ||
		QueryNames(u.RawQuery, name)
}

// holdsQuery reports whether a path holds the query, which PHP programs take out of the
// whole target to get the path (concrete5 5).
func holdsQuery(u *url.URL) bool {
	return u.RawQuery != "" && len(u.RawQuery) < len(u.Path)*3 && strings.Contains(u.EscapedPath(), u.RawQuery)
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

// oddPathByte has the bytes by which a path may hold a name that it does not show: those
// of escapes, of entities, of other scripts, of tokens, and those that go.
var oddPathByte = func() (t [256]bool) {
	for i := range t {
		t[i] = i < ' ' || i >= 0x7f || i == '%' || i == '(' || i == '&'
	}
	return t
}()

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
		i := IndexFold(text[from:], name)
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
		if holdsName(folded, name, in) || in == inPath && isCleaned(path, name) ||
			in == inPath && isCleaned(string(composed([]byte(path), norm.NFC)), name) || strings.Contains(folded, "/(") && tokensHide(folded, name, in) {
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
	if !IsASCII(path) {
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
