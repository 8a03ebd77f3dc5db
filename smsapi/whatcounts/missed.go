package whatcounts

import (
	"net/http"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

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

// firstIsSender reports whether the first argument of a query is a sender. It goes by another
// name to somebody where the path before it ends oddly: h3 1 decodes the
// path of /api_web%3F?sender_code=1 before it looks for the "?", and Fastify 4 begins
// the query at the semicolon of /api_web;?sender_code=1, and Elysia 1.4 at the ampersand of
// /api_web/&?sender_code=1, or at an equals sign there.
func firstIsSender(query string) bool {
	first, _, _ := strings.Cut(query, "&")
	name, _, _ := strings.Cut(first, "=")
	return foldedRole(name) == sender
}
