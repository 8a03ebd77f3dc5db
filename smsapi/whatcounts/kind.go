package whatcounts

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/stopgate/stopgate/smsapi"
)

// kind finds out what the request wants.
func (args *arguments) kind() (smsapi.Kind, *smsapi.Refusal) {
	f := &args.of[command]
	if f.refusal != nil {
		return smsapi.Other, f.refusal
	}
	if args.charset {
		return smsapi.Other, refusedCharset
	}
	if args.foreign {
		return smsapi.Other, refusedForeign
	}
	if args.container {
		return smsapi.Other, refusedContainer
	}
	if args.member {
		return smsapi.Other, refusedSpelling[command]
	}
	if args.control || !f.plain && holdsControl(f.raw) {
		return smsapi.Other, refusedControl
	}
	if args.effort > maxEffort || args.longName && !args.harmless() {
		return smsapi.Other, refusedLongName
	}
	if args.numbered && args.presentWithCookies(recipient) {
		return smsapi.Other, refusedCommand
	}
	if kind, ok := smsCommand(f.raw); ok {
		return kind, args.cookieCommand()
	}
	var buf [64]byte
	decoded, met := smsapi.AppendUnescaped(buf[:0], f.raw, ' ')
	for i, c := range decoded {
		if c >= 'A' && c <= 'Z' {
			decoded[i] = c | 0x20 // letter case makes no other command
		}
	}
	if kind, ok := smsCommand(string(decoded)); ok && met&smsapi.EscapesTwice == 0 {
		return kind, args.cookieCommand()
	}
	// ISO-8859-1 has a sharp s, and many PHP programs take tags out of what they are given.
	if len(f.raw) > maxCommand || !f.plain && (foldsToSMSCommand(f.raw) || !utf8.Valid(decoded) || bytes.IndexByte(decoded, '<') >= 0) {
		return smsapi.Other, refusedCommand
	}
	if refusal := args.cookieCommand(); refusal != nil {
		return smsapi.Other, refusal
	}
	harmless := isHarmless(string(decoded))
	// What is in no command's name may be an escape that somebody undoes, sms&#115;end…,
	// goes with what it encloses, sms[[x]]send… to MODX, or is a letter that is written as one
	// of ASCII.
	if !harmless && (bytes.ContainsAny(decoded, `&%;\[$`) || !smsapi.IsPlain(string(decoded))) && (args.presentWithCookies(recipient) || args.presentWithCookies(sender)) {
		return smsapi.Other, refusedCommand
	}
	// A number may be a command's in an enumeration (.NET).
	if isNumber(decoded) && (args.present(recipient) || args.present(sender)) {
		return smsapi.Other, refusedCommand
	}
	if !harmless && resembles(f.raw) == smsapi.FanOut {
		return smsapi.FanOut, nil
	}
	switch {
	case harmless && !args.otherCookieCommand(), !args.presentWithCookies(recipient):
		return smsapi.Other, nil
	case !args.presentWithCookies(sender) && resembles(f.raw) != smsapi.Send:
		return smsapi.Other, nil
	case len(bytes.TrimSpace(decoded)) == 0:
		return smsapi.Other, failedNoCommand
	default:
		return smsapi.Send, nil
	}
}

// maxCommand is the longest command that is looked at, in bytes: none has forty, and what
// somebody may see in a megabyte takes seconds to find.
const maxCommand = 4096

// isNumber reports whether s is digits, with a sign or blanks around.
func isNumber(s []byte) bool {
	s = bytes.Trim(s, " +-\t\r\n")
	return len(s) > 0 && len(bytes.Trim(s, "0123456789")) == 0
}

// harmless reports whether the command is one that is known to message nobody.
func (args *arguments) harmless() bool {
	decoded, _ := smsapi.AppendUnescaped(nil, args.of[command].raw, ' ')
	return isHarmless(strings.ToLower(string(decoded)))
}
