package phone

import (
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
	if err != nil || !isID(id) || numeral(id) || mixed(s) {
		return "", ErrNotSender
	}
	return Sender(id), nil
}

// SenderReadings appends to dst every sender that a backend could read out of the
// sender field of a send, without duplicates: the forms of CanonicalSender, and
// for numbers what [Region.Readings] does for one phone. field is percent-decoded
// already, and the readings may share its memory.
func (r *Region) SenderReadings(dst []Sender, field string) ([]Sender, error) {
	if len(field) > MaxSender {
		return dst, ErrTooLong
	}
	start := len(dst)
	switch plainKind(field) {
	case plainDigits:
		return r.numberSenders(dst, start, field), nil
	case plainLetters:
		return sanitized(append(dst, Sender(field)), start, field, field), nil
	}
	if !utf8.ValidString(field) || mixed(field) {
		return dst, ErrUnreadable
	}
	s := visible(field)
	if s == "" {
		return dst, ErrEmpty
	}
	id, err := foldID(s)
	if err != nil {
		return dst, err
	}
	var letters bool
	var number digits
	for _, c := range id {
		letters = letters || unicode.IsLetter(c)
		if c < utf8.RuneSelf {
			number.put(byte(c))
		}
	}
	if letters {
		id = strings.TrimLeft(id, "+ ") // a plus may have been a blank
		if !isID(id) || numeral(id) || numeral(tight(id)) {
			return dst, ErrUnreadable
		}
		dst = sanitized(append(dst, Sender(id)), start, id, s)
		dst = asciiOnly(dst, start, s)
		if cut := strings.IndexByte(id, '&'); cut > 0 { // where who decodes twice ends it
			dst = r.moreReadings(dst, start, id[:cut])
			if text := html.UnescapeString(s); text != s { // H&ampM, as browsers read it
				dst = r.moreReadings(dst, start, text)
			}
		}
		dst = r.leadingSender(dst, start, field, number.n)
		if number.n >= minHidden && number.n <= len(number.b) {
			dst = r.numberSenders(dst, start, strings.Clone(number.string()))
		}
		dst = r.wordedSenders(dst, start, id, number.n)
		dst = r.runSenders(dst, start, id, number.n)
		if last := id[strings.LastIndexByte(id, '/')+1:]; len(last) < len(id) && last != "" { // PHP's basename
			dst = r.moreReadings(dst, start, last)
		}
		if d := keypad(id); d != "" {
			dst = r.numberSenders(dst, start, d)
		}
		if cut := strings.IndexAny(id, `/\`); cut > 0 { // where libphonenumber ends it before an x
			if d := keypad(id[:cut]); d != "" {
				dst = r.numberSenders(dst, start, d)
			}
		}
		return dst, nil
	}
	if number.n == 0 || strings.Trim(id, "0123456789+ -./()'") != "" {
		return dst, ErrUnreadable
	}
	if d := strings.TrimPrefix(id, "+"); allDigits(d) {
		return r.leadingSender(r.numberSenders(dst, start, d), start, field, number.n), nil
	}
	if numeral(id) || number.n <= maxShort+2 && numeral(tight(id)) {
		return dst, ErrUnreadable
	}
	if last := id[strings.LastIndexByte(id, '/')+1:]; len(last) < len(id) && last != "" {
		dst = r.moreReadings(dst, start, last)
	}
	var buf [MaxSender]byte
	plain, err := fold(buf[:0], id)
	if err != nil || !wellFormed(plain) || amount(plain, 1) || !number.fits() {
		return dst, ErrUnreadable
	}
	dst = r.numberSenders(dst, start, strings.Clone(number.string()))
	if cut, ok := withoutTrunk(field); ok {
		dst = r.moreReadings(dst, start, cut)
	}
	// As for phones, see leadingNumbers: 1-2345.5 is 12345.
	var d digits
	for i, c := range id {
		if c >= '0' && c <= '9' {
			d.put(byte(c))
		} else if enough := d.n >= minLeading || number.n <= maxShort+2 && d.n >= minHidden; enough && d.n < number.n && strings.IndexRune(id, c) == i {
			dst = r.numberSenders(dst, start, d.string())
		}
	}
	return r.leadingSender(dst, start, field, number.n), nil
}

// moreReadings appends the readings of another form of a field, each once since
// dst[start:]. Who makes that of the field and cannot read it cannot send.
func (r *Region) moreReadings(dst []Sender, start int, form string) []Sender {
	more, err := r.SenderReadings(nil, form)
	if err != nil {
		return dst
	}
	for _, s := range more {
		dst = addSender(dst, start, s)
	}
	return dst
}

// leadingSender appends what a parser that stops at the first other character
// reads out of a field of all digits.
func (r *Region) leadingSender(dst []Sender, start int, field string, all int) []Sender {
	if d := leadingRun(field); len(d) >= minHidden && len(d) < all {
		dst = r.numberSenders(dst, start, d)
	}
	return dst
}

// phoneMarks is the punctuation of an ID that groups the digits of a phone. The last
// is a letter to Unicode, and a dash to libphonenumber's VALID_PUNCTUATION.
const phoneMarks = "+ -./()\u30FC"

// wordedSenders appends the numbers that stand between the words of a folded ID with
// all digits: 206-555-0000x5, "tel 206-555-0000". libphonenumber cuts off an extension
// before it reads a number, whose word is one of many languages (EXTN_PATTERNS: x, #,
// ext, int, anexo, доб), and others split at anything that is no phone's. So no word is
// looked for here: each run of digits between others is a reading if it is long enough,
// and so are all digits before the first word and before the last that has digits
// behind it, for x is also punctuation that groups a number.
func (r *Region) wordedSenders(dst []Sender, start int, id string, all int) []Sender {
	if all == 0 {
		return dst // a name, as most are
	}
	first, last := -1, 0 // the first word, and the last one before digits
	word, from := 0, 0   // the word before the run of digits, and that run
	inWord := false
	for i, c := range id {
		digit := c >= '0' && c <= '9'
		switch {
		case digit || strings.ContainsRune(phoneMarks, c):
			if inWord {
				inWord, from = false, i
			}
			if digit {
				last = word
			}
		case !inWord:
			dst = r.partSenders(dst, start, id[from:i], all)
			inWord, word = true, i
			if first < 0 {
				first = i
			}
		}
	}
	if !inWord {
		dst = r.partSenders(dst, start, id[from:], all)
	}
	dst = r.partSenders(dst, start, id[:max(first, 0)], all)
	dst = r.partSenders(dst, start, id[:last], all)
	if cut, ok := strings.CutSuffix(id, "#"); ok { // "tel 206-555-0000 5#", as Americans write it
		dst = r.partSenders(dst, start, strings.TrimRight(cut, "0123456789"), all)
	}
	if d := keypad(id[:last]); len(d) >= minListed { // 1800flowers x5
		dst = r.numberSenders(dst, start, d)
	}
	return dst
}

// runSenders appends what is read by those who look for a number in an ID: the first run of
// digits in a12345b6 (Joomla's getInt, re.search), and each that is long enough for a phone.
func (r *Region) runSenders(dst []Sender, start int, id string, all int) []Sender {
	enough := minHidden
	for at := strings.IndexAny(id, digitChars); at >= 0; at = strings.IndexAny(id, digitChars) {
		d := run(id[at:])
		id = id[at+len(d):]
		if len(d) >= enough && len(d) < all && len(d) <= maxPrefixed {
			dst = r.numberSenders(dst, start, d)
		}
		enough = minListed
	}
	return dst
}

const digitChars = "0123456789"

// partSenders appends the readings of the digits in a part of a sender, if they are
// enough for a number and not all digits of it.
func (r *Region) partSenders(dst []Sender, start int, part string, all int) []Sender {
	if len(part) < minListed {
		return dst
	}
	cut, trunk := withoutTrunk(part)
	for _, text := range [...]string{part, cut} {
		d := digits{}
		if d.addString(text); d.n >= minListed && d.n < all && d.n <= len(d.b) {
			dst = r.numberSenders(dst, start, d.string())
		}
		if !trunk {
			break
		}
	}
	return dst
}

// numericSender is the canonical form of a sender of digits.
func (r *Region) numericSender(d string) Sender {
	code := trimZeros(d)
	if len(code) <= maxShort {
		return Sender(code)
	}
	for _, d := range [...]string{d, code} {
		if len(d) > maxPrefixed {
			continue
		}
		if n, ok := r.canonical(d); ok && n.n > maxShort {
			return within(d, n)
		}
	}
	return Sender(code)
}

// numberSenders appends the readings of a sender of digits, each once since
// dst[start:].
func (r *Region) numberSenders(dst []Sender, start int, d string) []Sender {
	// A short code in the lower half of a number of 64 bits: x | 0 of JavaScript, Go's int32(x).
	if n, err := strconv.ParseUint(d, 10, 64); err == nil && n > math.MaxUint32 && n&math.MaxUint32 < maxShortCode {
		dst = addSender(dst, start, Sender(strconv.FormatUint(n&math.MaxUint32, 10)))
	}
	var room [8]Number
	if len(d) > maxShort+len(r.plan.code) {
		if numbers, ok := r.short(room[:0], 0, d); ok {
			for _, n := range withRenumbered(numbers, 0) {
				dst = r.addNumber(dst, start, d, n)
			}
			return dst
		}
	}
	return r.longSenders(dst, start, d)
}

// longSenders is numberSenders for all digits.
func (r *Region) longSenders(dst []Sender, start int, d string) []Sender {
	dst = addSender(dst, start, Sender(trimZeros(d)))
	dst = addSender(dst, start, r.numericSender(d))
	for v := d; v != ""; v = v[1:] {
		if rest, ok := strings.CutPrefix(v, "011"); ok && rest != "" {
			dst = addSender(dst, start, Sender(trimZeros(rest)))
			dst = addSender(dst, start, r.numericSender(rest))
		}
		if v[0] != '0' {
			break
		}
	}
	if value := octal(d); value != "" {
		dst = addSender(dst, start, Sender(value))
		dst = addSender(dst, start, r.numericSender(value))
	}
	// A short code behind the country code, for those who cut that off all senders.
	if code, ok := strings.CutPrefix(trimZeros(d), r.plan.code); ok && len(code) >= maxShort-1 && len(code) <= maxShort {
		dst = addSender(dst, start, Sender(trimZeros(code)))
	}
	if len(d) > maxPrefixed {
		return dst
	}
	var room [8]Number
	for _, n := range withRenumbered(r.long(room[:0], 0, d), 0) {
		dst = r.addNumber(dst, start, d, n)
	}
	return dst
}

// addNumber appends a number that was read from d, and the short code that it may
// be without its country code.
func (r *Region) addNumber(dst []Sender, start int, d string, n Number) []Sender {
	full := within(d, n)
	dst = addSender(dst, start, full)
	national, ok := strings.CutPrefix(string(full), r.plan.code)
	if ok && r.plan.possible(len(national)) && len(national) <= maxShort {
		dst = addSender(dst, start, Sender(trimZeros(national)))
	}
	return dst
}

func addSender(dst []Sender, start int, s Sender) []Sender {
	if slices.Contains(dst[start:], s) {
		return dst
	}
	return append(dst, s)
}

// within is the number as a sender, sharing memory with the digits that it was
// read from where it is a part of them.
func within(d string, n Number) Sender {
	if at := len(d) - int(n.n); at >= 0 && d[at:] == string(n.digits[:n.n]) {
		return Sender(d[at:])
	}
	return Sender(n.Digits())
}

// trimZeros removes leading zeros, but not the last digit.
func trimZeros(d string) string {
	for len(d) > 1 && d[0] == '0' {
		d = d[1:]
	}
	return d
}
