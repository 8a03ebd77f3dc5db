package whatcounts

import (
	"bytes"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// outOfPlace reports whether a query holds a slash, a "?" (PrestaShop takes arguments
// behind one in its route) or a bar (ThinkPHP's other slash), as it is or encoded, and whether
// it may hold an encoded separator, once or more. Most sends hold neither, so what either of
// them is looked for need not be.
func (args *arguments) outOfPlace(query string) (slash, separator bool) {
	slash, separator = smsapi.EscapedMarks(query)
	return slash || args.question || strings.IndexByte(query, '/') >= 0 || strings.IndexByte(query, '|') >= 0, separator
}

// hasNestedCommand reports whether text, a raw query or form, holds an encoded
// separator behind which somebody who decodes before splitting finds an SMS
// command. Other encoded arguments in a text are a text.
func hasNestedCommand(text string) bool {
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 {
			return false
		}
		text = text[i+1:]
		pair, ok := behindSeparator(text)
		if !ok {
			continue
		}
		if isNestedCommand(upToSeparator(pair[:min(len(pair), maxNestedPair)])) {
			return true
		}
	}
}

// behindSeparator is what stands behind an encoded "&" or ";", where s follows the "%"
// of one, encoded once or more.
func behindSeparator(s string) (rest string, ok bool) {
	for strings.HasPrefix(s, "25") {
		s = s[2:]
	}
	if strings.HasPrefix(s, "26") || len(s) >= 2 && s[0] == '3' && s[1]|0x20 == 'b' {
		return s[2:], true
	}
	return "", false
}

// upToSeparator is s up to the next separator, encoded or not: no command goes on behind
// one, and what stands there is looked at by itself.
func upToSeparator(s string) string {
	for i := range len(s) {
		if s[i] == '&' {
			return s[:i]
		}
		if s[i] == '%' {
			if _, ok := behindSeparator(s[i+1:]); ok {
				return s[:i]
			}
		}
	}
	return s
}

// maxNestedPair is how much behind an encoded separator is looked at: more than a name
// of weight and a command take, however they are written. Without a bound, a body of
// separators alone would be looked at once for each.
const maxNestedPair = 128

func isNestedCommand(pair string) bool {
	var buf [maxNestedPair]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], pair, ' ')
	name, value, ok := bytes.Cut(decoded, []byte("="))
	for range 2 {
		if ok || bytes.IndexByte(decoded, '%') < 0 {
			break
		}
		decoded, _ = smsapi.AppendUnescaped(nil, string(decoded), ' ')
		name, value, ok = bytes.Cut(decoded, []byte("="))
	}
	if !ok || len(name) > 32 {
		return false // no name of weight is that long, however it is written
	}
	if foldedRole(string(name)) != command {
		return false
	}
	if end := bytes.IndexAny(value, "&;"); end >= 0 {
		value = value[:end]
	}
	return foldsToSMSCommand(string(value))
}
