package phone

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxID is the most characters of an alphanumeric sender that GSM 03.40 carries.
const maxID = 11

// forms adds what backends and networks make of the ID that are stricter than its
// owner: letters without their accents, without blanks and punctuation, and no more than
// eleven characters.
func (q *senders) forms() {
	id := q.id
	if isPlainID(id) && isASCII(q.shown) {
		if len(id) > maxID {
			q.add(Sender(id[:maxID]))
		}
		if len(id) >= minFiltered {
			q.unfiltered()
		}
		return
	}
	q.addID(id)
	for _, form := range plainer {
		q.addID(form(id))
	}
	unaccented := withoutAccents(id)
	for _, kept := range keptMarks {
		if kept != "" && !strings.ContainsAny(unaccented, kept) {
			continue
		}
		q.addID(keeping(unaccented, kept))
		if !isASCII(unaccented) {
			q.addID(strings.Map(onlyASCII, keeping(unaccented, kept)))
		}
	}
	if !isASCII(q.shown) {
		q.letters()
	}
	q.unfiltered()
	if runes := []rune(id); len(runes) > maxID { // cut first, and then cleaned
		q.cut(string(runes[:maxID]))
	}
	if len(q.shown) > maxID {
		q.cutInBytes(q.shown)
	}
}

// plainer are the forms of a name that any ID may have.
var plainer = [...]func(id string) string{withoutAccents, slug(' '), slug('-'), slug('_'), inWords, firstWord}

// letters adds what becomes of letters outside ASCII.
func (q *senders) letters() {
	// As a stop with decomposed or with composed letters has it: a dotted capital I folds
	// to another, and its small letter has a dot of its own.
	composed := norm.NFC.String(q.shown)
	dotless := strings.ReplaceAll(composed, "i\u0307", "i")
	for _, form := range [...]string{norm.NFD.String(q.shown), composed, dotless} {
		if id, err := foldID(form); err == nil {
			q.addID(id)
		}
	}
	q.addID(strings.Map(foldCase, keeping(onlyLatin(q.shown), "")))
	for _, letter := range [...]func(rune) rune{withoutTatweel, katakana, hiragana} { // as collations compare them
		q.addID(strings.Map(letter, q.id))
	}
	for _, way := range [...]int{0, 1} {
		latin := transliterated(q.id, way)
		q.addID(latin)
		q.addID(keeping(latin, ""))
	}
}

// unfiltered adds the ID without the words that filters take out.
func (q *senders) unfiltered() {
	if cut, ok := WithoutFilteredWords(q.id); ok {
		q.addID(cut)
		q.addID(keeping(cut, ""))
	}
}

// cut adds what is left of an ID that was cut.
func (q *senders) cut(id string) {
	q.addID(keeping(id, ""))
	q.addID(keeping(id, " "))
	q.addID(strings.Map(onlyASCII, keeping(id, "")))
}

// cutInBytes adds what is left of an ID that is cut to so many bytes instead of characters. A
// cut between words or before a digit counts only where ASCII alone is kept: København is
// another sender than København N, Bäckerei 1 than Bäckerei 12.
func (q *senders) cutInBytes(raw string) {
	id := strings.Map(foldCase, strings.ToValidUTF8(raw[:maxID], ""))
	last, _ := utf8.DecodeLastRuneInString(raw[:maxID])
	next, _ := utf8.DecodeRuneInString(raw[maxID:])
	inWord := func(c rune) bool { return c == utf8.RuneError || unicode.IsLetter(c) || unicode.Is(unicode.M, c) }
	if inWord(last) && inWord(next) {
		q.cut(id)
	} else if !isASCII(id) {
		q.addID(strings.Map(onlyASCII, keeping(id, "")))
	}
}

// withoutAccents is an ID with its letters without their accents, as far as these are
// characters of their own in a decomposed text: those of ß and ø are not.
func withoutAccents(id string) string {
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.M, c) {
			return -1
		}
		return c
	}, norm.NFKD.String(id))
}

// slug returns the form of names with one character between all words.
func slug(between rune) func(id string) string {
	return func(id string) string {
		return strings.Map(func(c rune) rune {
			if strings.ContainsRune(" -_.", c) {
				return between
			}
			return c
		}, id)
	}
}

// inWords is what slugify and Laravel's Str::slug make of marks.
func inWords(id string) string {
	if !strings.ContainsAny(id, "&@$") {
		return id
	}
	return keeping(markWords.Replace(withoutAccents(id)), "")
}

var markWords = strings.NewReplacer("&", "and", "@", "at", "$", "dollar")

// keptMarks are the sets of punctuation that are left in an ID where the rest is taken
// out: none, or some of the marks that Twilio and others list for alphanumeric senders.
var keptMarks = [...]string{"", " ", "-", "_", "&", " &", " -", " _", " -_", " &+_-", "-_."}

// firstWord is what a pattern without an end finds of an ID, such as Perl's (\w+), where
// it ends at a mark that no brand has in its name: "Acme Alerts" and "Acme-OTP" are other
// senders than "Acme".
func firstWord(id string) string {
	if end := strings.IndexAny(id, "@/#()$?!"); end > 0 {
		return id[:end]
	}
	return id
}

// asciiForm adds what is left of an ID where nothing but the letters and digits of
// ASCII is kept.
func (q *senders) asciiForm() {
	s := q.shown
	if isASCII(s) {
		return // forms has it
	}
	// A composed letter goes with its accent.
	for _, form := range [...]string{s, norm.NFC.String(s), norm.NFKC.String(s)} {
		q.addID(strings.Map(foldCase, keeping(strings.Map(onlyASCII, form), "")))
	}
}

// keeping is an ID without the punctuation of ASCII, but for what is kept of it.
func keeping(id, kept string) string {
	return strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf && !isPlainLetterOrDigit(c) && strings.IndexByte(kept, byte(c)) < 0 {
			return -1
		}
		return c
	}, id)
}

func onlyASCII(c rune) rune {
	if c >= utf8.RuneSelf {
		return -1
	}
	return c
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// addID adds an ID and what fits into a message of it.
func (q *senders) addID(id string) {
	if id = strings.TrimSpace(id); len(id) > MaxSender || !strings.ContainsFunc(id, unicode.IsLetter) {
		return
	}
	q.add(Sender(id))
	if runes := []rune(id); len(runes) > maxID {
		q.add(Sender(strings.TrimSpace(string(runes[:maxID]))))
	}
}
