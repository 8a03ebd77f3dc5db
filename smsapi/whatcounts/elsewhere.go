package whatcounts

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/stopgate/stopgate/smsapi"
)

// Other places than query and body from which a server family takes arguments.

// eachCookie calls do with the role and the raw value of each cookie that has one,
// until it returns a refusal.
//
// Lines are read each by itself, as Go, Node and Java read them, and as one: Apache,
// PHP's own server and Caddy's FastCGI transport put ", " between them, WSGI servers
// a bare comma.
func eachCookie(lines []string, do func(role, string) *smsapi.Refusal) *smsapi.Refusal {
	for _, line := range lines {
		if refusal := cookiesOf(line, do); refusal != nil {
			return refusal
		}
	}
	if len(lines) < 2 {
		return nil
	}
	for _, between := range [...]string{", ", ","} {
		if refusal := cookiesOf(strings.Join(lines, between), do); refusal != nil {
			return refusal
		}
	}
	return nil
}

// cookiesOf is eachCookie for one line.
func cookiesOf(line string, do func(role, string) *smsapi.Refusal) *smsapi.Refusal {
	for cookie := range strings.SplitSeq(line, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(cookie), "=")
		r := cookieRole(name)
		if r == noRole {
			continue
		}
		if refusal := do(r, strings.Trim(value, `"`)); refusal != nil {
			return refusal
		}
	}
	return nil
}

// cookieRole is the role that some reader of cookies gives to a name. An underscore
// is a character like any other to all of them, so that "_r" is a name of its own.
func cookieRole(name string) role {
	if r := roleOf(name); r != noRole {
		return r
	}
	if strings.HasPrefix(name, "_") {
		return noRole
	}
	for i := range len(name) {
		c := name[i] | 0x20
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && name[i] != '_' {
			return foldedRole(name)
		}
	}
	if strings.EqualFold(name, "sendercode") { // senderCode
		return sender
	}
	return roleOf(strings.ToLower(name))
}

// cookieCommand refuses a cookie that some reader takes for a send command in
// place of the request's own: PHP without a php.ini lets cookies win in
// $_REQUEST, ASP.NET's Request[...] falls back on them.
func (args *arguments) cookieCommand(r *http.Request) *smsapi.Refusal {
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return nil
	}
	return eachCookie(lines, func(found role, value string) *smsapi.Refusal {
		if found != command || sameDecoded(value, args.of[command].raw) {
			return nil
		}
		if foldsToSMSCommand(value) || resembles(value) != smsapi.Other || !args.of[command].given && args.present(recipient) {
			return refusedCookie[command]
		}
		return nil
	})
}

// otherCookieCommand reports whether a cookie names another command than the
// request's own that is not known to text nobody.
func (args *arguments) otherCookieCommand(r *http.Request) bool {
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return false
	}
	other := false
	_ = eachCookie(lines, func(found role, value string) *smsapi.Refusal {
		other = other || found == command && value != "" && !sameDecoded(value, args.of[command].raw) &&
			!isHarmless(strings.ToLower(value))
		return nil
	})
	return other && args.presentWithCookies(sender, r)
}

// readCookies adds what cookies could make of the recipient. A phone or sender
// in a cookie is one more reading; another realm is another account, and refused.
func (a *API) readCookies(lines []string, args *arguments, call *smsapi.Call, to *smsapi.Recipient) *smsapi.Refusal {
	return eachCookie(lines, func(found role, value string) *smsapi.Refusal {
		decoded, _ := smsapi.AppendUnescaped(nil, value, ' ')
		if found != sender {
			args.of[found].in |= everywhere // it is there for whoever reads cookies, wherever else they look
		}
		switch found {
		case realm:
			if name, err := smsapi.CanonicalRealm(string(decoded)); err != nil || name != call.Realm {
				return refusedCookie[realm]
			}
			// PHP leaves a plus in a cookie as it is.
			if strings.Contains(value, "+") {
				return refusedCookie[realm]
			}
		case recipient:
			if call.Kind == smsapi.FanOut {
				break
			}
			more, err := a.region.Readings(to.Phones, string(decoded))
			if err != nil {
				if bytes.IndexFunc(decoded, unicode.IsNumber) >= 0 {
					return refusedCookie[recipient]
				}
				break // no number by any reading
			}
			to.Phones = more
		case sender:
			if len(to.Senders) == 0 {
				break // none already stands for any
			}
			if meansNone(string(decoded)) {
				to.Senders = to.Senders[:0]
				break
			}
			more, err := a.region.SenderReadings(to.Senders, string(decoded))
			if err != nil {
				return refusedCookie[sender]
			}
			to.Senders = more
		}
		return tooManyReadings(to)
	})
}

// hasNestedCommand reports whether text, a raw query or form, holds an encoded
// separator behind which somebody who decodes before splitting finds an SMS
// command. Other encoded arguments in a text are a text.
func hasNestedCommand(text string) bool {
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 {
			return false
		}
		text = text[i+1:]
		pair, ok := behindSeparator(text)
		if !ok {
			continue
		}
		pair, _, _ = strings.Cut(pair[:min(len(pair), maxNestedPair)], "&")
		if isNestedCommand(pair) {
			return true
		}
	}
}

// behindSeparator is what stands behind an encoded "&" or ";", where s follows the "%"
// of one, encoded once or more.
func behindSeparator(s string) (rest string, ok bool) {
	for strings.HasPrefix(s, "25") {
		s = s[2:]
	}
	if strings.HasPrefix(s, "26") || len(s) >= 2 && s[0] == '3' && s[1]|0x20 == 'b' {
		return s[2:], true
	}
	return "", false
}

// maxNestedPair is how much behind an encoded separator is looked at: more than a name
// of weight and a command take, however they are written. Without a bound, a body of
// separators alone would be looked at once for each.
const maxNestedPair = 128

func isNestedCommand(pair string) bool {
	var buf [maxNestedPair]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], pair, ' ')
	name, value, ok := bytes.Cut(decoded, []byte("="))
	for range 2 {
		if ok || bytes.IndexByte(decoded, '%') < 0 {
			break
		}
		decoded, _ = smsapi.AppendUnescaped(nil, string(decoded), ' ')
		name, value, ok = bytes.Cut(decoded, []byte("="))
	}
	if !ok || len(name) > 32 {
		return false // no name of weight is that long, however it is written
	}
	if foldedRole(string(name)) != command {
		return false
	}
	if end := bytes.IndexAny(value, "&;"); end >= 0 {
		value = value[:end]
	}
	return foldsToSMSCommand(string(value))
}

// hasPathArguments reports whether the path itself carries arguments, as matrix
// parameters (/api_web;phone=1), behind an encoded "?", or as PATH_INFO that some
// frameworks read in pairs (/api_web/phone/1), or a command in place of one.
func hasPathArguments(u *url.URL) bool {
	if u.RawPath == "" && strings.HasSuffix(u.Path, "/"+endpoint) && !strings.ContainsAny(u.Path, ";%=&?") {
		return false
	}
	if pathHasArguments(u.RawPath) {
		return true
	}
	path := u.Path
	for range maxPathDecodings {
		if pathHasArguments(path) {
			return true
		}
		decoded, _ := smsapi.AppendUnescaped(nil, path, '+')
		if string(decoded) == path {
			return false
		}
		path = string(decoded)
	}
	return true // and nobody decodes so often
}

// maxPathDecodings bounds how often a path is decoded.
const maxPathDecodings = 8

func pathHasArguments(path string) bool {
	behind := false // the endpoint has gone by
	for part := range strings.FieldsFuncSeq(path, isPathSeparator) {
		name, _, pair := strings.Cut(part, "=")
		if (pair || behind) && foldedRole(name) != noRole || behind && foldsToSMSCommand(part) {
			return true
		}
		behind = behind || smsapi.PathNames(&url.URL{Path: part}, endpoint)
	}
	return false
}

func isPathSeparator(c rune) bool { return strings.ContainsRune(`/\;&?#`, c) }
