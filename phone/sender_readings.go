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
	var q senders // a literal would be built and then copied
	q.region, q.field, q.list, q.from = r, field, dst, len(dst)
	if err := q.read(); err != nil {
		return dst, err
	}
	return q.list, nil
}

// senders collects the readings of one field.
type senders struct {
	region *Region
	field  string // as it was given
	shown  string // field without what is invisible
	id     string // shown, folded
	all    digits // all digits of id
	list   []Sender
	from   int // where this field's begin in list
}

// add adds a reading once.
func (q *senders) add(s Sender) {
	if !slices.Contains(q.list[q.from:], s) {
		q.list = append(q.list, s)
	}
}

func (q *senders) read() error {
	field := q.field
	switch plainKind(field) {
	case plainDigits:
		q.number(field)
		return nil
	case plainLetters:
		q.shown, q.id = field, field
		q.add(Sender(field))
		q.forms()
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
	if q.shown = visible(field); q.shown == "" {
		return ErrEmpty
	}
	var err error
	if q.id, err = foldID(q.shown); err != nil {
		return err
	}
	if !isASCII(field) {
		if uncleaned, err := foldID(without(field, unicode.Cf)); err == nil && uncleaned != q.id {
			q.addID(uncleaned) // as a stop has it
		}
	}
	q.all.addString(q.id)
	if strings.ContainsFunc(q.id, unicode.IsLetter) {
		return q.name()
	}
	return q.grouped()
}

// readAlso adds the readings of another form of the field. A program that makes that of the
// field and cannot read it cannot send.
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
// numbers that may be found in it.
func (q *senders) name() error {
	q.id = strings.TrimLeft(q.id, "+ ") // a plus may have been a blank
	id := q.id
	if !isName(id) {
		return ErrUnreadable
	}
	q.add(Sender(id))
	q.forms()
	q.asciiForm()
	if len(q.field) > maxID && len(q.field) > len(q.shown) { // with what nobody sees
		q.cutInBytes(q.field)
	}
	if cut := strings.IndexByte(id, '&'); cut > 0 { // where a second decoding ends it
		q.readAlso(id[:cut])
		if text := html.UnescapeString(q.shown); text != q.shown { // H&ampM, as browsers read it
			q.readAlso(text)
			q.addID(strings.Map(foldCase, strings.Map(onlyASCII, keeping(text, ""))))
		}
	}
	q.leading()
	if q.all.n >= minHidden && q.all.n <= len(q.all.b) {
		q.number(q.all.string())
	}
	q.digitsOfFirstWord()
	q.worded()
	q.runs(minHidden, minLookedFor)
	q.basename()
	q.uncommented()
	q.keypad(id)
	if cut := strings.IndexByte(id, '/'); cut > 0 { // where libphonenumber ends it before an x
		q.keypad(id[:cut])
	}
	return nil
}

// grouped reads a number whose digits stand in groups.
func (q *senders) grouped() error {
	id, all := q.id, &q.all
	if all.n == 0 || strings.Trim(id, digitChars+"+ -./()'") != "" {
		return ErrUnreadable
	}
	if id[0] == '-' {
		q.lowHalf(-lowHalf(all.string()), all.n)
	}
	if d := strings.TrimPrefix(id, "+"); allDigits(d) {
		q.number(d)
		q.leading()
		return nil
	}
	if numeral(id) || all.n <= maxShort+2 && spacedNumeral(id) {
		return ErrUnreadable
	}
	q.basename()
	_, possible := q.region.canonical(all.string())
	if !possible { // else it has an area code
		q.uncommented()
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
	q.runs(first, later)
	if cut, ok := withoutTrunk(q.field); ok {
		q.readAlso(cut)
	}
	least := minLeading
	if all.n <= maxShort+2 {
		least = minHidden // a short code: 1-2345.5 is 12345
	}
	for lead := (leads{text: id, all: all.n, least: least}); lead.next(); {
		q.number(lead.d.string())
	}
	q.leading()
	return nil
}

// uncommented reads the ID without its parts in parentheses, as in an address of mail.
func (q *senders) uncommented() {
	if cut := strings.TrimSpace(cutComments(q.id)); cut != "" && len(cut) < len(q.id) {
		q.readAlso(cut)
	}
}
