package smsapi

import (
	"strings"
)

// isCleaned reports whether a path names name as a word of its own once it is cleaned.
func isCleaned(path, name string) bool {
	if cleanedNames(path, name, func(begin, end int) bool { return isWordOf(path, begin, end) }) {
		return true
	}
	first, last := strings.IndexByte(path, '<'), strings.LastIndexByte(path, '>')
	if first < 0 || last < first {
		return false
	}
	outside := path[:first] + path[last+1:] // of tags that hold others
	return cleanedNames(outside, name, func(begin, end int) bool { return isWordOf(outside, begin, end) })
}

// cleanedNames reports whether the name comes about, at a place that fits, where a router
// takes out what is no letter, digit or underscore: PHP's FILTER_SANITIZE_URL, which small
// frameworks put their path through, drops blanks and what is not ASCII, OpenCart and
// Joomla more, WordPress' sanitize_text_field escapes, and stripslashes what its name says.
//
// A text so long and so full of what vanishes that it would take seconds is taken to name it.
func cleanedNames(text, name string, fits func(begin, end int) bool) bool {
	w := walk{text: text, left: 8*len(text) + 1024}
	at := max(0, strings.IndexByte(name, '_')) // rarer than any letter
	for from := 0; ; {
		i := strings.IndexByte(text[from:], name[at])
		if i < 0 {
			return false
		}
		i += from
		from = i + 1
		begin, end := i, i+1
		for n := at - 1; n >= 0 && begin >= 0; n-- {
			begin = w.back(begin, name[n])
		}
		for n := at + 1; n < len(name) && begin >= 0 && end >= 0; n++ {
			end = w.ahead(end, name[n])
		}
		if w.left < 0 || begin >= 0 && end >= 0 && fits(begin, end) {
			return true
		}
	}
}

// walk goes over what vanishes of a text, at most so many more steps: from each of the
// underscores in "<_><_><_>" all tags before it are passed again.
type walk struct {
	text string
	left int
}

// ahead is where the text goes on behind c, which stands at i or behind what vanishes there,
// and -1 if it does not.
func (w *walk) ahead(i int, c byte) int {
	text := w.text
	for ; i < len(text) && lower(text[i]) != c; w.left-- {
		own := routersOwn(text[i:], strings.HasPrefix)
		switch {
		case w.left < 0:
			return -1
		case isEscape(text[i:]), strings.HasPrefix(text[i:], "../"): // as who would not have it leave a folder does
			i += 3
		case own > 0:
			i += own
		case text[i] == '<': // strip_tags, or a mark
			i = w.closes(i)
		case vanishes(text[i]):
			i++
		default:
			return -1
		}
	}
	if i >= len(text) {
		return -1
	}
	return i + 1
}

// back is where c stands, which is right before i or before what vanishes there, and
// -1 if it does not.
func (w *walk) back(i int, c byte) int {
	text := w.text
	for ; i > 0; w.left-- {
		own := routersOwn(text[:i], strings.HasSuffix)
		switch {
		case w.left < 0:
			return -1
		case i > 2 && (isEscape(text[i-3:i]) || text[i-3:i] == "../"):
			i -= 3
		case own > 0:
			i -= own
		case text[i-1] == '>':
			i = w.opens(i)
		case lower(text[i-1]) == c:
			return i - 1
		case vanishes(text[i-1]):
			i--
		default:
			return -1
		}
	}
	return -1
}

// routersOwn is the length of what text begins or ends with of that which routers take out
// of a path wherever it stands: their own name, and extensions. It is 0 for nothing.
func routersOwn(text string, has func(text, part string) bool) int {
	for _, part := range [...]string{"/index.php", "index.php/", "index.php", ".php", ".html"} {
		if has(text, part) {
			return len(part)
		}
	}
	return 0
}

// closes is where the tag ends that begins at i; right behind i if none does.
func (w *walk) closes(i int) int {
	end := i + 1 + strings.IndexByte(w.text[i:], '>')
	if end == i {
		w.left -= (len(w.text) - i) / 16
		return i + 1
	}
	w.left -= (end - i) / 16
	return end
}

// opens is where the tag begins that ends before i; right before i if none does.
func (w *walk) opens(i int) int {
	begin := strings.LastIndexByte(w.text[:i], '<')
	w.left -= (i - begin) / 16
	if begin < 0 {
		return i - 1
	}
	return begin
}

// isEscape reports whether s begins with an escape.
func isEscape(s string) bool {
	_, ok := hexByte(s, 1)
	return ok && s[0] == '%'
}

// vanishes reports whether somebody takes c out of a path, or of a route.
func vanishes(c byte) bool { return !isAlnum(lower(c)) && c != '_' && c != '/' }

// isWordOf reports whether text[begin:end] is a word of its own.
func isWordOf(text string, begin, end int) bool {
	return (begin == 0 || !isWord(text[begin-1])) && (end == len(text) || !isWord(text[end]))
}
