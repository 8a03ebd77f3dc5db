package smsapi

import (
	"bytes"
)

// maxDecodings is how often a name or a path is decoded in search of what some
// reader could see in it. Twice is what careless stacks do; once more is margin.
const maxDecodings = 3

// NameFolds returns which of the known names some server family could read in
// name, which is as written, or -1. The known names are skeletons: ASCII letters
// in lower case and digits, without anything else, "sendercode" for sender_code.
//
// Folded are: escapes, once and more, %uXXXX among them, and overlong UTF-8; letter
// case (ASP.NET, ColdFusion); compatibility forms such as full-width letters, and
// Windows' best fits;
// leading and trailing bytes of no meaning; what follows a NUL or "[" (PHP, qs,
// Rack); ".", space and "-" for "_" (PHP); "&", ";" and "=" that only a second
// decoding brings to light; and a leading "amp;".
func NameFolds(name string, known []string) int {
	return folds(name, false, known)
}

// ValueFolds is NameFolds for a value that names something, such as a command:
// it also looks at each entry of what a reader could take for a list.
func ValueFolds(value string, known []string) int {
	return folds(value, true, known)
}

// MemberFolds is NameFolds for the parts behind the first of a name that names a member
// of something: m.phone (models of ASP.NET MVC), m[phone] and m[phone][] (Rails, PHP, qs),
// [0].phone (Struts), m]phone (Rack). It returns -1 for a name of one part.
func MemberFolds(name string, known []string) int {
	var buf [256]byte
	decoded := bytes.TrimRight(appendLenient(buf[:0], name, true), "] ")
	for {
		at := bytes.IndexAny(decoded, ".[]")
		if at < 0 {
			return -1
		}
		decoded = decoded[at+1:]
		part := decoded
		if end := bytes.IndexAny(part, ".[]"); end >= 0 {
			part = part[:end]
		}
		if found := partFolds(part, known); found >= 0 {
			return found
		}
	}
}

// maxLookedAtOften is how long a text may be to be looked at each time that it is decoded, in
// bytes. Of a longer one only the last counts: a megabyte of marks would take seconds.
const maxLookedAtOften = 64 << 10

// folds decodes s, and once more as long as there are escapes, and looks at what it is each
// time: as it stands, cleaned, and with what may hide in it.
func folds(s string, list bool, known []string) int {
	var buffers [3][256]byte
	decoded := appendLenient(buffers[0][:0], s, true)
	for i := 1; ; i++ {
		last := i == maxDecodings || bytes.IndexByte(decoded, '%') < 0
		var next []byte
		if !last {
			next = appendLenient(buffers[i%2][:0], string(decoded), true)
			last = bytes.Equal(next, decoded)
		}
		if last || len(s) <= maxLookedAtOften {
			found := findFolded(decoded, list, known)
			if found < 0 {
				found = findCleaned(buffers[2][:0], decoded, list, known)
			}
			if found < 0 && !list {
				found = findHidden(decoded, known)
			}
			if found >= 0 || last {
				return found
			}
		}
		decoded = next
	}
}

// findCleaned is findFolded for what is left of a decoded name once it is cleaned. room is
// memory to clean it in.
func findCleaned(room, decoded []byte, list bool, known []string) int {
	ascii := isASCIIText(decoded)
	for way := range cleanings {
		if way > 0 && ascii {
			break
		}
		name := cleaned(room, decoded, way)
		if len(name) == len(decoded) || !list && len(bytes.Trim(name, "_")) < len(name) {
			continue // _p and phone_ are other names to those who clean
		}
		if found := findFolded(name, list, known); found >= 0 {
			return found
		}
	}
	return -1
}

func findFolded(decoded []byte, list bool, known []string) int {
	if list {
		return anyStretchFolds(decoded, known)
	}
	if found := nameFolds(decoded, known); found >= 0 {
		return found
	}
	return indexOfFolded(known, decoded) // separators that are taken out as well
}

// nameFolds looks at each part of a decoded name that a second look for
// separators would make a name of its own.
func nameFolds(name []byte, known []string) int {
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && !separates(name[i]) {
			continue
		}
		if found := partFolds(name[start:i], known); found >= 0 {
			return found
		}
		start = i + 1
	}
	return -1
}

// separates reports whether c ends a name or begins one for somebody who
// splits after decoding.
func separates(c byte) bool {
	switch c {
	case '&', ';', '?', '#', '\r', '\n':
		return true
	}
	return false
}

// partFolds looks at the whole of part, and at its beginning up to where a
// reader may cut.
func partFolds(part []byte, known []string) int {
	if found := indexOfFolded(known, part); found >= 0 {
		return found
	}
	var buf [maxSkeleton]byte
	start := 0
	for i := 0; i <= len(part); i++ {
		if i < len(part) && !cutsName(part[i]) {
			continue
		}
		if s := skeleton(buf[:0], part[start:i], true); len(s) > 0 {
			return indexOf(known, s)
		}
		start = i + 1 // nothing yet, as before the bracket of "[phone]"
	}
	return -1
}

// anyStretchFolds looks at the whole of value, and at each stretch of it.
func anyStretchFolds(value []byte, known []string) int {
	if found := indexOfFolded(known, value); found >= 0 {
		return found
	}
	start := 0
	for i := 0; i <= len(value); i++ {
		if i < len(value) && !separates(value[i]) && !cutsName(value[i]) && value[i] > ' ' {
			continue
		}
		if found := indexOfFolded(known, value[start:i]); found >= 0 {
			return found
		}
		start = i + 1
	}
	return -1
}

// indexOfFolded is which of the known names the whole of a decoded text folds to, or -1.
func indexOfFolded(known []string, text []byte) int {
	var buf [maxSkeleton]byte
	return indexOf(known, skeleton(buf[:0], text, true))
}

func indexOf(known []string, skeleton []byte) int {
	for i, name := range known {
		if name == string(skeleton) {
			return i
		}
	}
	return -1
}

// cutsName reports whether a reader may end a name at c.
func cutsName(c byte) bool {
	switch c {
	case 0, '[', ']', '%', '=', ':', ',', '|', '"', '\'', '/', '\\', '<', '>', '(', ')', '{', '}':
		return true
	}
	return false
}
