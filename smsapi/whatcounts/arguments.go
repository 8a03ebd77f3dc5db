package whatcounts

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/stopgate/stopgate/smsapi"
)

// arguments are the five that matter, as the pairs of a request name them.
type arguments struct {
	of       [roles]argument
	segments int
	// pieces is segments, and the parts that semicolons make of them.
	pieces int
	// singleBytes: the request names an encoding that agrees with UTF-8 in ASCII
	// alone, and foreign that something which matters is not ASCII.
	singleBytes, foreign bool
	// charset: a _charset_ argument names an encoding in which other bytes are ASCII.
	charset bool
	// control: a name holds a control character, such as ISO-2022's shifts, which
	// readers of such encodings drop.
	control bool
	country country
	// cut: somebody who reads less than all reads no sender.
	cut bool
	// member: an SMS command stands under a name that names a member of something.
	member bool
}

// argument is one of them. Its value stays as written until it is asked for.
type argument struct {
	raw   string
	given bool
	// times is how often it was given, with one value: some join what is repeated.
	times uint8
	// in says where it was given: readers differ in whether they look there.
	in place
	// plain: raw is made of characters that mean themselves to every reader.
	plain bool
	// refusal says why readers could differ about the argument. Whether that
	// matters depends on the command.
	refusal *smsapi.Refusal
}

// place is a set of places that arguments come from.
type place uint8

const (
	inQuery place = 1 << iota
	inBody
	// inFirst and inLast: before the first raw "?" of a query that holds one, and
	// behind the last. Programs that split the target at "?" look at one of them.
	inFirst
	inLast
	// inPlain: under a name without escapes. nginx' $arg_name and Mongoose decode none.
	inPlain

	everywhere = inQuery | inBody | inFirst | inLast | inPlain
)

func (args *arguments) read(form smsapi.Form, from place) {
	var p smsapi.Pair
	for form.Next(&p) {
		if p.Plain {
			args.readPlain(&p, from|inPlain)
		} else {
			args.readOdd(&p, from)
		}
	}
	// Together: Tomcat has one limit for both.
	args.segments += form.Segments()
	args.pieces += form.Pieces()
}

func (args *arguments) readPlain(p *smsapi.Pair, from place) {
	if r := roleOf(p.Name); r != noRole {
		args.add(r, p, from)
		return
	}
	switch p.Name {
	case "":
		args.readNameless(p)
	case "country":
		args.country.note(p)
	case "sendercode": // senderCode, to those who fold case
		if !p.Bare {
			args.object(sender, refusedSpelling[sender])
		}
	case charsetArgument:
		args.charset = args.charset || !keepsASCII(p.Value)
	}
}

// charsetArgument is HTML's way for a form to name its encoding.
const charsetArgument = "_charset_"

// keepsASCII reports whether charset is an encoding in which ASCII is itself, so
// that a form's reader finds the names and digits that are found here. An empty
// one is the placeholder that no browser has filled in.
func keepsASCII(charset string) bool {
	charset = strings.ToLower(charset)
	for _, family := range [...]string{"utf-8", "us-ascii", "iso-8859-", "windows-125", "euc-", "gb", "big5", "koi8-", "shift_jis"} {
		if strings.HasPrefix(charset, family) {
			return true
		}
	}
	return charset == ""
}

// readOdd looks at a name that some readers decode or fold.
func (args *arguments) readOdd(p *smsapi.Pair, from place) {
	if r := decodedRole(p.Name); r != noRole {
		args.add(r, p, from)
		return
	}
	args.control = args.control || holdsControl(p.Name)
	if args.singleBytes && !args.foreign {
		args.foreign = !decodesToASCII(p.Name)
	}
	if smsapi.NameFolds(p.Name, charsetSkeletons) >= 0 {
		args.charset = args.charset || !keepsASCII(p.Value)
	}
	args.country.noteOdd(p)
	if smsapi.MemberFolds(p.Name, skeletons[:2]) >= 0 && foldsToSMSCommand(p.Value) {
		args.member = true
	}
	r := foldedRole(p.Name)
	if r == noRole {
		r = stackRole(p.Name)
	}
	if r == noRole {
		r = memberRole(p.Name)
	}
	// A name without "=" sets a role to nothing, and what lacks its command, realm
	// or phone messages nobody. So a stray "&" in a text ("Q&A", "T&C's") is let be,
	// unless the "=" is hidden in an escape.
	if r == noRole || p.Bare && r != sender && strings.IndexByte(p.Name, '%') < 0 {
		return
	}
	args.object(r, refusedSpelling[r])
}

var charsetSkeletons = []string{"charset"}

// decodesToASCII reports whether text is ASCII, as it is and decoded once.
func decodesToASCII(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= 0x80 || text[i] == '%' && i+1 < len(text) && (text[i+1] >= '8' || text[i+1] < '0') {
			return false
		}
	}
	return true
}

// holdsControl reports whether text, decoded once or twice, holds a control character
// other than NUL and blanks, of which others take care.
func holdsControl(text string) bool {
	if isPlainValue(text) {
		return false
	}
	var buf [256]byte
	decoded, met := smsapi.AppendUnescaped(buf[:0], text, ' ')
	if met&smsapi.EscapesTwice != 0 {
		again, _ := smsapi.AppendUnescaped(nil, string(decoded), ' ')
		decoded = append(decoded, again...)
	}
	for _, c := range decoded {
		if c < ' ' && c != 0 && c != '\t' && c != '\r' && c != '\n' {
			return true
		}
	}
	return false
}

// add takes up a pair of a name that every reader knows.
func (args *arguments) add(r role, p *smsapi.Pair, from place) {
	if p.Bare && p.Split != smsapi.SplitHead && r != sender {
		return // as above
	}
	switch {
	case p.Split == smsapi.SplitTail, p.Split == smsapi.SplitHead && r != password:
		args.object(r, refusedSplit[r])
	case p.Hidden:
		args.object(r, refusedHidden[r])
	}
	value := p.Value
	if r == password {
		value = p.Long // who splits it logs in to nothing
	}
	if args.singleBytes && !args.foreign && r != password {
		args.foreign = !decodesToASCII(value)
	}
	f := &args.of[r]
	f.in |= from
	f.times = min(f.times, 100) + 1
	if !f.given {
		f.given, f.raw, f.plain = true, value, isPlainValue(value)
		return
	}
	if f.raw != value && !sameDecoded(f.raw, value) {
		args.object(r, refusedRepeated[r])
	}
}

// object notes the first reason for which readers could differ about r.
func (args *arguments) object(r role, refusal *smsapi.Refusal) {
	if args.of[r].refusal == nil {
		args.of[r].refusal = refusal
	}
}

// isPlainValue reports whether a value needs no decoding and holds nothing that
// any reader takes for more than itself.
func isPlainValue(value string) bool {
	for i := range len(value) {
		if !plainValueByte[value[i]] {
			return false
		}
	}
	return true
}

var plainValueByte = func() (t [256]bool) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	for i := range len(plain) {
		t[plain[i]] = true
	}
	return t
}()

// sameDecoded reports whether two values are the same once decoded.
func sameDecoded(a, b string) bool {
	var bufA, bufB [64]byte
	decodedA, _ := smsapi.AppendUnescaped(bufA[:0], a, ' ')
	decodedB, _ := smsapi.AppendUnescaped(bufB[:0], b, ' ')
	return bytes.Equal(decodedA, decodedB)
}

// present reports whether some reader could find the argument.
func (args *arguments) present(r role) bool {
	return args.of[r].given || args.of[r].refusal != nil
}

// presentWithCookies is present for readers that take cookies for arguments.
func (args *arguments) presentWithCookies(wanted role, r *http.Request) bool {
	if args.present(wanted) {
		return true
	}
	found := false
	_ = eachCookie(r.Header["Cookie"], func(named role, _ string) *smsapi.Refusal {
		found = found || named == wanted
		return nil
	})
	return found
}

// senderMayBeMissed reports whether a reader that looks in one place only (most
// ignore the body of a GET, some that of everything but POST) finds a whole
// send there, but without its sender.
//
// Others read no more than the first pairs of many. Who reads the realm of HTTP
// Basic needs none where it looks.
func (args *arguments) senderMayBeMissed(kind smsapi.Kind, r *http.Request) bool {
	if args.pieces > smsapi.MinPairs || args.cut {
		return true
	}
	whole := args.of[command].in
	if len(r.Header["Authorization"]) == 0 {
		whole &= args.of[realm].in
	}
	if kind != smsapi.FanOut {
		whole &= args.of[recipient].in
	}
	return whole&^args.of[sender].in != 0
}

// strict appends the decoded value of r, or says why readers could differ about
// where it ends or what it is.
func (args *arguments) strict(dst []byte, r role) ([]byte, *smsapi.Refusal) {
	f := &args.of[r]
	if f.plain {
		return append(dst, f.raw...), nil
	}
	if strings.ContainsAny(f.raw, "=#") {
		return nil, refusedBytes[r]
	}
	decoded, met := smsapi.AppendUnescaped(dst, f.raw, ' ')
	switch {
	case met&smsapi.EscapesBroken != 0:
		return nil, refusedEscape[r]
	case met&smsapi.EscapesTwice != 0:
		return nil, refusedTwice[r]
	case bytes.ContainsAny(decoded, forbidden[r]):
		return nil, refusedBytes[r]
	}
	return decoded, nil
}

// forbidden are the characters that no decoded value of a role may hold: those
// that end a value for somebody who decodes twice or keeps C strings. A phone's
// other characters are for its own reader to judge, lists and ";ext=5" included.
var forbidden = [roles]string{
	realm:     "\x00&=;#?",
	recipient: "\x00&",
	sender:    "\x00=;#?", // an ampersand is a part of names; see phone.Region.SenderReadings
}

// realm is the realm in canonical form.
func (args *arguments) realm() (string, *smsapi.Refusal) {
	f := &args.of[realm]
	name := f.raw
	if !f.plain {
		var buf [64]byte
		decoded, refusal := args.strict(buf[:0], realm)
		if refusal != nil {
			return "", refusal
		}
		name = string(decoded)
	}
	canonical, err := smsapi.CanonicalRealm(name)
	switch {
	case err == nil:
		return canonical, nil
	case errors.Is(err, smsapi.ErrRealmEmpty):
		return "", failedNoRealm
	default:
		return "", refusedRealm
	}
}

// password is the password, decoded. A stray "%" in it stays what it is: a
// password that readers disagree about opens nothing.
func (args *arguments) password() string {
	f := &args.of[password]
	if f.plain {
		return f.raw
	}
	var buf [64]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], f.raw, ' ')
	return string(decoded)
}

// describe notes whose request it is, for logs. Nothing is decided by it.
func (args *arguments) describe(call *smsapi.Call) {
	if args.of[realm].refusal == nil {
		call.Realm, _ = args.realm()
	}
}

// kind finds out what the request wants.
func (args *arguments) kind(r *http.Request) (smsapi.Kind, *smsapi.Refusal) {
	f := &args.of[command]
	if f.refusal != nil {
		return smsapi.Other, f.refusal
	}
	if args.charset {
		return smsapi.Other, refusedCharset
	}
	if args.foreign {
		return smsapi.Other, refusedForeign
	}
	if args.member {
		return smsapi.Other, refusedSpelling[command]
	}
	if args.control || !f.plain && holdsControl(f.raw) {
		return smsapi.Other, refusedControl
	}
	if kind, ok := smsCommand(f.raw); ok {
		return kind, args.cookieCommand(r)
	}
	var buf [64]byte
	decoded, met := smsapi.AppendUnescaped(buf[:0], f.raw, ' ')
	for i, c := range decoded {
		if c >= 'A' && c <= 'Z' {
			decoded[i] = c | 0x20 // letter case makes no other command
		}
	}
	if kind, ok := smsCommand(string(decoded)); ok && met&smsapi.EscapesTwice == 0 {
		return kind, args.cookieCommand(r)
	}
	if !f.plain && (foldsToSMSCommand(f.raw) || !utf8.Valid(decoded)) { // ISO-8859-1 has a sharp s
		return smsapi.Other, refusedCommand
	}
	if refusal := args.cookieCommand(r); refusal != nil {
		return smsapi.Other, refusal
	}
	harmless := isHarmless(string(decoded))
	if !harmless && resembles(f.raw) == smsapi.FanOut {
		return smsapi.FanOut, nil
	}
	switch {
	case harmless && !args.otherCookieCommand(r), !args.presentWithCookies(recipient, r):
		return smsapi.Other, nil
	case !args.presentWithCookies(sender, r) && resembles(f.raw) != smsapi.Send:
		return smsapi.Other, nil
	case len(bytes.TrimSpace(decoded)) == 0:
		return smsapi.Other, failedNoCommand
	default:
		return smsapi.Send, nil
	}
}
