package whatcounts

import (
	"bytes"
	"slices"
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
	roles // their number
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

// skeletons are the names of which only letters and digits are left, and
// skeletonRoles their roles.
var (
	skeletons     = []string{"c", "cmd", "r", "realm", "p", "pwd", "password", "phone", "sendercode"}
	skeletonRoles = []role{command, command, realm, realm, password, password, password, recipient, sender}
)

// textName is the argument of the message's text, which may hold anything.
const textName = "message_text"

// foldedNames are the skeletons, and the other names whose folds matter.
var foldedNames = append(slices.Clone(skeletons), countryName, "charset", "args", "argumentcollection", "superformjson", "jsonpayload")

// foldedRole is the role that some server family gives to an oddly written name.
func foldedRole(name string) role {
	i := smsapi.NameFolds(name, skeletons)
	if i < 0 {
		return noRole
	}
	return moreThanPassword(skeletonRoles[i], name)
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
	if string(buf[:n]) == "sendercode" {
		return sender
	}
	return roleOf(string(buf[:n]))
}

// isUnderscored reports whether a plain name is another but for underscores.
func isUnderscored(name, other string) bool {
	for i := range len(name) {
		if name[i] == '_' {
			continue
		}
		if other == "" || name[i] != other[0] {
			return false
		}
		other = other[1:]
	}
	return other == ""
}

// stackRole is the role of a name that begins with what Struts calls the top of its
// stack: the rest of it is a name like any other there. So it is behind PHP's own
// variables where an old program extracts its arguments, and behind what Next.js puts
// before those of its routes (normalizeNextQueryParam, in edge functions).
func stackRole(name string) role {
	name = smsapi.TrimBlanks(name)
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
func brokenRole(p *smsapi.Pair) role {
	name := p.Name
	if end := strings.LastIndexByte(name, '%') + len("%6="); end > len(name) && end >= len("%6=") {
		pair := name + "=" + p.Value[:min(len(p.Value), maxOddName)]
		if head, _, ok := strings.Cut(pair[min(end, len(pair)):], "="); ok {
			name = pair[:end] + head
		}
	}
	if len(name) > maxOddName {
		return noRole
	}
	if i := smsapi.EscapeFolds(name, skeletons); i >= 0 {
		return skeletonRoles[i]
	}
	return noRole
}

// memberRole is the role of the last part of a name with others before it, or that of
// the country: m.phone and m[phone] are the phone of an action's model to ASP.NET MVC.
func memberRole(name string) (r role, isCountry bool) {
	name = smsapi.TrimBlanks(name)
	if len(name) > maxOddName {
		return noRole, false
	}
	i := smsapi.MemberFolds(name, foldedNames)
	if i < 0 || i >= len(skeletons) {
		return noRole, i >= 0 && foldedNames[i] == countryName
	}
	return skeletonRoles[i], false
}

// firstRole is the role of a name that has others behind it, if that is one of whom a
// message is for: phone.x is phone to Rocket, phone-0 an element of it to FormEncode.
func firstRole(name string) role {
	if len(name) > maxOddName {
		return noRole
	}
	var buf [maxOddName]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], name, ' ')
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
