package whatcounts

import "strings"

// isYAML reports whether a body that says that it is a form names an argument as YAML does,
// in a line "phone: 12065551212". Dancer2's serializer Mutable reads one as the Accept header
// says, where it knows no serializer for the Content-Type.
//
// A line with "=" and without a colon behind its name is YAML to nobody. So a text with a raw
// line's end in it, and a colon behind, is no more than a text.
func isYAML(form string) bool {
	if strings.IndexByte(form, ':') < 0 {
		return false
	}
	for line := range strings.FieldsFuncSeq(form, func(c rune) bool { return c == '\n' || c == '\r' }) {
		name, given := yamlKey(line)
		switch {
		case given && len(name) <= maxOddName && strings.IndexByte(name, '=') < 0 && foldedRole(name) != noRole:
			return true
		case !given && strings.IndexByte(line, '=') >= 0 && !strings.HasPrefix(line, "#"):
			return false
		}
	}
	return false
}

// yamlKey is what stands before a line's first colon with a blank or nothing behind it.
func yamlKey(line string) (name string, given bool) {
	for at := range len(line) {
		if line[at] == ':' && (at+1 == len(line) || line[at+1] == ' ' || line[at+1] == '\t') {
			return line[:at], true
		}
	}
	return "", false
}
