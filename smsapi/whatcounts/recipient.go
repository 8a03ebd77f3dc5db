package whatcounts

import (
	"slices"
	"strings"
	"unicode"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// readPhones collects every number that a backend could read from the phone.
func (a *API) readPhones(args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	f := &args.of[recipient]
	if f.times == 1 {
		if f.plain {
			return a.addPhones(to, f.raw)
		}
		// A plus before nothing but digits makes no difference; see [phone.Region.Readings].
		if digits, ok := strings.CutPrefix(f.raw, "%2B"); ok && isDigits(digits) && len(digits) <= phone.MaxDigits {
			return a.addPhones(to, digits)
		}
	}
	var buf [64]byte
	field, refusal := args.strict(buf[:0], recipient)
	if refusal != nil {
		return refusal
	}
	if refusal := a.addPhones(to, string(field)); refusal != nil {
		return refusal
	}
	for _, form := range f.otherForms(string(field), ",") {
		more, err := a.region.Readings(to.Phones, form)
		if err != nil { // what the backend's own reader keeps
			more, err = a.region.Readings(to.Phones, digitsAlone(form))
		}
		if err == nil {
			to.Phones = more
		}
	}
	return nil
}

// otherForms are a value as those have it who join what is repeated, of which some see only what
// is in the query or in the body, who read a raw plus as it is, and who take characters for bytes.
func (f *argument) otherForms(field, between string) (forms []string) {
	for n := 2; n <= f.together(); n++ {
		once := field + between
		if len(once)*n > maxJoined {
			once = digitsAlone(field)
		}
		if len(once)*n <= phone.MaxField {
			forms = append(forms, strings.Repeat(once, n))
		}
	}
	if strings.IndexByte(f.raw, '+') >= 0 {
		literal, _ := smsapi.AppendUnescaped(nil, f.raw, '+')
		forms = append(forms, string(literal))
	}
	return append(forms, smsapi.InBytes(f.raw)...)
}

// maxJoined is how long a value that is joined with itself may be to be read as it stands, in
// bytes. Of a longer one only the digits are: fifteen readings of 32 kB would take seconds.
const maxJoined = 1024

// together is how many of a repeated value may be one number together: no number has more digits.
func (f *argument) together() int { return min(int(f.times), phone.MaxDigits) }

func (a *API) addPhones(to *smsapi.Recipient, field string) *smsapi.Refusal {
	if strings.TrimSpace(field) == "" {
		return failedNoPhone
	}
	phones, err := a.region.Readings(to.Phones, field)
	if err != nil || len(phones) == 0 {
		return failedPhone
	}
	to.Phones = phones
	return nil
}

// named is the pair that a subscribe names, if its readings are other forms of one phone,
// and of one name.
func (a *API) named(args *arguments, to *smsapi.Recipient) (named smsapi.Named) {
	switch {
	case len(to.Phones) == 1:
		named.Phone = to.Phones[0]
	case len(to.Phones) == 2 && phone.SameSubscriber(to.Phones[0], to.Phones[1]):
		meant, err := a.region.Canonical(args.of[recipient].raw)
		if err != nil || !slices.Contains(to.Phones, meant) {
			return smsapi.Named{}
		}
		named.Phone = meant
	default:
		return smsapi.Named{}
	}
	if len(to.Senders) == 1 {
		named.Sender = to.Senders[0]
		return named
	}
	for _, s := range to.Senders {
		if !strings.ContainsFunc(string(s), unicode.IsLetter) {
			return smsapi.Named{} // a number as well
		}
	}
	code, refusal := args.strict(nil, sender)
	if refusal != nil {
		return smsapi.Named{}
	}
	meant, err := a.region.CanonicalSender(string(code))
	if err != nil || !slices.Contains(to.Senders, meant) {
		return smsapi.Named{}
	}
	named.Sender = meant
	return named
}

// readSenders collects every sender that a backend could read. None is none:
// such a send counts for every sender of the realm.
func (a *API) readSenders(args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	f := &args.of[sender]
	if f.plain && f.times <= 1 {
		return a.addSenders(to, f.raw)
	}
	var buf [64]byte
	field, refusal := args.strict(buf[:0], sender)
	if refusal != nil {
		return refusal
	}
	if refusal := a.addSenders(to, string(field)); refusal != nil || len(to.Senders) == 0 {
		return refusal
	}
	if f.list || strings.ContainsAny(f.raw, "\r\n") {
		// A list is no sender to programs that ask for a text (TypeScript's typeof), and
		// Mojolicious drops a pair with raw line ends.
		to.Senders = to.Senders[:0]
		return nil
	}
	for _, form := range f.otherForms(string(field), "") {
		more, err := a.region.SenderReadings(to.Senders, form)
		if err != nil {
			more, err = a.region.SenderReadings(to.Senders, digitsAlone(form))
		}
		if err == nil {
			to.Senders = more
		}
	}
	return nil
}

func (a *API) addSenders(to *smsapi.Recipient, field string) (refusal *smsapi.Refusal) {
	to.Senders, refusal = a.senderReadings(to.Senders, field)
	return refusal
}

// senderReadings appends every sender that a field could be to dst, and leaves nothing of
// it where that could be any or none.
func (a *API) senderReadings(dst []phone.Sender, field string) ([]phone.Sender, *smsapi.Refusal) {
	// Who decodes twice ends it at an ampersand.
	if head, _, _ := strings.Cut(field, "&"); meansNone(head) {
		return dst[:0], nil
	}
	senders, err := a.region.SenderReadings(dst, field)
	if err != nil {
		return dst, failedSender
	}
	if phone.MayBeAnyName(field) {
		return dst[:0], nil
	}
	if slices.Contains(senders[len(dst):], "0") { // a zero of another script, which Python's int reads
		return dst[:0], nil
	}
	return senders, nil
}

// meansNone reports whether a backend could take what is given as a sender for
// none: blanks, a zero (empty to PHP), or how languages spell nothing.
func meansNone(field string) bool {
	if field != "" && field[0] >= '1' && field[0] <= '9' {
		return false
	}
	field = strings.TrimSpace(field)
	for _, none := range [...]string{"null", "undefined", "none", "nil", "false", "nan", "n/a", "(null)"} {
		if strings.EqualFold(field, none) {
			return true
		}
	}
	return strings.Trim(field, "0+-. ") == "" && (field == "" || strings.IndexByte(field, '0') >= 0)
}
