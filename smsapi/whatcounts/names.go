package whatcounts

import "github.com/stopgate/stopgate/smsapi"

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

// skeletonRole is the role of a name of which only letters and digits are left.
func skeletonRole(skeleton []byte) role {
	if string(skeleton) == "sendercode" {
		return sender
	}
	return roleOf(string(skeleton))
}

// foldedRole is the role that some server family gives to an oddly written name.
func foldedRole(name string) role {
	found := noRole
	smsapi.NameFolds(name, func(skeleton []byte) bool {
		found = skeletonRole(skeleton)
		return found != noRole
	})
	return found
}

// decodedRole is the role of a name that is written with escapes which every
// reader undoes alike.
func decodedRole(name string) role {
	var buf [32]byte
	if len(name) > len(buf) {
		return noRole
	}
	decoded, met := smsapi.AppendUnescaped(buf[:0], name, '+')
	if met != 0 {
		return noRole
	}
	return roleOf(string(decoded))
}
