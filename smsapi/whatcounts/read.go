package whatcounts

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// Read reads a request to api_web. See [smsapi.API].
//
// A request that is refused before its command is known counts as a stop if the
// command of one stands in it: nobody else is to be told to carry it out.
func (a *API) Read(r *http.Request, body *smsapi.Body, call *smsapi.Call) *smsapi.Refusal {
	refusal := a.read(r, body, call)
	if refusal != nil && call.Kind == smsapi.Other && mentionsStop(r.URL.RawQuery, body) {
		call.Kind = smsapi.Stop
	}
	return refusal
}

func mentionsStop(query string, body *smsapi.Body) bool {
	raw, _ := body.Bytes()
	return strings.Contains(strings.ToLower(query), commandStop) || bytes.Contains(bytes.ToLower(raw), []byte(commandStop))
}

// read takes query and body for one multiset of arguments: server families differ
// in which of the two they prefer, and some read a body whatever the method.
func (a *API) read(r *http.Request, body *smsapi.Body, call *smsapi.Call) *smsapi.Refusal {
	if refusal := smsapi.ConnectionRefusal(r); refusal != nil {
		return refusal
	}
	if refusal := smsapi.SizeRefusal(r); refusal != nil {
		return refusal
	}
	singleBytes, refusal := smsapi.DecodingRefusal(r)
	if refusal != nil {
		return refusal
	}
	form, refusal := body.Form()
	if refusal != nil {
		return refusal
	}
	query := r.URL.RawQuery
	args := arguments{singleBytes: singleBytes}
	args.readQuery(query)
	if form != "" {
		args.read(smsapi.BodyForm(form), inBody)
	}
	args.cut = firstIsHidden(r.URL, sender) || args.endsEarly(query, form)

	kind, refusal := args.kind(r)
	if refusal != nil {
		return refusal
	}
	call.Kind = kind
	if hasNestedCommand(query) || hasNestedCommand(form) {
		return refusedNested
	}
	if hasPathArguments(r.URL) {
		return refusedPathArgument
	}
	if kind == smsapi.Other {
		args.describe(call)
		return nil
	}
	return a.readCall(r, &args, call)
}

// endsEarly reports whether the sender stands in the form behind a raw byte at which
// somebody stops reading: a C string ends at a NUL (GoAhead), a line where programs
// read one (readLine, the shell's read), a text file of Windows' at 0x1A.
func (args *arguments) endsEarly(query, form string) bool {
	if form == "" || !args.present(sender) {
		return false
	}
	end := strings.IndexAny(form, "\x00\n\r\x1a")
	if end < 0 {
		return false
	}
	var head arguments
	head.readQuery(query)
	head.read(smsapi.BodyForm(form[:end]), inBody)
	return !head.present(sender)
}

// maxQuestions is how many pairs one request may ask the list about. A list of a
// thousand phones is one for each; a thousand phones and a thousand senders, of which
// each pair is looked up, would take a processor for seconds.
const maxQuestions = 4096

// tooManyReadings refuses a request that could be read in more ways than that.
func tooManyReadings(to *smsapi.Recipient) *smsapi.Refusal {
	if len(to.Phones)*max(1, len(to.Senders)) > maxQuestions {
		return refusedReadings
	}
	return nil
}

// readCall fills in the call of an SMS command.
func (a *API) readCall(r *http.Request, args *arguments, call *smsapi.Call) *smsapi.Refusal {
	kind := call.Kind
	if args.segments > smsapi.MaxPairs {
		return refusedTooMany
	}
	for role := command; role < roles; role++ {
		if role == recipient && kind == smsapi.FanOut {
			continue // a fan-out has none, and what has no meaning has not two
		}
		if refusal := args.of[role].refusal; refusal != nil {
			return refusal
		}
	}
	if kind == smsapi.Stop && r.Method != http.MethodGet && r.Method != http.MethodPost {
		return refusedStopMethod
	}
	var refusal *smsapi.Refusal
	if call.Realm, refusal = args.realm(); refusal != nil {
		return refusal
	}
	call.RealmFolded = !args.of[realm].plain && !decodesToASCII(args.of[realm].raw)
	call.Password = args.password()
	if kind == smsapi.Stop {
		return a.readStop(args, call)
	}

	to := call.One()
	if kind != smsapi.FanOut {
		if refusal = a.readPhones(args, to); refusal != nil {
			return refusal
		}
		if refusal = a.readCountry(args, to); refusal != nil {
			return refusal
		}
	}
	if refusal = a.readSenders(args, to); refusal != nil {
		return refusal
	}
	if refusal = tooManyReadings(to); refusal != nil {
		return refusal
	}
	if kind == smsapi.Subscribe {
		a.settle(args, to)
	}
	if cookies := r.Header["Cookie"]; len(cookies) > 0 {
		if refusal = a.readCookies(cookies, args, call, to); refusal != nil {
			return refusal
		}
	}
	if args.senderMayBeMissed(kind, r) {
		to.Senders = to.Senders[:0]
	}
	return nil
}

// readStop reads the pair of a stop strictly: what is recorded is one pair, and
// exactly the one that was meant.
func (a *API) readStop(args *arguments, call *smsapi.Call) *smsapi.Refusal {
	var buf [64]byte
	digits, refusal := args.strict(buf[:0], recipient)
	if refusal != nil {
		return refusal
	}
	if len(digits) == 0 {
		return failedNoPhone
	}
	number, err := a.region.Canonical(string(digits))
	if err != nil {
		return failedStopPhone
	}
	code, refusal := args.strict(buf[:0], sender)
	if refusal != nil {
		return refusal
	}
	if len(code) == 0 {
		return failedNoSender
	}
	canonical, err := a.region.CanonicalSender(string(code))
	if err != nil || canonical == phone.AnySender {
		return failedSender
	}
	to := call.One()
	to.Phones = append(to.Phones, number)
	to.Senders = append(to.Senders, canonical)
	return nil
}

// readPhones collects every number that a backend could read from the phone.
func (a *API) readPhones(args *arguments, to *smsapi.Recipient) *smsapi.Refusal {
	f := &args.of[recipient]
	if f.plain && f.times == 1 {
		return a.addPhones(to, f.raw)
	}
	var buf [64]byte
	field, refusal := args.strict(buf[:0], recipient)
	if refusal != nil {
		return refusal
	}
	if refusal := a.addPhones(to, string(field)); refusal != nil {
		return refusal
	}
	if f.times > 1 { // some join what is repeated
		joined := strings.Repeat(string(field)+",", int(f.times))
		if more, err := a.region.Readings(to.Phones, joined); err == nil {
			to.Phones = more
		}
	}
	if strings.IndexByte(f.raw, '+') >= 0 {
		// Some read a raw plus as it is. What they cannot read they cannot send to.
		literal, _ := smsapi.AppendUnescaped(buf[:0], f.raw, '+')
		if more, err := a.region.Readings(to.Phones, string(literal)); err == nil {
			to.Phones = more
		}
	}
	return nil
}

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

// settle drops from a subscribe the readings that are other forms of one phone, and of
// one name: what is put back on a sender is what it names, so that its opt-out can be
// lifted. A send is checked for all of them.
func (a *API) settle(args *arguments, to *smsapi.Recipient) {
	if len(to.Phones) == 2 && phone.SameSubscriber(to.Phones[0], to.Phones[1]) {
		if meant, err := a.region.Canonical(args.of[recipient].raw); err == nil && slices.Contains(to.Phones, meant) {
			to.Phones = append(to.Phones[:0], meant)
		}
	}
	if len(to.Senders) < 2 {
		return
	}
	for _, s := range to.Senders {
		if !strings.ContainsFunc(string(s), unicode.IsLetter) {
			return // a number as well
		}
	}
	code, refusal := args.strict(nil, sender)
	if refusal != nil {
		return
	}
	if meant, err := a.region.CanonicalSender(string(code)); err == nil && meant != phone.AnySender {
		to.Senders = append(to.Senders[:0], meant)
	}
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
	if f.times > 1 { // some join what is repeated, and keep the digits
		joined := strings.Repeat(string(field), int(f.times))
		if more, err := a.region.SenderReadings(to.Senders, joined); err == nil {
			to.Senders = more
		}
	}
	if strings.IndexByte(f.raw, '+') >= 0 {
		literal, _ := smsapi.AppendUnescaped(buf[:0], f.raw, '+')
		if more, err := a.region.SenderReadings(to.Senders, string(literal)); err == nil {
			to.Senders = more
		}
	}
	return nil
}

func (a *API) addSenders(to *smsapi.Recipient, field string) *smsapi.Refusal {
	// Who decodes twice ends it at an ampersand.
	if head, _, _ := strings.Cut(field, "&"); meansNone(head) {
		return nil
	}
	senders, err := a.region.SenderReadings(to.Senders, field)
	if err != nil {
		return failedSender
	}
	if slices.Contains(senders, "0") { // a zero of another script, which Python's int reads
		return nil
	}
	to.Senders = senders
	return nil
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
