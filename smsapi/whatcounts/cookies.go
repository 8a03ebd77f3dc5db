package whatcounts

import (
	"bytes"
	"iter"
	"strings"
	"unicode"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// cookie is a cookie that somebody takes for an argument.
type cookie struct {
	role    role
	country bool
	name    string
	value   string // raw
}

// jar holds the cookies of a request, as each of the texts has them that readers make of its
// lines.
type jar [][]cookie

// readJar reads the lines with cookies.
//
// Go, Node and Java read each line by itself. Apache, PHP's own server and Caddy's FastCGI
// transport put ", " between them, WSGI servers a bare comma. Zope splits at the comma
// behind a quoted value as well.
func readJar(lines []string) (j jar) {
	if len(lines) == 0 {
		return nil
	}
	texts := []string{strings.Join(lines, ";")}
	if len(lines) > 1 {
		texts = append(texts, strings.Join(lines, ", "), strings.Join(lines, ","))
	}
	for _, text := range texts {
		if strings.Contains(text, `",`) {
			texts = append(texts, strings.ReplaceAll(text, `",`, `";`))
		}
	}
	for _, text := range texts {
		if cookies := cookiesOf(text); len(cookies) > 0 {
			j = append(j, cookies)
		}
	}
	return j
}

func cookiesOf(text string) (cookies []cookie) {
	for pair := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		c := cookie{role: cookieRole(name), country: isCountry(name), name: name, value: strings.Trim(value, `" `)}
		if c.role != noRole || c.country {
			cookies = append(cookies, c)
		}
	}
	return cookies
}

// all yields each cookie with a role.
func (j jar) all() iter.Seq[*cookie] {
	return func(yield func(*cookie) bool) {
		for _, cookies := range j {
			for i := range cookies {
				if cookies[i].role != noRole && !yield(&cookies[i]) {
					return
				}
			}
		}
	}
}

// has reports whether a cookie has the role.
func (j jar) has(wanted role) bool {
	for c := range j.all() {
		if c.role == wanted {
			return true
		}
	}
	return false
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
func (args *arguments) cookieCommand() *smsapi.Refusal {
	for c := range args.cookies.all() {
		if c.role != command || sameDecoded(c.value, args.of[command].raw) {
			continue
		}
		if foldsToSMSCommand(c.value) || resembles(c.value) != smsapi.Other || isJSONCookie(c.value) || !args.of[command].given && args.present(recipient) {
			return refusedCookie[command]
		}
	}
	return nil
}

// isJSONCookie reports whether Express' cookie-parser reads a value as JSON, whose escapes
// may hide anything.
func isJSONCookie(value string) bool {
	decoded, _ := smsapi.AppendUnescaped(nil, value, '+')
	return bytes.HasPrefix(decoded, []byte("j:"))
}

// otherCookieCommand reports whether a cookie names another command than the
// request's own that is not known to text nobody.
func (args *arguments) otherCookieCommand() bool {
	for c := range args.cookies.all() {
		if c.role == command && c.value != "" && !sameDecoded(c.value, args.of[command].raw) && !isHarmless(strings.ToLower(c.value)) {
			return args.presentWithCookies(sender)
		}
	}
	return false
}

// maxCookies is how many cookies beside a send may be arguments to somebody. What programs put
// together of ten thousand of them takes a processor for long.
const maxCookies = 256

// maxInCookies is how many bytes of phones and senders are read in cookies, in all the ways in
// which readers put them together.
const maxInCookies = 4096

// readCookies adds what cookies could make of the recipient. A phone or sender
// in a cookie is one more reading; another realm is another account, and refused.
func (a *API) readCookies(args *arguments, call *smsapi.Call, to *smsapi.Recipient) *smsapi.Refusal {
	for _, cookies := range args.cookies {
		if len(cookies) > maxCookies {
			return refusedReadings
		}
	}
	for c := range args.cookies.all() {
		if isJSONCookie(c.value) && c.role != password {
			return refusedCookie[c.role]
		}
		if c.role != sender {
			args.of[c.role].in |= everywhere // it is there for whoever reads cookies, wherever else they look
		}
		if c.role == recipient || c.role == sender {
			if args.inCookies += len(c.value); args.inCookies > maxInCookies {
				return refusedReadings
			}
		}
		var refusal *smsapi.Refusal
		switch c.role {
		case realm:
			refusal = readRealmCookie(c, call.Realm)
		case recipient:
			if call.Kind != smsapi.FanOut {
				refusal = a.readPhoneCookie(c, args, to)
			}
		case sender:
			refusal = a.readSenderCookie(c, to)
		}
		if refusal == nil {
			refusal = tooManyReadings(to)
		}
		if refusal != nil {
			return refusal
		}
	}
	for _, cookies := range args.cookies {
		if refusal := a.readJoined(cookies, args, to); refusal != nil {
			return refusal
		}
	}
	return nil
}

// readRealmCookie refuses a realm in a cookie that is not the request's own to everybody: PHP
// leaves a plus in a cookie as it is.
func readRealmCookie(c *cookie, own string) *smsapi.Refusal {
	decoded, _ := smsapi.AppendUnescaped(nil, c.value, ' ')
	if name, err := smsapi.CanonicalRealm(string(decoded)); err != nil || name != own || strings.IndexByte(c.value, '+') >= 0 {
		return refusedCookie[realm]
	}
	return nil
}

func (a *API) readPhoneCookie(c *cookie, args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	decoded, _ := smsapi.AppendUnescaped(nil, c.value, ' ')
	more, err := a.region.Readings(to.Phones, string(decoded))
	if err != nil {
		if bytes.IndexFunc(decoded, unicode.IsNumber) >= 0 {
			return refusedCookie[recipient]
		}
		return nil // no number by any reading
	}
	to.Phones = more
	if digits, ok := undecoded(c.value); ok {
		if more, err := a.region.Readings(to.Phones, digits); err == nil {
			to.Phones = more
		}
	}
	for _, country := range args.countries {
		if refusal := a.readIn(country, c.value, args, to); refusal != nil {
			return refusal
		}
	}
	return nil
}

// undecoded is a value with escapes as ASP.NET has it, which decodes no cookies, where
// nothing but digits matters: %20 are two of them.
func undecoded(value string) (digits string, ok bool) {
	digits = strings.ReplaceAll(value, "%", "")
	return digits, len(digits) < len(value)
}

func (a *API) readSenderCookie(c *cookie, to *smsapi.Recipient) *smsapi.Refusal {
	if len(to.Senders) == 0 {
		return nil // none already stands for any
	}
	decoded, _ := smsapi.AppendUnescaped(nil, c.value, ' ')
	senders, refusal := a.senderReadings(to.Senders, string(decoded))
	if refusal != nil {
		return refusedCookie[sender]
	}
	if strings.ContainsAny(c.name, "[%") { // a list, which is no sender to who asks for a text
		senders = senders[:0]
	}
	to.Senders = senders
	return nil
}

// readJoined adds what ASP.NET's Request.Params makes of an argument and the cookies of one
// text, which it puts together with commas. Who reads a number in what cannot be read keeps
// the digits of it.
func (a *API) readJoined(cookies []cookie, args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	if len(to.Phones) > 0 {
		for _, text := range args.joined(recipient, cookies) {
			for _, form := range [...]string{text, digitsAlone(text)} {
				if more, err := a.region.Readings(to.Phones, form); err == nil {
					to.Phones = more
				}
			}
		}
	}
	if len(to.Senders) > 0 {
		for _, text := range args.joined(sender, cookies) {
			for _, form := range [...]string{strings.ReplaceAll(text, ",", ""), digitsAlone(text)} {
				if more, err := a.region.SenderReadings(to.Senders, form); err == nil {
					to.Senders = more
				}
			}
		}
	}
	return tooManyReadings(to)
}

func digitsAlone(text string) string {
	return strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, text)
}

// joined are an argument with the cookies of its name behind it, decoded and without their
// "%". There are none without cookies.
func (args *arguments) joined(r role, cookies []cookie) (texts []string) {
	for given := 1; given <= max(1, args.of[r].together()); given++ {
		texts = append(texts, args.joinedTo(r, given, cookies)...)
	}
	return texts
}

// joinedTo is joined for an argument that is given so often.
func (args *arguments) joinedTo(r role, given int, cookies []cookie) []string {
	decoded, _ := smsapi.AppendUnescaped(nil, args.of[r].raw, ' ')
	if given > 1 && given*len(decoded) > maxJoined {
		decoded = []byte(digitsAlone(string(decoded)))
	}
	if given*len(decoded) > phone.MaxField {
		return nil // which is no number
	}
	decoded = bytes.TrimSuffix(bytes.Repeat(append(decoded, ','), given), []byte(","))
	raw := string(decoded)
	found, escapes := false, false
	for i := range cookies {
		if cookies[i].role != r {
			continue
		}
		found = true
		digits, ok := undecoded(cookies[i].value)
		escapes = escapes || ok
		raw += "," + digits
		decoded, _ = smsapi.AppendUnescaped(append(decoded, ','), cookies[i].value, ' ')
	}
	switch {
	case !found:
		return nil
	case escapes:
		return []string{string(decoded), raw}
	}
	return []string{string(decoded)}
}
