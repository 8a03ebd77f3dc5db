package whatcounts

import (
	"net/http"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// Some readers take arguments from headers as well: express-validator's check() and
// LoopBack's argument sources, Spring's data binding since 6.2 (which drops the dashes of
// a header's name), Fiber's Bind().All(), Camel. ServiceStack prefers
// X-Param-Override-phone to the argument itself.

// overridePrefix stands before a name in ServiceStack's headers.
const overridePrefix = "X-Param-Override-"

// headerRole is the role of a header's name, if it has one.
func headerRole(name string) role {
	if rest, ok := strings.CutPrefix(name, overridePrefix); ok {
		name = rest
	}
	if name == "" || len(name) > 2*len("sender-code") {
		return noRole
	}
	switch name[0] | 0x20 {
	case 'c', 'r', 'p', 's':
		return foldedRole(name)
	}
	return noRole
}

// readHeaders refuses a request of which a header sets an argument to another value. One
// that sets anything but the command is let be beside a command that messages nobody.
func (args *arguments) readHeaders(h http.Header) *smsapi.Refusal {
	for name, values := range h {
		r := headerRole(name)
		if r == noRole || r != command && args.harmless() {
			continue
		}
		for _, value := range values {
			if !args.of[r].given || !sameDecoded(args.of[r].raw, value) {
				return refusedHeader[r]
			}
		}
	}
	return nil
}
