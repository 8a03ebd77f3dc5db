package smsapi

import "strings"

// MaxPairs is the number of pairs that every known server family reads. PHP and
// Express read the first 1,000 and drop the rest without a word; Django,
// Starlette and body-parser refuse more.
const MaxPairs = 1000

// MinPairs is the fewest pairs to which a server is set by its makers, where what
// comes behind them is dropped without a word: OpenResty's get_uri_args and Suhosin's
// get.max_vars read 100.
const MinPairs = 100

// Form splits a query or an urlencoded form into pairs, in one pass, without
// decoding and without allocating. Where server families split differently it
// yields the pairs of all of them and says by which split each came about.
//
// It never fails: what is malformed to one reader is text to another.
type Form struct {
	rest string // what follows the current segment's ampersand
	more bool   // there is a segment in rest, possibly an empty one

	tail   string // what follows the current piece's semicolon
	inTail bool   // there is a piece in tail, possibly an empty one

	semicolons bool // the form holds a raw ';'
	hashes     bool // the query holds a raw '#'
	hidden     bool // one has gone by
	segments   int
	pieces     int
}

// Split says which readers see a pair.
type Split uint8

const (
	// SplitAll: every reader sees the pair as it is.
	SplitAll Split = iota
	// SplitHead: a raw semicolon follows. Readers that split there see the pair
	// as it is, the others see a longer one.
	SplitHead
	// SplitTail: the pair stands behind a raw semicolon. Readers that split there
	// see it (Rack 2, python-multipart, Perl's CGI, Python before 3.9.2), and
	// those that undo "&amp;". The others see it as a part of what is before it.
	SplitTail
)

// Pair is one name and value, as written.
type Pair struct {
	Name, Value string
	// Long is the value to those who do not split at semicolons. It differs from
	// Value where Split is SplitHead, and is empty where it is SplitTail.
	Long string
	// Bare means that there is no "=".
	Bare bool
	// Plain means that the name is made of a-z, 0-9 and _ alone: no reader
	// decodes or folds it into another.
	Plain bool
	Split Split
	// Hidden means that a raw "#" stands before the pair: readers that end the
	// query there do not see it.
	Hidden bool
}

// QueryForm returns the pairs of a URL's raw query.
func QueryForm(raw string) Form {
	f := BodyForm(raw)
	f.hashes = strings.IndexByte(raw, '#') >= 0
	return f
}

// BodyForm returns the pairs of an urlencoded body, in which "#" is a character
// like any other.
func BodyForm(body string) Form {
	return Form{rest: body, more: body != "", semicolons: strings.IndexByte(body, ';') >= 0}
}

// AmpersandForm returns the pairs of a query or a body as those have them who split at ampersands
// alone, and at no "#" either.
func AmpersandForm(text string) Form { return Form{rest: text, more: text != ""} }

// Semicolons reports whether the form holds a raw semicolon, at which some readers split.
func (f *Form) Semicolons() bool { return f.semicolons }

// Segments is the number of segments between ampersands so far. Empty ones
// count: they count towards the limits of those who have limits.
func (f *Form) Segments() int { return f.segments }

// Pieces is the number of segments and of the parts that raw semicolons make of them
// so far.
func (f *Form) Pieces() int { return f.pieces }

// Next stores the next pair in p and reports whether there was one. It passes
// over what is empty.
func (f *Form) Next(p *Pair) bool {
	if !f.semicolons && !f.hashes && f.plainPair(p) {
		return true
	}
	for {
		piece, segment, split, ok := f.piece()
		if !ok {
			return false
		}
		if piece == "" {
			continue
		}
		p.Split = split
		p.Hidden = f.hidden
		if f.hashes && strings.IndexByte(piece, '#') >= 0 {
			f.hidden = true
		}
		eq := strings.IndexByte(piece, '=')
		p.Bare = eq < 0
		if p.Bare {
			p.Name, p.Value = piece, ""
		} else {
			p.Name, p.Value = piece[:eq], piece[eq+1:]
		}
		p.Long = p.Value
		switch {
		case split == SplitTail:
			p.Long = ""
		case split == SplitHead && !p.Bare:
			p.Long = segment[eq+1:]
		}
		p.Plain = isPlainName(p.Name)
		return true
	}
}

// plainPair is Next for a pair with a plain name, which most are, in a form that all readers
// split alike. It stores nothing if there is none.
func (f *Form) plainPair(p *Pair) bool {
	end := 0
	for end < len(f.rest) && plainNameByte[f.rest[end]] {
		end++
	}
	if end == len(f.rest) || f.rest[end] != '=' {
		return false
	}
	p.Name = f.rest[:end]
	value := f.rest[end+1:]
	if amp := strings.IndexByte(value, '&'); amp >= 0 {
		value, f.rest = value[:amp], value[amp+1:]
	} else {
		f.rest, f.more = "", false
	}
	f.segments++
	f.pieces++
	// One by one: a literal would be built and then copied.
	p.Value, p.Long = value, value
	p.Bare, p.Plain, p.Split, p.Hidden = false, true, SplitAll, false
	return true
}

// piece is the next stretch between ampersands and semicolons, and the segment
// between ampersands that it begins, if it begins one.
func (f *Form) piece() (piece, segment string, split Split, ok bool) {
	f.pieces++
	if f.inTail {
		semi := strings.IndexByte(f.tail, ';')
		if semi < 0 {
			f.inTail = false
			return f.tail, "", SplitTail, true
		}
		piece, f.tail = f.tail[:semi], f.tail[semi+1:]
		return piece, "", SplitTail, true
	}
	if !f.more {
		return "", "", SplitAll, false
	}
	f.segments++
	amp := strings.IndexByte(f.rest, '&')
	if amp < 0 {
		piece, f.rest, f.more = f.rest, "", false
	} else {
		piece, f.rest = f.rest[:amp], f.rest[amp+1:]
	}
	if !f.semicolons {
		return piece, piece, SplitAll, true
	}
	semi := strings.IndexByte(piece, ';')
	if semi < 0 {
		return piece, piece, SplitAll, true
	}
	f.inTail, f.tail = true, piece[semi+1:]
	return piece[:semi], piece, SplitHead, true
}

func isPlainName(name string) bool {
	for i := range len(name) {
		if !plainNameByte[name[i]] {
			return false
		}
	}
	return true
}

var plainNameByte = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = isAlnum(byte(c)) || c == '_'
	}
	return plain
}()

// TrimLeadingBlanks is the name of an argument, as written, without the blanks before it, which
// PHP passes over however many they are.
func TrimLeadingBlanks(name string) string {
	for {
		cut := strings.TrimLeft(name, "+ ")
		cut = strings.TrimPrefix(cut, "%20")
		if len(cut) == len(name) {
			return name
		}
		name = cut
	}
}
