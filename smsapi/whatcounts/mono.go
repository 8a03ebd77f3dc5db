package whatcounts

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/stopgate/stopgate/smsapi"
)

// inMono is a query as Mono's System.Web has it before it splits it: its FastCGI server writes
// it in Latin-1, and HttpUtility.ParseQueryString undoes the entities in all of it.
func inMono(query string) string {
	if smsapi.IsASCII(query) && !strings.Contains(query, "&#") {
		return query // those with names are undone as everybody undoes them
	}
	return withoutMonoEntities(smsapi.InLatin1(query))
}

// withoutMonoEntities is a text as HttpUtility.ParseQueryString has it there: itself, where
// nothing is to be undone.
func withoutMonoEntities(text string) string {
	if strings.IndexByte(text, '&') < 0 || strings.IndexByte(text, ';') < 0 {
		return text
	}
	m := monoEntities{out: make([]uint16, 0, len(text))}
	for _, c := range text {
		if c > 0xffff {
			first, second := utf16.EncodeRune(c)
			m.next(uint16(first))
			c = second
		}
		m.next(uint16(c))
	}
	if !m.undone {
		return text
	}
	return m.end()
}

// monoEntities undoes entities as Mono's HtmlDecode (System.Web.Util.HttpEncoder), which is not
// how anybody else does it: an entity that an ampersand breaks off leaves its first character
// behind, and "&#;" puts out all that were left; zeros, x's and numbers of any size are taken.
type monoEntities struct {
	state  monoState
	out    []uint16
	entity []uint16 // what is put out if this turns out to be none
	raw    []uint16 // what is put out for the number zero
	number int32
	hex    bool
	digits bool // number stands for digits that are in neither
	undone bool // something was
}

type monoState uint8

const (
	monoText   monoState = iota
	monoBegun            // behind the ampersand
	monoNamed            // in a name
	monoNumber           // behind "&#"
)

func (m *monoEntities) next(c uint16) {
	switch {
	case m.state == monoText && c != '&':
		m.out = append(m.out, c)
	case m.state == monoText:
		m.entity = append(m.entity, c)
		m.raw = append(m.raw, c)
		m.state = monoBegun
	case c == '&':
		m.putDigits()
		m.out = append(m.out, m.entity...)
		m.entity = append(m.entity[:0], c)
		m.state = monoBegun
	case m.state == monoBegun:
		m.begun(c)
	case m.state == monoNamed:
		m.entity = append(m.entity, c)
		if c == ';' {
			m.putNamed()
			m.entity, m.raw, m.state = m.entity[:0], m.raw[:0], monoText
		}
	default:
		m.numbered(c)
	}
}

// putNamed writes the character of an entity with a name, or the entity.
func (m *monoEntities) putNamed() {
	entity := string(utf16.Decode(m.entity))
	if !monoNames[entity] {
		m.out = append(m.out, m.entity...)
		return
	}
	m.undone = true
	m.out = append(m.out, utf16.Encode([]rune(html.UnescapeString(entity)))...)
}

// monoNames are the entities that Mono knows: those of HTML 4.
var monoNames = func() map[string]bool {
	const names = "AElig Aacute Acirc Agrave Alpha Aring Atilde Auml Beta Ccedil Chi Dagger Delta ETH Eacute Ecirc " +
		"Egrave Epsilon Eta Euml Gamma Iacute Icirc Igrave Iota Iuml Kappa Lambda Mu Ntilde Nu OElig Oacute " +
		"Ocirc Ograve Omega Omicron Oslash Otilde Ouml Phi Pi Prime Psi Rho Scaron Sigma THORN Tau Theta " +
		"Uacute Ucirc Ugrave Upsilon Uuml Xi Yacute Yuml Zeta aacute acirc acute aelig agrave alefsym alpha " +
		"amp and ang aring asymp atilde auml bdquo beta brvbar bull cap ccedil cedil cent chi circ clubs cong " +
		"copy crarr cup curren dArr dagger darr deg delta diams divide eacute ecirc egrave empty emsp ensp " +
		"epsilon equiv eta eth euml euro exist fnof forall frac12 frac14 frac34 frasl gamma ge gt hArr harr " +
		"hearts hellip iacute icirc iexcl igrave image infin int iota iquest isin iuml kappa lArr lambda lang " +
		"laquo larr lceil ldquo le lfloor lowast loz lrm lsaquo lsquo lt macr mdash micro middot minus mu " +
		"nabla nbsp ndash ne ni not notin nsub ntilde nu oacute ocirc oelig ograve oline omega omicron oplus " +
		"or ordf ordm oslash otilde otimes ouml para part permil perp phi pi piv plusmn pound prime prod prop " +
		"psi quot rArr radic rang raquo rarr rceil rdquo real reg rfloor rho rlm rsaquo rsquo sbquo scaron " +
		"sdot sect shy sigma sigmaf sim spades sub sube sum sup sup1 sup2 sup3 supe szlig tau there4 theta " +
		"thetasym thinsp thorn tilde times trade uArr uacute uarr ucirc ugrave uml upsih upsilon uuml weierp " +
		"xi yacute yen yuml zeta zwj zwnj"
	known := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		known["&"+name+";"] = true
	}
	return known
}()

func (m *monoEntities) begun(c uint16) {
	if c == ';' {
		m.out = append(append(m.out, m.entity...), c)
		m.entity, m.state = m.entity[:0], monoText
		return
	}
	m.number, m.hex = 0, false
	m.state = monoNamed
	if c == '#' {
		m.state = monoNumber
	}
	m.entity = append(m.entity, c)
	m.raw = append(m.raw, c)
}

func (m *monoEntities) numbered(c uint16) {
	m.undone = true // or at least digits may be written otherwise
	value, isHex := hexValue(c)
	switch {
	case c == ';':
		switch {
		case m.number == 0:
			m.out = append(append(m.out, m.raw...), c)
		case m.number > 0xffff:
			m.out = append(m.out, '&', '#')
			m.out = appendNumber(m.out, m.number)
			m.out = append(m.out, c)
		default:
			m.out = append(m.out, uint16(m.number)) // of negative ones as well
		}
		m.entity, m.raw, m.digits, m.state = m.entity[:0], m.raw[:0], false, monoText
	case m.hex && isHex:
		m.number = m.number*16 + value
		m.digits = true
		m.raw = append(m.raw, c)
	case unicode.IsDigit(rune(c)):
		m.number = m.number*10 + int32(c) - '0'
		m.digits = true
		m.raw = append(m.raw, c)
	case m.number == 0 && c|0x20 == 'x':
		m.hex = true
		m.raw = append(m.raw, c)
	default:
		m.putDigits()
		m.entity = append(m.entity, c)
		m.state = monoNamed
	}
}

// putDigits writes a number that turned out to be none behind what came before it.
func (m *monoEntities) putDigits() {
	if m.digits {
		m.entity = appendNumber(m.entity, m.number)
		m.digits = false
	}
}

func (m *monoEntities) end() string {
	if len(m.entity) > 0 {
		m.out = append(m.out, m.entity...)
	} else if m.digits {
		m.out = appendNumber(m.out, m.number)
	}
	var text strings.Builder
	text.Grow(len(m.out))
	for i := 0; i < len(m.out); i++ {
		c := rune(m.out[i])
		if utf16.IsSurrogate(c) {
			c = unicode.ReplacementChar
			if i+1 < len(m.out) {
				if c = utf16.DecodeRune(rune(m.out[i]), rune(m.out[i+1])); c != unicode.ReplacementChar {
					i++
				}
			}
		}
		text.WriteRune(c)
	}
	return text.String()
}

func appendNumber(dst []uint16, n int32) []uint16 {
	for _, c := range strconv.Itoa(int(n)) {
		dst = append(dst, uint16(c))
	}
	return dst
}

func hexValue(c uint16) (value int32, ok bool) {
	switch low := c | 0x20; {
	case c >= '0' && c <= '9':
		return int32(c - '0'), true
	case low >= 'a' && low <= 'f':
		return int32(low-'a') + 10, true
	}
	return 0, false
}
