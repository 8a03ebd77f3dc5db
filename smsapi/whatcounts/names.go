package whatcounts

import (
	"bytes"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// role is what an argument is for, whichever of its names it goes by.
type role uint8

const (
	noRole role = iota
	command
	realm
	password
	recipient
	sender
	roles // those before are the five that matter

	// The others change what the five mean.
	country
	charset
	container
)

// roleNames are the names by which reasons call the arguments.
var roleNames = [roles]string{
	command:   "c (cmd)",
	realm:     "r (realm)",
	password:  "p (pwd)",
	recipient: "phone",
	sender:    "sender_code",
}

// roleCodes are their names in refusal codes.
var roleCodes = [roles]string{
	command:   "command",
	realm:     "realm",
	password:  "password",
	recipient: "phone",
	sender:    "sender",
}

// roleOf is the role of a name that is written as it should be. The provider
// documents "password" beside "p" and "pwd".
func roleOf(name string) role {
	switch name {
	case "c", "cmd":
		return command
	case "r", "realm":
		return realm
	case "p", "pwd", "password":
		return password
	case "phone":
		return recipient
	case "sender_code":
		return sender
	}
	return noRole
}

// known are the names that are looked for in odd ones, those of the five first. Of each
// only letters and digits are left.
var known = [...]struct {
	skeleton string
	role     role
}{
	{"c", command}, {"cmd", command},
	{"r", realm}, {"realm", realm},
	{"p", password}, {"pwd", password}, {"password", password},
	{"phone", recipient},
	{"sendercode", sender},
	{countryName, country},
	{"charset", charset},
	{"args", container}, {"argumentcollection", container}, {"superformjson", container}, {"jsonpayload", container},
}

// skeletons are the known names, and argumentSkeletons those of the five.
var skeletons, argumentSkeletons = func() (all, five []string) {
	for _, k := range known {
		all = append(all, k.skeleton)
		if k.role < roles {
			five = all
		}
	}
	return all, five
}()

// textName is the argument of the message's text, which may hold anything.
const textName = "message_text"

// foldedRole is the role that some server family gives to an oddly written name, of the five.
func foldedRole(name string) role { return roleAmong(name, argumentSkeletons) }

// roleAmong is foldedRole for those of the known names.
func roleAmong(name string, names []string) role {
	i := smsapi.NameFolds(name, names)
	if i < 0 {
		return noRole
	}
	return moreThanPassword(known[i].role, name)
}

// moreThanPassword is r, or the recipient for a name that is a password to those alone who
// cut it: p%2541hone.
func moreThanPassword(r role, name string) role {
	if r == password && smsapi.NameFolds(name, phoneSkeleton) >= 0 {
		return recipient
	}
	return r
}

var phoneSkeleton = []string{"phone"}

// maxOddName is how long a name may be that stands for an argument with something
// before or behind it. Longer ones would take long to look at; who writes one beside an SMS
// command is told so.
const maxOddName = 256

// isHeavy reports whether a name takes long to look at: one with tags, with characters outside
// ASCII or with escapes of escapes is looked at in each form that some reader gives it.
func isHeavy(name string) bool {
	if strings.IndexByte(name, '<') >= 0 || !smsapi.IsASCII(name) {
		return true
	}
	for at := strings.IndexByte(name, '%'); at >= 0 && at+2 < len(name); {
		name = name[at+1:]
		switch c := name[0]; {
		case c == '2' && name[1] == '5', c == '3' && name[1]|0x20 == 'c', c >= '8':
			return true
		}
		at = strings.IndexByte(name, '%')
	}
	return false
}

// maxEffort is how many bytes of odd names are looked at in one request, in all readings of it
// together: some fifty thousand of twenty bytes where one
// reading is enough, which is more than servers read, or 64 kB of heavy ones. A megabyte
// of them in seven readings would take seconds. Beside a harmless command as well, for any of
// them may name another.
const (
	maxEffort      = 2 << 20
	heavyByte      = 32 // what a byte of a heavy name counts
	heavyValueByte = 4  // what a byte of its value counts, see mayLookAt
	lightName      = 4  // by what the effort of a bare name is divided
	perName        = 16 // what a name counts beside its bytes
)

// underscoredRole is the role of a plain name with underscores where none belong: lodash's
// camelCase, humps and camelcase-keys make phone of _phone, and senderCode of sender__code.
func underscoredRole(name string) role {
	var buf [len("sender_code")]byte
	n := 0
	for i := range len(name) {
		if name[i] == '_' {
			continue
		}
		if n == len(buf) {
			return noRole
		}
		buf[n] = name[i]
		n++
	}
	if n == len(name) {
		return noRole
	}
	switch string(buf[:n]) {
	case "sendercode":
		return sender
	case countryName:
		return country
	}
	return roleOf(string(buf[:n]))
}

// oddRoles find the role of an oddly written name, each as some readers have it. They are
// asked one after the other until one is found. A pointer handed to them would put each pair
// of a request on the heap.
var oddRoles = [...]func(smsapi.Pair) role{stackRole, brokenRole, memberRole, firstRole}

// stackRole is the role of a name that begins with what Struts calls the top of its
// stack: the rest of it is a name like any other there. So it is behind PHP's own
// variables where an old program extracts its arguments, and behind what Next.js puts
// before those of its routes (normalizeNextQueryParam, in edge functions).
func stackRole(p smsapi.Pair) role {
	name := smsapi.TrimLeadingBlanks(p.Name)
	if len(name) > maxOddName {
		return noRole
	}
	var buf [maxOddName]byte
	rest, _ := smsapi.AppendUnescaped(buf[:0], name, ' ')
	found := false
	for cut := true; cut; {
		cut = false
		for _, top := range [...]string{"top.", "top[", "[0].", "#root.", "_GET[", "_POST[", "_REQUEST[", "GLOBALS[", "nxtP", "nxtI"} {
			if behind, ok := bytes.CutPrefix(rest, []byte(top)); ok {
				rest, cut, found = behind, true, true
			}
		}
	}
	if !found {
		return noRole
	}
	return foldedRole(string(rest))
}

// brokenRole is the role of a name with escapes that only some undo. Jetty takes the "=" of
// real%6==acme for a digit, and what is behind it for more of the name.
func brokenRole(p smsapi.Pair) role {
	name := p.Name
	if end := strings.LastIndexByte(name, '%') + len("%6="); end > len(name) && end >= len("%6=") {
		pair := name + "=" + p.Value[:min(len(p.Value), maxOddName)]
		if head, _, ok := strings.Cut(pair[min(end, len(pair)):], "="); ok {
			name = pair[:end] + head
		}
	}
	if p.Bare || len(name) > maxOddName {
		return noRole
	}
	if i := smsapi.EscapeFolds(name, argumentSkeletons); i >= 0 {
		return known[i].role
	}
	return noRole
}

// memberRole is the role of the last part of a name, where it is one that says whom a message
// reaches.
func memberRole(p smsapi.Pair) role {
	if r := lastRole(p.Name); r == recipient || r == sender {
		return r
	}
	return noRole
}

// lastRole is the role of the last part of a name with others before it: m.phone and m[phone]
// are the phone of an action's model to ASP.NET MVC.
func lastRole(name string) role {
	name = smsapi.TrimLeadingBlanks(name)
	if len(name) > maxOddName {
		return noRole
	}
	if i := smsapi.MemberFolds(name, skeletons); i >= 0 {
		return known[i].role
	}
	return noRole
}

// firstRole is the role of a name that has others behind it, where it is one that says whom
// a message reaches: phone.x is phone to Rocket, phone-0 an element of it to FormEncode.
func firstRole(p smsapi.Pair) role {
	if len(p.Name) > maxOddName {
		return noRole
	}
	var buf [maxOddName]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], p.Name, ' ')
	first, _, ok := bytes.Cut(decoded, []byte("."))
	if !ok {
		var index []byte
		first, index, ok = bytes.Cut(decoded, []byte("-"))
		ok = ok && len(bytes.Trim(index, "0123456789")) == 0
	}
	if !ok {
		return noRole
	}
	if r := foldedRole(string(first)); r == recipient || r == sender {
		return r
	}
	return noRole
}

// decodedRole is the role of a name that is written with escapes which every
// reader undoes alike.
func decodedRole(name string) role {
	var buf [len("sender_code") * len("%00")]byte
	if len(name) > len(buf) {
		return noRole
	}
	decoded, met := smsapi.AppendUnescaped(buf[:0], name, '+')
	if met != 0 {
		return noRole
	}
	return roleOf(string(decoded))
}
