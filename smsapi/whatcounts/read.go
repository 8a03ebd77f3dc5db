package whatcounts

import (
	"net/http"

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

// mentionsStop looks at the body whatever its type: it may not have been read so far.
func mentionsStop(query string, body *smsapi.Body) bool {
	text, _ := body.Text()
	return smsapi.IndexFold(query, commandStop) >= 0 || smsapi.IndexFold(text, commandStop) >= 0
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
	decoding, refusal := smsapi.DecodingRefusal(r)
	if refusal != nil {
		return refusal
	}
	form, refusal := body.Form()
	if refusal != nil {
		return refusal
	}
	query := r.URL.RawQuery
	if smsapi.LooksStructured(query) {
		return smsapi.RefusedLook
	}
	args := arguments{singleBytes: decoding.SingleBytes, cookies: readJar(r.Header["Cookie"])}
	args.readQuery(query)
	if form != "" {
		if isYAML(form, args.present(command)) || wantsYAML(r.Header["Accept"]) {
			return smsapi.RefusedLook
		}
		args.read(smsapi.BodyForm(form), inBody)
	}
	if args.semicolons {
		args.readJoined(query)
		args.readJoined(form)
	}
	if args.semicolons || decoding.RawBytes || mayChange(query, form) {
		args.readChanged(query, form)
	}
	marked := holdsMark(r.URL.Path)
	args.cut = args.cut || marked && firstIsSender(query) || args.endsEarly(query, form)

	kind, refusal := args.kind()
	if refusal != nil {
		return refusal
	}
	call.Kind = kind
	if refusal := args.readHeaders(r.Header); refusal != nil {
		return refusal
	}
	if readsWords(r.Method) && (isCommandLine(query) || isBodyOfWords(form)) || hasWordCommand(query) ||
		kind == smsapi.Other && namesArguments(query) {
		return refusedWords
	}
	slash, separator := args.outOfPlace(query)
	if separator && hasNestedCommand(query) || hasNestedCommand(form) {
		return refusedNested
	}
	if hasPathArguments(r.URL, slash, marked) {
		return refusedPathArgument
	}
	if kind == smsapi.Other {
		args.describe(call)
		return nil
	}
	return a.readCall(r, &args, call)
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
	if args.realmElsewhere != "" && !sameDecoded(args.realmElsewhere, args.of[realm].raw) {
		return refusedSpelling[realm]
	}
	var refusal *smsapi.Refusal
	if call.Realm, refusal = args.realm(); refusal != nil {
		return refusal
	}
	call.RealmFolded = !args.of[realm].plain && (!decodesToASCII(args.of[realm].raw) || mayBeAnother(args.of[realm].raw, call.Realm))
	call.Password = args.password()
	if kind == smsapi.Stop {
		return a.readStop(args, call)
	}

	to := call.One()
	if kind != smsapi.FanOut {
		if refusal = a.readPhones(args, to); refusal != nil {
			return refusal
		}
		if refusal = a.readCountries(args, to); refusal != nil {
			return refusal
		}
	}
	if refusal = a.readSenders(args, to); refusal != nil {
		return refusal
	}
	if refusal = a.readSenderAbroad(args, to); refusal != nil {
		return refusal
	}
	if refusal = tooManyReadings(to); refusal != nil {
		return refusal
	}
	if refusal = a.readCookies(args, call, to); refusal != nil {
		return refusal
	}
	if refusal = a.readAnywhere(args, to); refusal != nil {
		return refusal
	}
	if args.senderMayBeMissed(kind, r) {
		to.Senders = to.Senders[:0]
	}
	if kind == smsapi.Subscribe {
		call.Named = a.named(args, to)
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
	written := string(digits) // the buffer is used again
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
	if a.meansAnother(args, written, number) {
		return failedCountry
	}
	to := call.One()
	to.Phones = append(to.Phones, number)
	to.Senders = append(to.Senders, canonical)
	return nil
}
