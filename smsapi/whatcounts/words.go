package whatcounts

import (
	"net/http"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// CGI has a way to give a program its query as the words of a command line, from before
// there were forms (RFC 3875, section 4.4), and libraries that read a command line for
// arguments when they are tried out by hand: Perl's CGI and Ruby's. Ruby's takes the body for
// the line where there is none.

// readsWords reports whether they do so for a method: Ruby's for every one but these, Perl's
// for those but DELETE, PUT and PATCH as well. It does not look at the body then, which may be
// another send.
func readsWords(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return false
	}
	return true
}

// isCommandLine reports whether such a program could find an argument among the words of a
// query: those of one without "=", which Apache puts on the command line once it has decoded
// them.
func isCommandLine(query string) bool {
	return strings.IndexByte(query, '=') < 0 && smsapi.IndexFold(query, "%3d") >= 0
}

// namesArguments reports whether a query without "=" holds words of the names that matter: to
// who decodes it first they are arguments, whatever the method.
func namesArguments(query string) bool {
	if strings.IndexByte(query, '%') < 0 || strings.IndexByte(query, '=') >= 0 {
		return false
	}
	line, _ := smsapi.AppendUnescaped(nil, query, ' ')
	for word := range strings.FieldsSeq(string(line)) { // Ruby splits it anew, at every blank
		name, _, ok := strings.Cut(word, "=")
		if ok && (len(name) > maxOddName || foldedRole(name) != noRole) {
			return true
		}
	}
	return false
}

// hasWordCommand reports whether a plus stands before a command, as between the words that PHP
// without a php.ini makes of any query. What stands before the first is the program's name to
// them, and may be another send.
func hasWordCommand(query string) bool {
	plus := strings.IndexByte(query, '+')
	if plus < 0 || strings.IndexByte(query[plus:], '=') < 0 {
		return false // as of nearly all sends, whose text comes last
	}
	for word := range strings.SplitSeq(query[plus+1:], "+") {
		if strings.IndexByte(word, '=') >= 0 && isNestedCommand(upToSeparator(word[:min(len(word), maxNestedPair)])) {
			return true
		}
	}
	return false
}

// isBodyOfWords reports whether Ruby's CGI would find words in a body, between blanks and
// line ends, which no form holds.
func isBodyOfWords(body string) bool {
	return strings.ContainsFunc(body, func(c rune) bool { return c <= ' ' })
}
