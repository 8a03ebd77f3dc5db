package whatcounts

import (
	"bytes"
	"net/http"
	"strings"
	"unicode"

	"github.com/stopgate/stopgate/smsapi"
)

// cookie is a cookie that somebody takes for an argument.
type cookie struct {
	role  role
	name  string
	value string // raw
}

// eachCookie calls do with each cookie that has a role, until it returns a refusal.
func eachCookie(lines []string, do func(cookie) *smsapi.Refusal) *smsapi.Refusal {
	for _, text := range cookieTexts(lines) {
		if refusal := cookiesOf(text, do); refusal != nil {
			return refusal
		}
	}
	return nil
}

// cookieTexts are what readers make of the lines with cookies, of which a semicolon then
// ends each.
//
// Go, Node and Java read each line by itself. Apache, PHP's own server and Caddy's FastCGI
// transport put ", " between them, WSGI servers a bare comma. Zope splits at the comma
// behind a quoted value as well.
func cookieTexts(lines []string) []string {
	texts := []string{strings.Join(lines, ";")}
	if len(lines) > 1 {
		texts = append(texts, strings.Join(lines, ", "), strings.Join(lines, ","))
	}
	for _, text := range texts {
		if strings.Contains(text, `",`) {
			texts = append(texts, strings.ReplaceAll(text, `",`, `";`))
		}
	}
	return texts
}

// cookiesOf is eachCookie for one of the texts.
func cookiesOf(text string, do func(cookie) *smsapi.Refusal) *smsapi.Refusal {
	for pair := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		r := cookieRole(name)
		if r == noRole {
			continue
		}
		if refusal := do(cookie{r, name, strings.Trim(value, `"`)}); refusal != nil {
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
	return eachCookie(lines, func(c cookie) *smsapi.Refusal {
		if c.role != command || sameDecoded(c.value, args.of[command].raw) {
			return nil
		}
		if foldsToSMSCommand(c.value) || resembles(c.value) != smsapi.Other || isJSONCookie(c.value) || !args.of[command].given && args.present(recipient) {
			return refusedCookie[command]
		}
		return nil
	})
}

// isJSONCookie reports whether Express' cookie-parser reads a value as JSON, whose escapes
// may hide anything.
func isJSONCookie(value string) bool {
	decoded, _ := smsapi.AppendUnescaped(nil, value, '+')
	return bytes.HasPrefix(decoded, []byte("j:"))
}

// otherCookieCommand reports whether a cookie names another command than the
// request's own that is not known to text nobody.
func (args *arguments) otherCookieCommand(r *http.Request) bool {
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return false
	}
	other := false
	_ = eachCookie(lines, func(c cookie) *smsapi.Refusal {
		other = other || c.role == command && c.value != "" && !sameDecoded(c.value, args.of[command].raw) &&
			!isHarmless(strings.ToLower(c.value))
		return nil
	})
	return other && args.presentWithCookies(sender, r)
}

// readCookies adds what cookies could make of the recipient. A phone or sender
// in a cookie is one more reading; another realm is another account, and refused.
func (a *API) readCookies(lines []string, args *arguments, call *smsapi.Call, to *smsapi.Recipient) *smsapi.Refusal {
	refusal := eachCookie(lines, func(c cookie) *smsapi.Refusal {
		found, value := c.role, c.value
		decoded, _ := smsapi.AppendUnescaped(nil, value, ' ')
		if isJSONCookie(value) && found != password {
			return refusedCookie[found]
		}
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
			if digits, ok := undecoded(value); ok {
				if more, err := a.region.Readings(to.Phones, digits); err == nil {
					to.Phones = more
				}
			}
			for _, country := range args.countries {
				if refusal := a.readIn(country, value, args, to); refusal != nil {
					return refusal
				}
			}
		case sender:
			if len(to.Senders) == 0 {
				break // none already stands for any
			}
			senders, refusal := a.senderReadings(to.Senders, string(decoded))
			if refusal != nil {
				return refusedCookie[sender]
			}
			if strings.ContainsAny(c.name, "[%") { // a list, which is no sender to who asks for a text
				senders = senders[:0]
			}
			to.Senders = senders
		}
		return tooManyReadings(to)
	})
	if refusal != nil {
		return refusal
	}
	return a.readJoinedCookies(lines, args, to)
}

// undecoded is a value with escapes as ASP.NET has it, which decodes no cookies, where
// nothing but digits matters: %20 are two of them.
func undecoded(value string) (digits string, ok bool) {
	digits = strings.ReplaceAll(value, "%", "")
	return digits, len(digits) < len(value)
}

// readJoinedCookies adds what ASP.NET's Request.Params makes of an argument and its cookies,
// which it puts together with commas.
func (a *API) readJoinedCookies(lines []string, args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	for _, text := range cookieTexts(lines) {
		var raw, decoded [roles]string
		_ = cookiesOf(text, func(c cookie) *smsapi.Refusal {
			value, _ := smsapi.AppendUnescaped(nil, c.value, ' ')
			digits, _ := undecoded(c.value)
			raw[c.role] += "," + digits
			decoded[c.role] += "," + string(value)
			return nil
		})
		for _, cookies := range [...]*[roles]string{&raw, &decoded} {
			a.addJoined(args, cookies, to)
		}
		if refusal := tooManyReadings(to); refusal != nil {
			return refusal
		}
	}
	return nil
}

// addJoined adds the readings of the arguments with these cookies behind them.
func (a *API) addJoined(args *arguments, cookies *[roles]string, to *smsapi.Recipient) {
	if cookies[recipient] != "" && len(to.Phones) > 0 {
		field, _ := smsapi.AppendUnescaped(nil, args.of[recipient].raw, ' ')
		if more, err := a.region.Readings(to.Phones, string(field)+cookies[recipient]); err == nil {
			to.Phones = more
		}
	}
	if cookies[sender] != "" && len(to.Senders) > 0 {
		code, _ := smsapi.AppendUnescaped(nil, args.of[sender].raw, ' ')
		if more, err := a.region.SenderReadings(to.Senders, strings.ReplaceAll(string(code)+cookies[sender], ",", "")); err == nil {
			to.Senders = more
		}
	}
}
