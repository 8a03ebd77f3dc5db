package phone

import "strings"

// withoutSnippets is a field without what stands in double brackets, which MODX takes out of
// every argument, and whether there is any.
func withoutSnippets(field string) (left string, ok bool) {
	var b strings.Builder
	for {
		begin := strings.Index(field, "[[")
		if begin < 0 {
			break
		}
		end := strings.Index(field[begin:], "]]")
		if end < 0 {
			break
		}
		b.WriteString(field[:begin])
		field, ok = field[begin+end+len("]]"):], true
	}
	if !ok {
		return field, false
	}
	b.WriteString(field)
	return b.String(), true
}
