package phone

import (
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SenderReadings appends to dst every sender that a backend could read out of the
// sender field of a send, without duplicates: the forms of CanonicalSender, and
// for numbers what [Region.Readings] does for one phone. field is percent-decoded
// already, and the readings may share its memory.
func (r *Region) SenderReadings(dst []Sender, field string) ([]Sender, error) {
	if len(field) > MaxSender {
		return dst, ErrTooLong
	}
	q := senders{region: r, list: dst, from: len(dst)}
	if err := q.read(field); err != nil {
		return dst, err
	}
	return q.list, nil
}

// senders collects the readings of one field.
type senders struct {
	region *Region
	list   []Sender
	from   int // where this field's begin in list
}

// add adds a reading once.
func (q *senders) add(s Sender) {
	if !slices.Contains(q.list[q.from:], s) {
		q.list = append(q.list, s)
	}
}

func (q *senders) read(field string) error {
	switch plainKind(field) {
	case plainDigits:
		q.number(field)
		return nil
	case plainLetters:
		q.add(Sender(field))
		q.forms(field, field)
		return nil
	}
	if !utf8.ValidString(field) || mixed(field) {
		return ErrUnreadable
	}
	if low, ok := lowBytes(field); ok && low != field {
		q.readAlso(low)
	}
	if marked := strings.Map(markInASCII, field); marked != field {
		q.readAlso(marked)
	}
	s := visible(field)
	if s == "" {
		return ErrEmpty
	}
	id, err := foldID(s)
	if err != nil {
		return err
	}
	if !isASCII(field) {
		if uncleaned, err := foldID(without(field, unicode.Cf)); err == nil && uncleaned != id {
			q.addID(uncleaned) // as a stop has it
		}
	}
	var letters bool
	var all digits
	for _, c := range id {
		letters = letters || unicode.IsLetter(c)
		if c < utf8.RuneSelf {
			all.put(byte(c))
		}
	}
	if letters {
		return q.name(field, s, id, all)
	}
	return q.grouped(field, id, all)
}

// readAlso adds the readings of another form of the field. Who makes that of the field and
// cannot read it cannot send.
func (q *senders) readAlso(form string) {
	more, err := q.region.SenderReadings(nil, form)
	if err != nil {
		return
	}
	for _, s := range more {
		q.add(s)
	}
}

// name reads an alphanumeric ID: the name itself, what clean-up makes of it, and the
// numbers that may be found in it. s is the field without what is invisible, id that
// folded, and all its digits.
func (q *senders) name(field, s, id string, all digits) error {
	id = strings.TrimLeft(id, "+ ") // a plus may have been a blank
	if !isID(id) || numeral(id) || spacedNumeral(id) {
		return ErrUnreadable
	}
	q.add(Sender(id))
	q.forms(id, s)
	q.asciiForm(s)
	if len(field) > maxID && len(field) > len(s) { // with what nobody sees
		q.cutInBytes(field)
	}
	if cut := strings.IndexByte(id, '&'); cut > 0 { // where who decodes twice ends it
		q.readAlso(id[:cut])
		if text := html.UnescapeString(s); text != s { // H&ampM, as browsers read it
			q.readAlso(text)
			q.addID(strings.Map(foldCase, strings.Map(onlyASCII, keeping(text, ""))))
		}
	}
	q.leading(field, all.n)
	if all.n >= minHidden && all.n <= len(all.b) {
		q.number(all.string())
	}
	q.worded(id, all.n)
	q.runs(id, all.n, minHidden, minLookedFor)
	q.basename(id)
	q.uncommented(id)
	q.keypad(id)
	if cut := strings.IndexByte(id, '/'); cut > 0 { // where libphonenumber ends it before an x
		q.keypad(id[:cut])
	}
	return nil
}

// grouped reads a number whose digits, all of them in all, stand in groups.
func (q *senders) grouped(field, id string, all digits) error {
	if all.n == 0 || strings.Trim(id, "0123456789+ -./()'") != "" {
		return ErrUnreadable
	}
	if d := strings.TrimPrefix(id, "+"); allDigits(d) {
		q.number(d)
		q.leading(field, all.n)
		return nil
	}
	if numeral(id) || all.n <= maxShort+2 && spacedNumeral(id) {
		return ErrUnreadable
	}
	q.basename(id)
	_, possible := q.region.canonical(all.string())
	if !possible { // else it has an area code
		q.uncommented(id)
	}
	var buf [MaxSender]byte
	plain, err := fold(buf[:0], id)
	if err != nil || !wellFormed(plain) || amount(plain, 1) || !all.fits() {
		return ErrUnreadable
	}
	q.number(all.string())
	first, later := minHidden, minLookedFor
	if possible {
		first, later = minLookedFor, minListed // a phone, whose groups are nobody's code
	}
	q.runs(id, all.n, first, later)
	if cut, ok := withoutTrunk(field); ok {
		q.readAlso(cut)
	}
	least := minLeading
	if all.n <= maxShort+2 {
		least = minHidden // a short code: 1-2345.5 is 12345
	}
	for lead := (leads{text: id, all: all.n, least: least}); lead.next(); {
		q.number(lead.d.string())
	}
	q.leading(field, all.n)
	return nil
}

// uncommented reads an ID without its parts in parentheses, as in an address of mail.
func (q *senders) uncommented(id string) {
	if cut := strings.TrimSpace(cutComments(id)); cut != "" && len(cut) < len(id) {
		q.readAlso(cut)
	}
}
