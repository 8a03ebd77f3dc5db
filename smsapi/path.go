package smsapi

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PathNames reports whether some server family could find the segment in u's
// path and take the request for it. segment is in lower-case ASCII.
//
// Every segment counts, not only the last: what follows may be PATH_INFO to the
// backend, or be resolved away. Folded are: escapes, once and more; "\" as "/"
// (IIS); ";parameters" and what stands behind a NUL, "?" or "#" (Servlet, C
// strings, Apache); letter case and compatibility forms (IIS, Express), Windows' best
// fits among them; control characters, which go. Dot segments and
// repeated slashes need no thought, since every segment counts. Nor does what else
// follows the name in its segment (Windows' dots and blanks, an extension to Rails
// and Spring, anything to a prefix location or an unanchored pattern): a segment
// that begins with it counts. So does one in which the name follows that of a script:
// Symfony, Mojolicious, CodeIgniter and their kin cut that off the path, and ask for no
// slash behind it. A query that begins with a slash is CodeIgniter's path. ASP.NET takes
// the tokens of cookieless sessions out of a path, wherever they stand.
func PathNames(u *url.URL, segment string) bool {
	return pathNames(u.Path, segment) ||
		u.RawPath != "" && pathNames(u.RawPath, segment) ||
		u.Opaque != "" && pathNames(u.Opaque, segment) ||
		strings.HasPrefix(u.RawQuery, "/") && pathNames(u.RawQuery, segment)
}

func pathNames(path, segment string) bool {
	hit, sure := plainPathNames(path, segment)
	if sure {
		return hit
	}
	return oddPathNames(path, segment)
}

// plainPathNames decides about a path of ordinary characters. It is all that
// the requests of an ordinary site cost.
func plainPathNames(path, segment string) (hit, sure bool) {
	start := 0
	for i := 0; i <= len(path); i++ {
		if i < len(path) {
			switch pathByte[path[i]] {
			case ordinary:
				continue
			case odd:
				return false, false
			}
		}
		seg := path[start:i]
		start = i + 1
		if len(seg) < len(segment) || !equalFoldASCII(seg[:len(segment)], segment) && !followsScript(seg, segment) {
			continue
		}
		return true, true
	}
	return false, true
}

// scriptEndings are how the names of scripts end.
var scriptEndings = [...]string{".php", ".pl", ".cgi", ".fcgi", ".py", ".wsgi", ".rb", ".asp", ".aspx"}

// followsScript reports whether segment stands in seg behind the name of a script, as
// in /index.phpapi_web.
func followsScript(seg, segment string) bool {
	for {
		dot := strings.IndexByte(seg, '.')
		if dot < 0 {
			return false
		}
		seg = seg[dot:]
		for _, ending := range scriptEndings {
			if len(seg) < len(ending)+len(segment) || !equalFoldASCII(seg[:len(ending)], ending) {
				continue
			}
			behind := seg[len(ending):]
			if digit := behind[0]; digit >= '0' && digit <= '9' { // .php5
				behind = behind[1:]
			}
			if len(behind) >= len(segment) && equalFoldASCII(behind[:len(segment)], segment) {
				return true
			}
		}
		seg = seg[1:]
	}
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

const (
	ordinary = iota
	slash
	odd
)

// pathByte sorts the bytes of a path: those that may mean something else to some
// reader are odd.
var pathByte = func() (t [256]uint8) {
	for i := range t {
		if i <= ' ' || i >= 0x7f {
			t[i] = odd
		}
	}
	for _, c := range `%\;?#:"*<>|+@(` {
		t[c] = odd
	}
	t['/'] = slash
	return t
}()

// oddPathNames looks at every reading of the path.
func oddPathNames(path, segment string) bool {
	for range maxDecodings + 1 {
		folded := foldPath(path)
		if anySegmentBegins(folded, segment) {
			return true
		}
		if strings.Contains(folded, "/(") && tokensHide(folded, segment) {
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

// tokensHide reports whether the segment is found once tokens are taken out of a folded
// path, and those that come about by it: ASP.NET does so twice.
func tokensHide(folded, segment string) bool {
	for range 2 {
		folded = withoutTokens(folded)
		if anySegmentBegins(folded, segment) {
			return true
		}
	}
	return false
}

// anySegmentBegins is segmentBegins for the segments of a folded path.
func anySegmentBegins(folded, segment string) bool {
	for seg := range strings.SplitSeq(folded, "/") {
		if segmentBegins(seg, segment) {
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

// segmentBegins reports whether a folded path's segment begins with the one looked
// for.
func segmentBegins(seg, segment string) bool {
	seg = strings.TrimPrefix(seg, "++view++") // Zope's way to name a view
	seg = strings.TrimLeft(seg, " +@")        // a plus is a blank to who decodes a path like a form, @@ is Pyramid's ++view++
	return len(seg) >= len(segment) && equalFoldASCII(seg[:len(segment)], segment) || followsScript(seg, segment)
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
