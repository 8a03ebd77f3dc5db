package smsapi

import (
	"net/http"
	"strings"
)

// maxCarried is how many bytes of a query, or of all cookies, are sure to reach every
// backend whole. Caddy's FastCGI transport cuts the value of a parameter where a
// record of 65,500 bytes ends, and says nothing (fastcgi/writer.go, writePairs): the
// backend would read another phone than is written. Servers stop far below: Apache
// takes 8,190 bytes of a line, Caddy 16 KiB of a whole head unless it is set to more.
const maxCarried = 65_000

// SizeRefusal refuses a request to a guarded path whose query or cookies could be cut
// on their way, or whose head tells some server another length of the body.
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
	if r.ContentLength != 0 && tellsLength(r) {
		return refusedLength
	}
	return nil
}

// tellsLength reports whether the head of a request tells another length of its body to
// Workerman 5, which takes the first that it finds anywhere in the head, the target
// among the rest (Protocols\Http::input).
func tellsLength(r *http.Request) bool {
	if holdsLength(r.URL.RawQuery) || holdsLength(r.URL.Path) {
		return true
	}
	for _, values := range r.Header {
		for _, value := range values {
			if holdsLength(value) {
				return true
			}
		}
	}
	return false
}

// holdsLength reports whether text holds the name of the header, a colon and a digit.
func holdsLength(text string) bool {
	for {
		head, rest, ok := strings.Cut(text, ":")
		if !ok {
			return false
		}
		const name = "content-length"
		number := strings.TrimLeft(rest, " \t\r\n\v\f")
		if len(head) >= len(name) && equalFoldASCII(head[len(head)-len(name):], name) && number != "" && number[0] >= '0' && number[0] <= '9' {
			return true
		}
		text = rest
	}
}

var (
	refusedLongTarget = &Refusal{
		Status: http.StatusRequestURITooLong,
		Code:   "query_too_long",
		Reason: "The query is longer than every server carries whole, so send the arguments in the body of a POST",
	}
	refusedLength = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "length_elsewhere",
		Reason: "The query or a header holds Content-Length and a number, which some servers take for the body's length, so leave it out",
	}
	refusedLongCookies = &Refusal{
		Status: http.StatusRequestHeaderFieldsTooLarge,
		Code:   "cookies_too_long",
		Reason: "The cookies are longer than every server carries whole, so leave them out",
	}
)
