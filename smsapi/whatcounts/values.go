package whatcounts

import (
	"bytes"
	"errors"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// isPlainValue reports whether a value needs no decoding and holds nothing that
// any reader takes for more than itself.
func isPlainValue(value string) bool {
	for i := range len(value) {
		if !plainValueByte[value[i]] {
			return false
		}
	}
	return true
}

var plainValueByte = func() (t [256]bool) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	for i := range len(plain) {
		t[plain[i]] = true
	}
	return t
}()

// isDigits reports whether s is digits of ASCII alone, and not empty.
func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// sameDecoded reports whether two values are the same once decoded.
func sameDecoded(a, b string) bool {
	var bufA, bufB [64]byte
	decodedA, _ := smsapi.AppendUnescaped(bufA[:0], a, ' ')
	decodedB, _ := smsapi.AppendUnescaped(bufB[:0], b, ' ')
	return bytes.Equal(decodedA, decodedB)
}

// isDoubtful reports whether a raw value ends early to somebody, or cannot be decoded: of two
// spellings of one value, only one may then be what it seems.
func isDoubtful(raw string) bool {
	var buf [64]byte
	_, met := smsapi.AppendUnescaped(buf[:0], raw, ' ')
	return met&smsapi.EscapesBroken != 0 || strings.ContainsAny(raw, "=#") || smsapi.HalfEscaped(raw)
}

// isLoose reports whether a raw value is read in two ways that both count, see otherForms.
func isLoose(raw string) bool { return strings.IndexByte(raw, '+') >= 0 || !smsapi.IsASCII(raw) }

// strict appends the decoded value of r, or says why readers could differ about
// where it ends or what it is.
func (args *arguments) strict(dst []byte, r role) ([]byte, *smsapi.Refusal) {
	f := &args.of[r]
	if f.plain {
		return append(dst, f.raw...), nil
	}
	if strings.ContainsAny(f.raw, "=#") {
		return nil, refusedBytes[r]
	}
	decoded, met := smsapi.AppendUnescaped(dst, f.raw, ' ')
	switch {
	case met&smsapi.EscapesBroken != 0, smsapi.HalfEscaped(f.raw):
		return nil, refusedEscape[r]
	case met&smsapi.EscapesTwice != 0:
		return nil, refusedTwice[r]
	case bytes.ContainsAny(decoded, forbidden[r]):
		return nil, refusedBytes[r]
	}
	return decoded, nil
}

// forbidden are the characters that no decoded value of a role may hold: those
// that end a value for somebody who decodes twice or keeps C strings. A phone's
// other characters are for its own reader to judge, lists and ";ext=5" included.
var forbidden = [roles]string{
	realm:     "\x00&=;#?",
	recipient: "\x00&",
	sender:    "\x00=;#?", // an ampersand is a part of names; see phone.Region.SenderReadings
}

// realm is the realm in canonical form.
func (args *arguments) realm() (string, *smsapi.Refusal) {
	f := &args.of[realm]
	name := f.raw
	if !f.plain {
		var buf [64]byte
		decoded, refusal := args.strict(buf[:0], realm)
		if refusal != nil {
			return "", refusal
		}
		name = string(decoded)
	}
	canonical, err := smsapi.CanonicalRealm(name)
	switch {
	case err == nil:
		return canonical, nil
	case errors.Is(err, smsapi.ErrRealmEmpty):
		return "", failedNoRealm
	default:
		return "", refusedRealm
	}
}

// password is the password, decoded. A stray "%" in it stays what it is: a
// password that readers disagree about opens nothing.
func (args *arguments) password() string {
	f := &args.of[password]
	if f.plain {
		return f.raw
	}
	var buf [64]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], f.raw, ' ')
	return string(decoded)
}

// mayBeAnother reports whether somebody reads another name than the canonical one in a
// realm as it is written: Falcon splits at commas that are not encoded, OData puts quotes
// around names, and PHP's strip_tags, FILTER_SANITIZE_STRING and WordPress take tags out, MODX what is in double brackets.
// Braces are in nobody's name, and cost much in a regular expression.
func mayBeAnother(raw, canonical string) bool {
	return strings.IndexByte(raw, ',') >= 0 || strings.HasPrefix(canonical, "'") || strings.ContainsAny(canonical, `<>"{}`) || strings.Contains(canonical, "[[")
}
