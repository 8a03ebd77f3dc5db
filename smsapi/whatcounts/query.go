package whatcounts

import (
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// readQuery is read for a query, of which some readers see a part where it holds a raw
// "?". Hono 3 finds an argument behind each of them, inside a value as well.
func (args *arguments) readQuery(query string) {
	first := strings.IndexByte(query, '?')
	if first < 0 {
		args.read(smsapi.QueryForm(query), inQuery)
		return
	}
	args.question = true
	last := strings.LastIndexByte(query, '?')
	form := smsapi.QueryForm(query)
	var p smsapi.Pair
	for at := 0; form.Next(&p); {
		for query[at] == '&' || query[at] == ';' {
			at++
		}
		from := inQuery
		if at <= first {
			from |= inFirst
		}
		if at > last {
			from |= inLast
		}
		if p.Plain {
			args.readPlain(&p, from|inPlain)
		} else {
			args.readOdd(&p, from)
		}
		at += len(p.Name) + len(p.Value)
		if !p.Bare {
			at++
		}
	}
	args.count(&form)
	for rest, ok := query[first+1:], true; ok; {
		var pair string
		pair, rest, ok = strings.Cut(rest, "?")
		name, value, given := strings.Cut(pair, "=")
		if name == countryName {
			args.noteCountry(upToAmpersand(value))
		}
		r := roleOf(name)
		if r == noRole {
			r = decodedRole(name)
		}
		if !given || r == noRole || r == password || r == command && !foldsToSMSCommand(upToAmpersand(value)) {
			continue
		}
		args.object(r, refusedSpelling[r])
	}
}

func upToAmpersand(value string) string {
	value, _, _ = strings.Cut(value, "&")
	return value
}

// readNameless looks at a pair that begins with "=". Spring WebFlux and Netty pass over
// it, and find the name behind: =phone=1. querystringify does so behind any of "?#=".
func (args *arguments) readNameless(p *smsapi.Pair) {
	name, value, given := strings.Cut(strings.TrimLeft(p.Value, "=?#"), "=")
	if len(name) > maxOddName || !args.mayLook(name, false) {
		args.longName = args.longName || given
		return
	}
	if r := foldedRole(name); r != noRole {
		args.object(r, refusedSpelling[r])
	}
	if strings.EqualFold(name, countryName) {
		args.noteCountry(value)
	}
}

// readJoined looks at names that hold a raw semicolon, which most readers do not split at:
// WordPress' sanitize_key makes phone of ph;one.
func (args *arguments) readJoined(text string) {
	for pair := range strings.SplitSeq(text, "&") {
		name, value, given := strings.Cut(pair, "=")
		if !given || strings.IndexByte(name, ';') < 0 {
			continue
		}
		if len(name) > maxOddName || !args.mayLook(name, false) {
			args.longName = true
			continue
		}
		r := foldedRole(name)
		if r == noRole {
			r = lastRole(name)
		}
		if r != noRole && r != command && r < roles {
			args.object(r, refusedSpelling[r])
		}
		args.member = args.member || r == command && foldsToSMSCommand(value)
	}
}
