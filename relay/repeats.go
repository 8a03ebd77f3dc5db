package relay

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSpellings is how many ways of undoing the escapes of a text are looked at.
	maxSpellings = 32
	// minArguments is the shortest run of printable characters in decoded bytes, in
	// bytes, in which arguments are looked for: shorter ones come about by chance.
	minArguments = 8
)

// passwordArgument finds a password by its name before it: p=x, "pwd":"x",
// [password] => x, ('p', 'x'), <p>x. An ordinary word in front of it is none.
var passwordArgument = regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(?:p|pw|pwd|pass|passwd|password)(?:["'\])]*\s*[=:>]|["']\s*,)`)

// repeatsRequest reports whether a backend's reason shows the request's password or
// its phone other than as plain words: as arguments, or with escapes (those of
// URLs, forms, HTML, JSON, in any nesting), in base64 or hexadecimal, or with
// characters left out or put in between.
func repeatsRequest(reason, password string) bool {
	all, whole := spellings(reason)
	if !whole {
		return true
	}
	plain := words(reason, password)
	for _, text := range all {
		switch {
		case passwordArgument.MatchString(text),
			// There are too many ways to write what is not ASCII.
			!isPlain(password) && (len(all) > 1 || !isPlain(text)),
			// What shows as it is gets masked; what shows beyond that cannot be.
			!slices.Equal(words(text, password), plain),
			!slices.Equal(words(bare(text), bare(password)), bareWords(plain, password)):
			return true
		}
		for _, decoded := range encodedRuns(text) {
			if showsSecrets(decoded, password) {
				return true
			}
		}
	}
	all, whole = spellings(maskDigits(reason))
	return !whole || slices.ContainsFunc(all, showsPhone)
}

// showsPhone reports whether a text holds what could be a phone.
func showsPhone(text string) bool { return maskDigits(text) != text }

// showsSecrets reports whether bytes that were decoded hold the password, the
// request's arguments or a phone, be it with escapes. What was not encoded decodes
// to noise, so a short password has to be all of it.
func showsSecrets(decoded, password string) bool {
	if password != "" && decoded == password || len(password) >= minHidden && len(parts(decoded, password)) > 0 {
		return true
	}
	for _, run := range strings.FieldsFunc(decoded, func(c rune) bool { return c == utf8.RuneError || !unicode.IsPrint(c) }) {
		if len(run) < minHidden {
			continue
		}
		all, whole := spellings(run)
		if !whole {
			return true
		}
		for _, text := range all {
			if len(password) >= minHidden && len(parts(text, password)) > 0 ||
				len(text) >= minArguments && (passwordArgument.MatchString(text) || showsPhone(text)) {
				return true
			}
		}
	}
	return false
}

// words returns the parts of secret that text shows, folded.
func words(text, secret string) (found []string) {
	for _, p := range parts(text, secret) {
		found = append(found, foldASCII(text[p[0]:p[1]]))
	}
	return found
}

// bareWords is what words returns of the bare text if it shows no more than plain.
func bareWords(plain []string, secret string) (found []string) {
	least := min(minHidden, len(bare(secret)))
	for _, word := range plain {
		if word = bare(word); word != "" && len(word) >= least {
			found = append(found, word)
		}
	}
	return found
}

// isPlain reports whether a text has nothing but what ASCII prints.
func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

// bare is a text without anything but its letters and digits of ASCII.
func bare(text string) string {
	return strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
			return c
		}
		return -1
	}, text)
}

// spellings returns a text, and what becomes of it when escapes are undone, in
// every order, until none is left. It is not the whole of them if they are more
// than maxSpellings.
func spellings(text string) (all []string, whole bool) {
	all = []string{text}
	for i := 0; i < len(all); i++ {
		for _, undo := range [...]func(string) string{undoPercent, undoForm, html.UnescapeString, undoBackslashes} {
			next := undo(all[i])
			if slices.Contains(all, next) {
				continue
			}
			if len(all) == maxSpellings {
				return all, false
			}
			all = append(all, next)
		}
	}
	return all, true
}

// undoForm undoes the escapes of a form.
func undoForm(text string) string { return undoPercent(strings.ReplaceAll(text, "+", " ")) }

// percents are a byte, as %26, and a character, as %u0026.
var percents = regexp.MustCompile(`%(?:u[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})`)

// undoPercent undoes the escapes of a URL.
func undoPercent(text string) string {
	return percents.ReplaceAllStringFunc(text, func(escape string) string {
		return character(escape[1:])
	})
}

// backslashes are a character, as \u0026 and \", and a byte, as \x26 and \046.
var backslashes = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[0-3][0-7]{2}|.)`)

// undoBackslashes undoes the escapes of JSON and of programming languages.
func undoBackslashes(text string) string {
	return backslashes.ReplaceAllStringFunc(text, func(escape string) string {
		switch rest := escape[1:]; {
		case len(rest) == 3 && rest[0] == 'x':
			return character(rest[1:])
		case len(rest) == 3 && rest[0] <= '3':
			return string([]byte{(rest[0]-'0')<<6 | (rest[1]-'0')<<3 | (rest[2] - '0')})
		case len(rest) == 5:
			return character(rest)
		case len(rest) == 1 && strings.Contains("abfnrtv", rest):
			return " "
		default:
			return rest
		}
	})
}

// character is what u and four hexadecimal digits stand for, or two of them.
func character(digits string) string {
	b, err := hex.DecodeString(strings.TrimPrefix(digits, "u"))
	if err != nil {
		return digits
	}
	if len(b) == 2 {
		return string(rune(b[0])<<8 | rune(b[1]))
	}
	return string(b)
}

// base64Runs and hexRuns could be four bytes and more.
var (
	base64Runs = regexp.MustCompile(`[0-9A-Za-z+/_-]{2,}`)
	hexRuns    = regexp.MustCompile(`[0-9A-Fa-f]{2,}`)
)

// encodedRuns returns what the runs of a text stand for if they are base64, in
// either alphabet, or hexadecimal, wherever in a run it begins.
func encodedRuns(text string) (decoded []string) {
	for _, run := range base64Runs.FindAllString(text, -1) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for from := range min(4, len(run)) {
			part := run[from:]
			if len(part)%4 == 1 {
				part = part[:len(part)-1]
			}
			if b, err := base64.RawStdEncoding.DecodeString(part); err == nil {
				decoded = append(decoded, string(b))
			}
		}
	}
	for _, run := range hexRuns.FindAllString(text, -1) {
		for from := range 2 {
			part := run[from:]
			if b, err := hex.DecodeString(part[:len(part)&^1]); err == nil {
				decoded = append(decoded, string(b))
			}
		}
	}
	return decoded
}
