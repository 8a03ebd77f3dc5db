package whatcounts

import (
	"net/http"
	"slices"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// Some readers take arguments from headers as well: express-validator's check() and
// LoopBack's argument sources, Spring's data binding since 6.2 (which drops the dashes of
// a header's name), Fiber's Bind().All(), Camel. ServiceStack prefers
// X-Param-Override-phone to the argument itself.

// maxHeaderName is how many letters and digits the name of a header has at most that is
// one of an argument.
const maxHeaderName = len("xparamoverridesendercode")

// headerName appends the letters and digits of a header's name, in lower case, without
// what ServiceStack puts before an argument's. Longer names than maxHeaderName are "", and
// those that begin like none of them: most headers of a request.
func headerName(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			continue
		}
		if len(dst) == maxHeaderName || len(dst) == 0 && strings.IndexByte("crpsx", c) < 0 {
			return dst[:0]
		}
		dst = append(dst, c)
	}
	const override = "xparamoverride"
	if len(dst) > len(override) && string(dst[:len(override)]) == override {
		return dst[len(override):]
	}
	return dst
}

// readHeaders refuses a request of which a header sets an argument to another value. One
// that sets anything but the command is let be beside a command that messages nobody, or
// none. Another password opens another account, or nothing.
func (args *arguments) readHeaders(h http.Header) *smsapi.Refusal {
	var asked, harmless bool
	for name, values := range h {
		var buf [maxHeaderName]byte
		plain := headerName(buf[:0], name)
		r := skeletonRole(plain)
		if r == noRole || r == password {
			if string(plain) == countryName {
				for _, value := range values {
					args.noteCountry(value)
				}
			}
			continue
		}
		if !asked && r != command {
			asked, harmless = true, !args.present(command) || args.harmless()
		}
		if r != command && harmless {
			continue
		}
		if slices.ContainsFunc(values, func(value string) bool { return !args.is(r, value) }) {
			return refusedHeader[r]
		}
	}
	return nil
}

// skeletonRole is the role of a skeleton.
func skeletonRole(skeleton []byte) role {
	if len(skeleton) == 0 || len(skeleton) > len("sendercode") || strings.IndexByte("crps", skeleton[0]) < 0 {
		return noRole
	}
	if i := slices.Index(argumentSkeletons, string(skeleton)); i >= 0 {
		return known[i].role
	}
	return noRole
}

// is reports whether the argument was given and is value, which nobody decodes.
func (args *arguments) is(r role, value string) bool {
	f := &args.of[r]
	if !f.given || len(value) > len(f.raw) {
		return false
	}
	decoded, _ := smsapi.AppendUnescaped(nil, f.raw, ' ')
	return string(decoded) == value
}
