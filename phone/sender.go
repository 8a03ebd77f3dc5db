package phone

import "strings"

// Sender is a sender code in canonical form: digits as E.164 where they are a
// phone, short codes without leading zeros, alphanumeric IDs in lower case.
type Sender string

// AnySender is the sender of an opt-out that covers every sender of its realm.
const AnySender Sender = "*"

const (
	// MaxSender is the longest sender code that is read, in bytes.
	MaxSender = 64
	// maxShort is the longest code that is never taken for a phone. Short codes
	// have three to six digits in nearly all countries; the longer ones are told
	// from phones by their length.
	maxShort = 6
	// maxShortCode is above all of these.
	maxShortCode = 1_000_000
	// minHidden is the fewest digits of an alphanumeric sender that are a reading
	// of their own, for backends that keep digits only.
	minHidden = 3
)

// CanonicalSender reads the sender of a stop, strictly: nothing is trimmed. It is
// one of
//
//   - digits, with or without a plus, that are a phone as in [Region.Canonical];
//   - other digits: a short code. Leading zeros do not count, as they do not for
//     a backend that keeps numbers;
//   - an alphanumeric ID: at least one letter, with digits, blanks and some of
//     the punctuation of GSM 03.38 between. Letter case and Unicode's
//     compatibility forms (full-width letters) do not count; look-alikes of
//     other scripts remain other senders.
func (r *Region) CanonicalSender(s string) (Sender, error) {
	switch {
	case s == "":
		return "", ErrEmpty
	case len(s) > MaxSender:
		return "", ErrTooLong
	}
	if d := strings.TrimPrefix(s, "+"); allDigits(d) {
		return r.numericSender(d), nil
	}
	id, err := foldID(s)
	if err != nil || !isName(id) || mixed(s) {
		return "", ErrNotSender
	}
	// So must be what is left of it without letters that nobody sees.
	if shown := visible(id); shown != id && !isName(shown) {
		return "", ErrNotSender
	}
	return Sender(id), nil
}

// isName reports whether a folded text is an alphanumeric ID and no number.
func isName(id string) bool { return isID(id) && !numeral(id) && !spacedNumeral(id) }
