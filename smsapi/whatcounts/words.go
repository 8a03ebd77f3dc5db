package whatcounts

import (
	"net/http"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// CGI has a way to give a program its query as the words of a command line, from before
// there were forms (RFC 3875, section 4.4), and libraries that read a command line for
// arguments when they are tried out by hand: Perl's CGI and Ruby's, for every method but
// GET, HEAD and POST. Ruby's takes the body for the line where there is none.

// isCommandLine reports whether such a program could find an argument among the words of a
// query: those of one without "=", which Apache puts on the command line, or a send
// command among the words that PHP without a php.ini makes of any query.
func isCommandLine(query string) bool {
	if strings.IndexByte(query, '=') >= 0 {
		return hasWordCommand(query)
	}
	if strings.IndexByte(query, '%') < 0 {
		return false
	}
	line, _ := smsapi.AppendUnescaped(nil, query, ' ')
	for word := range strings.FieldsSeq(string(line)) { // Ruby splits it anew, at every blank
		name, _, ok := strings.Cut(word, "=")
		if ok && len(name) <= maxOddName && foldedRole(name) != noRole {
			return true
		}
	}
	return false
}

// hasWordCommand reports whether a plus stands before a command, as between words.
func hasWordCommand(query string) bool {
	_, query, _ = strings.Cut(query, "+")
	for word := range strings.SplitSeq(query, "+") {
		if strings.IndexByte(word, '=') >= 0 && isNestedCommand(upToSeparator(word[:min(len(word), maxNestedPair)])) {
			return true
		}
	}
	return false
}

// isBodyOfWords reports whether Ruby's CGI would find words in a body, between blanks and
// line ends, which no form holds.
func isBodyOfWords(method, body string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return false
	}
	return strings.ContainsFunc(body, func(c rune) bool { return c <= ' ' })
}
