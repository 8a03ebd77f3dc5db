package smsapi

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PathNames reports whether some server family could find name in u's path and take the
// request for one of the endpoint of that name, which is in lower-case ASCII.
//
// It counts wherever it stands, and whatever stands before and behind it. What follows
// may be PATH_INFO to the backend, an extension, or be resolved away. What comes before,
// in the same segment, goes where a mount, a script's name or a prefix is cut off without
// its slash (gunicorn, Symfony, Mojolicious, a proxy's strip_prefix), where a name is
// qualified (OData), and where a route has no anchor. Folded are: escapes, once and more;
// letter case and compatibility forms (IIS, Express), Windows' best fits among them;
// control characters, which go. ASP.NET takes the tokens of cookieless sessions out of a
// path, wherever they stand.
//
// A query may hold the path as well: CodeIgniter's where it begins with a slash, that of
// routers which look for the path behind the first letters of the whole URL and find the
// query's where the host is short (Elysia; Hono 4.8), and an argument that goes before
// the path (s of ThinkPHP, rest_route of WordPress, q of Drupal 7, r of Yii).
func PathNames(u *url.URL, name string) bool {
	return pathNames(u.Path, name) ||
		u.RawPath != "" && pathNames(u.RawPath, name) ||
		u.Opaque != "" && pathNames(u.Opaque, name) ||
		QueryNames(u.RawQuery, name)
}

// TextNames is PathNames for a text that may be a path, or a part of a URL.
func TextNames(text, name string) bool { return pathNames(text, name) }

func pathNames(path, name string) bool {
	hit, sure := plainPathNames(path, name)
	if sure {
		return hit
	}
	return oddPathNames(path, name)
}

// QueryNames reports whether a query holds the name, as it stands or encoded.
func QueryNames(query, name string) bool {
	return mayName(query, name) && (containsFold(query, name) || strings.IndexByte(query, '%') >= 0 && oddPathNames(query, name))
}

// mayName reports whether a query could hold a name with an underscore: one that is
// encoded, or one before the letter that follows in the name, or before an escape. It
// costs a send little, whose own arguments have underscores.
func mayName(query, name string) bool {
	at := strings.IndexByte(name, '_')
	if at < 0 || strings.IndexByte(query, '%') >= 0 && (strings.Contains(query, "5f") || strings.Contains(query, "5F")) {
		return true
	}
	for {
		i := strings.IndexByte(query, '_')
		if i < 0 || i+1 == len(query) {
			return false
		}
		query = query[i+1:]
		if query[0] == '%' || lower(query[0]) == name[at+1] {
			return true
		}
	}
}

// plainPathNames decides about a path of ordinary characters. It is all that
// the requests of an ordinary site cost.
func plainPathNames(path, name string) (hit, sure bool) {
	if containsFold(path, name) {
		return true, true
	}
	for i := range len(path) {
		if oddPathByte[path[i]] {
			return false, false
		}
	}
	return false, true
}

// containsFold reports whether text holds name, in letters of either case. It looks for
// the underscore, which is rarer than any letter, if name has one.
func containsFold(text, name string) bool {
	at := max(0, strings.IndexByte(name, '_'))
	for from := at; ; {
		i := -1
		if from < len(text) {
			i = indexByteFold(text[from:], name[at])
		}
		if i < 0 {
			return false
		}
		from += i + 1
		begin := from - 1 - at
		if begin+len(name) <= len(text) && equalFoldASCII(text[begin:begin+len(name)], name) {
			return true
		}
	}
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

// oddPathByte has the bytes of a path that may mean something else to some reader.
var oddPathByte = func() (t [256]bool) {
	for i := range t {
		t[i] = i <= ' ' || i >= 0x7f
	}
	for _, c := range `%\;?#:"*<>|+@(` {
		t[c] = true
	}
	return t
}()

// oddPathNames looks at every reading of the path.
func oddPathNames(path, name string) bool {
	for range maxDecodings + 1 {
		folded := foldPath(path)
		if strings.Contains(folded, name) || strings.Contains(folded, "/(") && tokensHide(folded, name) {
			return true
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
func tokensHide(folded, name string) bool {
	for range 2 {
		folded = withoutTokens(folded)
		if strings.Contains(folded, name) {
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
