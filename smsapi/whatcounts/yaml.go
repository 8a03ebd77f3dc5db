package whatcounts

import (
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// isYAML reports whether a body that says that it is a form is a send to those who read it as
// YAML, in lines like "phone: 12065551212": with a command among them, or one elsewhere in the
// request. Dancer2's serializer Mutable reads a body as the Accept header says, where it knows
// no serializer for the Content-Type.
//
// A line with "=" and without a colon behind its name is YAML to nobody. So a form whose text
// has raw line ends in it is no more than that.
func isYAML(form string, command bool) bool {
	if strings.IndexByte(form, ':') < 0 {
		return false
	}
	found := false
	for line := range strings.FieldsFuncSeq(form, func(c rune) bool { return c == '\n' || c == '\r' }) {
		name, value, given := yamlPair(line)
		switch {
		case given && len(name) <= maxOddName && strings.IndexByte(name, '=') < 0:
			found = found || foldedRole(name) != noRole
			command = command || foldsToSMSCommand(value)
		case !given && strings.IndexByte(line, '=') >= 0 && !strings.HasPrefix(line, "#"):
			return found && command
		}
	}
	return found && command
}

// wantsYAML reports whether an Accept header names YAML, or Perl's Data::Dumper, in which Mutable
// then reads the body. YAML has more ways to write a pair than lines, and no client of the API asks
// for either: its answers are texts.
func wantsYAML(accept []string) bool {
	for _, types := range accept {
		if smsapi.IndexFold(types, "yaml") >= 0 || smsapi.IndexFold(types, "data-dumper") >= 0 {
			return true
		}
	}
	return false
}

// yamlPair splits a line at its first colon with a blank or nothing behind it.
func yamlPair(line string) (name, value string, given bool) {
	for at := range len(line) {
		if line[at] == ':' && (at+1 == len(line) || line[at+1] == ' ' || line[at+1] == '\t') {
			return line[:at], line[at+1:], true
		}
	}
	return "", "", false
}
