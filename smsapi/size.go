package smsapi

import "net/http"

// maxCarried is how many bytes of a query, or of all cookies, are sure to reach every
// backend whole. Caddy's FastCGI transport cuts the value of a parameter where a
// record of 65,500 bytes ends, and says nothing (fastcgi/writer.go, writePairs): the
// backend would read another phone than is written. Servers stop far below: Apache
// takes 8,190 bytes of a line, Caddy 16 KiB of a whole head unless it is set to more.
const maxCarried = 65_000

// SizeRefusal refuses a request to a guarded path whose query or cookies could be cut
// on their way.
func SizeRefusal(r *http.Request) *Refusal {
	if len(r.URL.RawQuery)+len(r.URL.Path) > maxCarried || len(r.RequestURI) > maxCarried {
		return refusedLongTarget
	}
	cookies := 0
	for _, line := range r.Header["Cookie"] {
		cookies += len(line) + len(", ")
	}
	if cookies > maxCarried {
		return refusedLongCookies
	}
	return nil
}

var (
	refusedLongTarget = &Refusal{
		Status: http.StatusRequestURITooLong,
		Code:   "query_too_long",
		Reason: "The query is longer than every server carries whole, so send the arguments in the body of a POST",
	}
	refusedLongCookies = &Refusal{
		Status: http.StatusRequestHeaderFieldsTooLarge,
		Code:   "cookies_too_long",
		Reason: "The cookies are longer than every server carries whole, so leave them out",
	}
)
