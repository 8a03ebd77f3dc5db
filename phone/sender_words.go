package phone

import (
	"strings"
	"unicode"
)

// leading adds what a parser that stops at the first other character
// reads out of the field.
func (q *senders) leading() {
	if d := leadingRun(q.field); len(d) >= minHidden && len(d) < q.all.n {
		q.number(d)
	}
}

// digitsOfFirstWord adds the digits of an ID's first word, which is all that programs have of
// it which split at blanks, or untaint it with Perl's (\w+).
func (q *senders) digitsOfFirstWord() {
	between := func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	word := strings.TrimLeftFunc(q.id, between)
	if end := strings.IndexFunc(word, between); end >= 0 {
		word = word[:end]
	}
	var d digits
	if d.addString(word); d.n >= minHidden && d.n < q.all.n && d.n <= len(d.b) {
		q.number(d.string())
	}
}

// phoneMarks is the punctuation of an ID that groups the digits of a phone. The last
// is a letter to Unicode, and a dash to libphonenumber's VALID_PUNCTUATION.
const phoneMarks = "+ -./()\u30FC"

// worded adds the numbers that stand between the words of the ID: 206-555-0000x5,
// "tel 206-555-0000". libphonenumber cuts off an extension before it reads a number, whose
// word is one of many languages (EXTN_PATTERNS: x, #, ext, int, anexo, доб), and others
// split at anything that is no phone's. So no word is looked for here: each run of digits
// between others is a reading if it is long enough, and so are all digits before the first
// word and before the last that has digits behind it, for x is also punctuation that groups
// a number.
func (q *senders) worded() {
	if q.all.n == 0 {
		return // a name, as most are
	}
	id := q.id
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
			q.part(id[from:i])
			inWord, word = true, i
			if first < 0 {
				first = i
			}
		}
	}
	if !inWord {
		q.part(id[from:])
	}
	q.part(id[:max(first, 0)])
	q.part(id[:last])
	if cut, ok := strings.CutSuffix(id, "#"); ok { // "tel 206-555-0000 5#", as Americans write it
		q.part(strings.TrimRight(cut, digitChars))
	}
	if d := keypad(id[:last]); len(d) >= minListed { // 1800flowers x5
		q.number(d)
	}
}

// runs adds the readings of programs that look for a number: the first run of digits in
// a12345b6 (Joomla's getInt, re.search), and each later one that is long enough.
func (q *senders) runs(first, later int) {
	enough := first
	for d, rest := nextDigits(q.id); d != ""; d, rest = nextDigits(rest) {
		if len(d) >= enough && len(d) < q.all.n && len(d) <= maxPrefixed {
			q.number(d)
		}
		enough = later
	}
}

// minLookedFor is the fewest digits that a program looks for behind others where all are no
// phone: an American short code has so many.
const minLookedFor = 5

// part adds the readings of the digits in a part of the ID, if they are enough for
// a number and not all digits of it.
func (q *senders) part(part string) {
	if len(part) < minListed {
		return
	}
	cut, trunk := withoutTrunk(part)
	for _, text := range [...]string{part, cut} {
		d := digits{}
		if d.addString(text); d.n >= minListed && d.n < q.all.n && d.n <= len(d.b) {
			q.number(d.string())
		}
		if !trunk {
			break
		}
	}
}

// basename adds what stands behind the last slash, as PHP's basename has it, but for the
// end of "24/7".
func (q *senders) basename() {
	parts := strings.TrimRight(q.id, "/. ")
	if last := parts[strings.LastIndexByte(parts, '/')+1:]; len(last) < len(parts) && len(last) >= minHidden {
		q.readAlso(last)
	}
}

// keypad adds the number that the letters of a vanity number are on a keypad.
func (q *senders) keypad(id string) {
	if d := keypad(id); d != "" {
		q.number(d)
	}
}
