package whatcounts

import (
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// arguments are the five that matter, as the pairs of a request name them.
type arguments struct {
	of       [roles]argument
	segments int
	// pieces is segments, and the parts that semicolons make of them.
	pieces int
	// semicolons: there are some, as they are.
	semicolons bool
	// question: the query holds a raw "?".
	question bool
	// singleBytes: the request names an encoding that agrees with UTF-8 in ASCII
	// alone, and foreign that something which matters is not ASCII.
	singleBytes, foreign bool
	// charset: a _charset_ argument names an encoding in which other bytes are ASCII.
	charset bool
	// cookies are those that somebody takes for arguments.
	cookies jar
	// control: a name holds a control character, such as ISO-2022's shifts, which
	// readers of such encodings drop.
	control bool
	// countries are those that the request names, as written; see noteCountry.
	countries []string
	// anywhere: one of them is not understood, or is that of several.
	anywhere bool
	// cut: somebody who reads less than all reads no sender.
	cut bool
	// longName: a name is too long to say what some reader makes of it.
	longName bool
	// realmElsewhere is a realm under a name with others before or behind it.
	realmElsewhere string
	// numbered: a command of a model, call.c, is a number.
	numbered bool
	// changed: they are those of a form or query that somebody changes before he looks at it,
	// see readChanged; mono: as Mono's System.Web does, see inMono.
	changed, mono bool
	// abroad and inCookies count the bytes of phones that were read in other countries, and of
	// phones and senders in cookies.
	abroad, inCookies int
	// effort is what looking at odd names has taken, see mayLook.
	effort int
	// container: somebody takes all arguments from the value of one.
	container bool
	// member: an SMS command stands under a name that is no plain word, of which somebody may
	// make the command's.
	member bool
}

// argument is one of them. Its value stays as written until it is asked for.
type argument struct {
	raw   string
	given bool
	// times is how often it was given, with one value: some join what is repeated.
	times uint8
	// list: it was given more than once in the query or in the body.
	list bool
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
	bare := false // the pair before, which libapreq2 ends in a body at its "=" alone
	for form.Next(&p) {
		if from == inBody {
			args.cut = args.cut || bare && roleOf(p.Name) == sender
			bare = p.Bare && p.Name != ""
		}
		if p.Plain {
			args.readPlain(&p, from|inPlain)
		} else {
			args.readOdd(&p, from)
		}
	}
	args.count(&form)
}

// count adds what one form that has been read holds to that of the others. Together: Tomcat has
// one limit for both.
func (args *arguments) count(form *smsapi.Form) {
	args.segments += form.Segments()
	args.pieces += form.Pieces()
	args.semicolons = args.semicolons || form.Semicolons()
}

func (args *arguments) readPlain(p *smsapi.Pair, from place) {
	if r := roleOf(p.Name); r != noRole {
		args.add(r, p, from)
		return
	}
	switch p.Name {
	case "":
		args.readNameless(p)
	case textName: // may hold anything
	case countryName:
		args.note(country, p.Value)
	case "sendercode": // senderCode, to those who fold case
		if !p.Bare {
			args.object(sender, refusedSpelling[sender])
		}
	case charsetArgument:
		args.note(charset, p.Value)
	case "args", "argumentcollection", "__superform_json":
		args.note(container, p.Value)
	default:
		args.container = args.container || namesContent(p.Name) || holdsSend(p.Value)
		args.readUnderscored(p)
	}
}

// readUnderscored looks at a plain name that nobody gave a role. Of commands only those
// count that text somebody: _c is also what scripts put behind an address against caches.
func (args *arguments) readUnderscored(p *smsapi.Pair) {
	if strings.IndexByte(p.Name, '_') < 0 {
		return
	}
	r := underscoredRole(p.Name)
	switch {
	case r == country:
		args.note(country, p.Value)
	case r == noRole, r == password, p.Bare:
	case r == command && !args.mayLook(p.Value, false):
	case r == command:
		args.member = args.member || foldsToSMSCommand(p.Value) || resembles(p.Value) != smsapi.Other
	default:
		args.object(r, refusedSpelling[r])
	}
}

// readOdd looks at a name that some readers decode or fold.
func (args *arguments) readOdd(p *smsapi.Pair, from place) {
	if r := decodedRole(p.Name); r != noRole {
		args.add(r, p, from)
		return
	}
	if strings.Trim(p.Name, "?#") == "" {
		args.readNameless(p)
		return
	}
	if !args.mayLook(p.Name, p.Bare) {
		return
	}
	args.control = args.control || holdsControl(p.Name)
	args.container = args.container || namesContent(p.Name) || isEntry(p) || holdsSend(p.Value)
	if args.singleBytes && !args.foreign {
		args.foreign = !decodesToASCII(p.Name)
	}
	if !p.Bare {
		args.longName = args.longName || len(p.Name) > maxOddName
		args.member = args.member || args.mayLookAt(p.Value) && foldsToSMSCommand(p.Value)
		args.noteModel(p)
	}
	r := args.readFolded(p)
	for i := 0; r == noRole && i < len(oddRoles); i++ {
		r = oddRoles[i](*p)
	}
	if !p.Bare && isCountry(p.Name) {
		args.note(country, p.Value)
	}
	// A name without "=" sets a role to nothing, and what lacks its command, realm
	// or phone messages nobody. So a stray "&" in a text ("Q&A", "T&C's") is let be,
	// unless the "=" is hidden in an escape.
	if r == noRole || p.Bare && r != sender && strings.IndexByte(p.Name, '%') < 0 {
		return
	}
	args.object(r, refusedSpelling[r])
}

// mayLook reports whether there is effort left for one more odd name, and takes it. Nothing is
// bare as the parts of a text are that semicolons make of it, and costs little to look at.
func (args *arguments) mayLook(name string, bare bool) bool {
	effort := len(name) + perName
	switch {
	case isHeavy(name):
		effort = len(name)*heavyByte + perName
	case bare && strings.IndexByte(name, '%') < 0:
		effort /= lightName
	}
	args.effort += effort
	return args.effort <= maxEffort
}

// mayLookAt is mayLook for the value of such a name. A text may have any length, and takes
// none, but where it is looked at again and takes long.
func (args *arguments) mayLookAt(value string) bool {
	if args.changed && isHeavy(value) {
		args.effort += len(value) * heavyValueByte
	}
	return args.effort <= maxEffort
}

// noteModel takes up a realm or a command of a model: ASP.NET MVC reads account.r for r where
// the account is a parameter of its own, and call.c=0 for the first command of an enumeration,
// grpc-gateway r.value where the realm is a wrapper's.
func (args *arguments) noteModel(p *smsapi.Pair) {
	switch lastRole(p.Name) {
	case realm:
		args.noteRealm(p.Value)
	case command:
		decoded, _ := smsapi.AppendUnescaped(nil, p.Value, ' ')
		args.numbered = args.numbered || isNumber(decoded)
	}
	if head, _, ok := strings.Cut(p.Name, "."); ok && foldedRole(head) == realm {
		args.noteRealm(p.Value)
	}
}

// noteRealm takes up a realm that some readers find elsewhere.
func (args *arguments) noteRealm(value string) {
	if args.realmElsewhere == "" {
		args.realmElsewhere = value
	} else if args.realmElsewhere != value {
		args.object(realm, refusedSpelling[realm])
	}
}

// readFolded is foldedRole for the name of a pair, and takes up what else it may fold to:
// all of it is looked for at once, for that takes long.
func (args *arguments) readFolded(p *smsapi.Pair) role {
	r := roleAmong(p.Name, skeletons)
	if r < roles {
		return r
	}
	args.note(r, p.Value)
	return foldedRole(p.Name) // it may hold more than one
}

// note takes up an argument that is none of the five.
func (args *arguments) note(r role, value string) {
	switch r {
	case country:
		args.noteCountry(value)
	case charset:
		args.charset = args.charset || !keepsASCII(value)
	case container:
		args.noteContainer(value)
	}
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
	f.list = f.list || f.in&from&(inQuery|inBody) != 0
	f.in |= from
	f.times = min(f.times, 100) + 1
	if !f.given {
		f.given, f.raw, f.plain = true, value, isPlainValue(value)
		return
	}
	if f.raw != value && f.refusal == nil { // once refused, each of thousands would be compared in vain
		args.respelt(r, value)
	}
}

// respelt takes up another spelling of an argument that was given before. Of the two the one is
// kept that somebody reads in two ways, and refused is what none of them alone stands for.
func (args *arguments) respelt(r role, value string) {
	f := &args.of[r]
	switch loose := isLoose(value); {
	case !args.same(f.raw, value),
		r != password && (isDoubtful(f.raw) || isDoubtful(value)),
		loose && isLoose(f.raw):
		args.object(r, refusedRepeated[r])
	case loose:
		f.raw, f.plain = value, false
	}
}

// same reports whether two values are one to every reader that the arguments are read for.
func (args *arguments) same(a, b string) bool {
	return sameDecoded(a, b) || args.mono && smsapi.InLatin1(a) == smsapi.InLatin1(b)
}

// object notes the first reason for which readers could differ about r.
func (args *arguments) object(r role, refusal *smsapi.Refusal) {
	if args.of[r].refusal == nil {
		args.of[r].refusal = refusal
	}
}

// present reports whether some reader could find the argument.
func (args *arguments) present(r role) bool {
	return args.of[r].given || args.of[r].refusal != nil
}

// presentWithCookies is present for readers that take cookies for arguments.
func (args *arguments) presentWithCookies(r role) bool {
	return args.present(r) || args.cookies.has(r)
}

// describe notes whose request it is, for logs. Nothing is decided by it.
func (args *arguments) describe(call *smsapi.Call) {
	if args.of[realm].refusal == nil {
		call.Realm, _ = args.realm()
	}
}
