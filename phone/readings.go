package phone

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

const (
	// MaxField is the longest phone field of a send that is read, in bytes.
	MaxField = 32 << 10
	// MaxList is the most numbers that one field may list.
	MaxList = 1000
	// minListed is the fewest digits that a part between blanks has when it is taken
	// for a number of its own although the parts also make one number together.
	// No E.164 subscriber of a mobile network has fewer, and the groups of a
	// number that is written in groups do.
	minListed = 7
	// maxExtended is the most digits of a number and an extension behind it.
	maxExtended = 18
	// maxEffort is the most readings that one field may ask for, each counted with
	// its leading zeros, which multiply what digits can mean. A list of MaxList
	// numbers behind 00 asks for three fifths of it.
	maxEffort = 5 * MaxList
)

// Readings appends to dst every number that a backend could read out of the
// phone field of a send, without duplicates. field is percent-decoded already.
//
// A field that is one number gives: its digits as an international number, as a
// national one, the same without leading zeros and international prefixes, and
// the canonical form of each way in which a stop could have named any of these.
// The rule behind it: if a stop's digits and a send's field mean one phone to
// anybody, the stop's canonical form is among the send's readings. A plus does
// not make digits international, for a backend that strips it does not know.
//
// A list gives the readings of each element, and of all its digits together if
// they are few enough for one number. Comma, semicolon and bar separate; blanks
// and slashes may separate or group. In "+1 206 555 1212" they group, and its
// parts of fewer than seven digits are no readings; "13105550000 12065551212"
// has too many digits for that, and there each run of parts that could be a
// number is one.
//
// Digits that are no possible number are a reading all the same; it is on no
// list. ErrUnreadable is for what cannot be taken for phones without doubt.
func (r *Region) Readings(dst []Number, field string) ([]Number, error) {
	if d := strings.TrimPrefix(field, "+"); len(d) <= MaxDigits && allDigits(d) {
		return r.digitReadings(dst, len(dst), d), nil
	}
	if len(field) > MaxField {
		return dst, ErrTooLong
	}
	start := len(dst)
	dst, err := r.textReadings(dst, field)
	if err != nil {
		return dst, err
	}
	// What programs make of a field before they read it. Without its (0) or its snippets a field
	// is a phone or in doubt. Its low bytes, or what is left without parentheses, make no sense in
	// many fields that people write, such as one with a dash of Unicode's, and are then passed over.
	for _, form := range [...]struct {
		of   func(field string) (form string, ok bool)
		must bool // be readable, if it has digits
	}{
		{withoutTrunk, true},
		{r.withoutComments, false},
		{withoutSnippets, true},
		{lowBytes, false},
	} {
		text, ok := form.of(field)
		if !ok || !strings.ContainsFunc(text, unicode.IsDigit) {
			continue
		}
		more, err := r.textReadings(dst, text)
		if err == nil {
			dst = more
		} else if form.must {
			return dst[:start], err
		}
	}
	elements, whole := 0, 0 // of which so many may be numbers
	for element := range strings.FieldsFuncSeq(field, isListMark) {
		dst = r.leadingNumbers(dst, element)
		elements++
		var d digits
		if d.addString(element); d.n >= minListed {
			whole++
		}
	}
	if elements > 1 && whole < 2 && countDigits(field) <= maxExtended { // whose commas group: 12065551,212.0
		dst = r.leadingNumbers(dst, withoutListMarks(field))
	}
	return dst[:start+len(unique(dst[start:]))], nil
}

func withoutListMarks(field string) string {
	return strings.Map(func(c rune) rune {
		if isListMark(c) {
			return -1
		}
		return c
	}, field)
}

// isListMark reports whether c separates numbers, once it is folded.
func isListMark(c rune) bool {
	b, _ := foldRune(c)
	return b == ',' || b == ';' || b == '|'
}

// leadingNumbers appends the numbers before marks of a field, see [leads]. Where all digits
// are no number anywhere, those before any mark are one: the rest is an extension,
// 206-555-1212-1234.
func (r *Region) leadingNumbers(dst []Number, field string) []Number {
	var all digits
	all.addString(field)
	extended := false
	if all.n <= maxExtended {
		_, possible := r.canonical(all.string())
		extended = !possible || strings.HasSuffix(strings.TrimSpace(field), "#") // as Americans write it
	}
	for lead := (leads{text: field, all: all.n, least: minLeading, every: extended}); lead.next(); {
		dst = r.digitReadings(dst, len(dst), lead.d.string())
	}
	return dst
}

// withoutTrunk is a field without the zeros in parentheses that stand for the trunk
// prefix, which many cut out, and whether there are any.
func withoutTrunk(field string) (string, bool) {
	if strings.IndexByte(field, '0') < 0 && !strings.Contains(field, "\uFF10") {
		return field, false
	}
	plain := field
	if strings.ContainsAny(field, "[\uFF08") {
		plain = parentheses.Replace(field)
	}
	cut := strings.ReplaceAll(strings.ReplaceAll(plain, "(0)", ""), "(\uFF10)", "")
	return cut, cut != plain
}

var parentheses = strings.NewReplacer("[", "(", "]", ")", "\uFF08", "(", "\uFF09", ")")

// textReadings reads a field as it stands.
func (r *Region) textReadings(dst []Number, text string) ([]Number, error) {
	var buf [128]byte
	plain, err := fold(buf[:0], text)
	if err != nil {
		return dst, err
	}
	if mixed(text) || amount(plain, 2) {
		return dst, ErrUnreadable
	}
	return r.fieldReadings(dst, plain, text)
}

// fieldReadings reads a field that is folded to plain.
func (r *Region) fieldReadings(dst []Number, plain []byte, text string) ([]Number, error) {
	if len(bytes.Trim(plain, " ")) == 0 {
		return dst, ErrEmpty
	}
	start := len(dst)
	f := field{}
	f.whole.add(plain)
	if f.whole.n == 0 {
		return dst, ErrUnreadable
	}
	if f.whole.fits() {
		dst = r.read(dst, &f, &f.whole)
	} else if bytes.ContainsAny(plain, ",;|") {
		dst = r.lastTails(dst, start, plain)
	}
	elements := 0
	if bytes.Count(plain, []byte("+")) > MaxList {
		return dst[:start], ErrTooLong
	}
	for rest := plain; rest != nil; {
		var element []byte
		element, rest = cutElement(rest)
		if len(bytes.Trim(element, " -")) == 0 {
			continue
		}
		if elements++; elements > MaxList {
			return dst[:start], ErrTooLong
		}
		var err error
		if dst, err = r.elementReadings(dst, element, &f); err != nil {
			return dst[:start], err
		}
		if f.effort > maxEffort {
			return dst[:start], ErrTooLong
		}
	}
	var err error
	if dst, err = r.nestedReadings(dst, text, f.whole.n); err == nil {
		dst, err = r.brokenReadings(dst, text, f.whole.n)
	}
	if err != nil {
		return dst[:start], err
	}
	return dst[:start+len(unique(dst[start:]))], nil
}

// field is what is known of a field while its elements are read.
type field struct {
	whole  digits // all its digits
	effort int    // see maxEffort
}

// read appends the readings of d, unless the field has asked for too many.
func (r *Region) read(dst []Number, f *field, d *digits) []Number {
	if f.effort += 1 + d.zeros; f.effort > maxEffort {
		return dst
	}
	return r.digitReadings(dst, len(dst), d.string())
}

// cutElement cuts a list at its first separator. An extension in the form of
// RFC 3966 stays with its number.
func cutElement(list []byte) (element, rest []byte) {
	for from := 0; ; {
		i := bytes.IndexAny(list[from:], ",;|")
		if i < 0 {
			return list, nil
		}
		i += from
		if list[i] != ';' || !bytes.HasPrefix(list[i+1:], []byte("ext=")) {
			return list[:i], list[i+1:]
		}
		from = i + 1
	}
}

// elementReadings reads one element of a list.
func (r *Region) elementReadings(dst []Number, element []byte, f *field) ([]Number, error) {
	number, extension, ok := cutExtension(cutScheme(element))
	if !ok || !wellFormed(number) {
		return dst, ErrUnreadable
	}
	if len(extension) > 0 { // a backend may keep nothing but digits, of all or of what stands last
		for _, with := range [...][]byte{number, number[bytes.LastIndexByte(bytes.TrimRight(number, " -"), ' ')+1:]} {
			all := digits{}
			all.add(with)
			all.add(extension)
			if all.fits() {
				dst = r.read(dst, f, &all)
			}
		}
	}
	dst = r.digitRuns(dst, number, f)
	joined := digits{}
	joined.add(number)
	if joined.fits() && joined.n > 0 && !(f.whole.fits() && joined.n == f.whole.n) {
		dst = r.read(dst, f, &joined)
	}
	if !joined.fits() {
		dst = r.lastTails(dst, len(dst), number)
	}
	// A plus begins a number, so what follows the next one is another.
	for len(number) > 0 {
		end := len(number)
		if first := bytes.IndexAny(number, "+"+digitChars); first >= 0 {
			if i := bytes.IndexByte(number[first+1:], '+'); i >= 0 {
				end = first + 1 + i
			}
		}
		var err error
		if dst, err = r.groupReadings(dst, number[:end], &joined, f); err != nil {
			return dst, err
		}
		number = number[end:]
	}
	return dst, nil
}

// digitRuns reads each run of digits that something else ends, for programs that split at
// all that is no digit, or see the first run alone, like atoi: 12065551212-(310)555-0000.
func (r *Region) digitRuns(dst []Number, text []byte, f *field) []Number {
	total := countDigits(text)
	for d, rest := nextDigits(text); len(d) > 0; d, rest = nextDigits(rest) {
		dst = r.partReadings(dst, d, total, f)
	}
	return dst
}

// groupReadings reads groups of digits with at most one plus, at their front:
// one number, or several in a row. Joined they have been read already, if they
// fit.
func (r *Region) groupReadings(dst []Number, group []byte, joined *digits, f *field) ([]Number, error) {
	one := digits{}
	one.add(group)
	switch {
	case one.n == 0:
		return dst, nil
	case !one.fits():
		return r.runReadings(dst, group, f)
	case joined.fits() && one.n == joined.n:
	default:
		dst = r.read(dst, f, &one)
	}
	for more := true; more; {
		var part []byte
		part, group, more = bytes.Cut(group, []byte(" "))
		if !allDigits(part) { // else digitRuns has read it
			dst = r.partReadings(dst, part, one.n, f)
		}
	}
	return dst, nil
}

// partReadings reads a part of a number of total digits, if it is long enough.
func (r *Region) partReadings(dst []Number, part []byte, total int, f *field) []Number {
	if len(part) < minListed {
		return dst
	}
	d := digits{}
	if d.add(part); d.n < minListed || d.n == total {
		return dst
	}
	return r.read(dst, f, &d)
}

// runReadings reads groups with too many digits for one number: each run of them
// that can be a number is one.
func (r *Region) runReadings(dst []Number, group []byte, f *field) ([]Number, error) {
	var parts []digits
	for more := true; more; {
		var part []byte
		part, group, more = bytes.Cut(group, []byte(" "))
		d := digits{}
		if d.add(part); d.n == 0 {
			continue
		}
		if !d.fits() {
			return dst, ErrUnreadable
		}
		parts = append(parts, d)
	}
	if len(parts) > MaxList {
		return dst, ErrTooLong
	}
	found := false
	for i := range parts {
		run := digits{}
		for j := i; j < len(parts); j++ {
			if run.addString(parts[j].string()); !run.fits() {
				break
			}
			if run.n >= minListed {
				dst = r.read(dst, f, &run)
				found = true
			}
		}
	}
	if !found {
		return dst, ErrUnreadable
	}
	return dst, nil
}

// unique sorts numbers and drops duplicates, in place.
func unique(numbers []Number) []Number {
	if len(numbers) < 2 {
		return numbers
	}
	slices.SortFunc(numbers, func(a, b Number) int { return bytes.Compare(a.digits[:a.n], b.digits[:b.n]) })
	return slices.Compact(numbers)
}
