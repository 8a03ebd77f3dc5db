package whatcounts

import (
	"net/url"
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// hasPathArguments reports whether the path itself carries arguments, as matrix
// parameters (/api_web;phone=1), behind an encoded "?", or as PATH_INFO that some
// frameworks read in pairs (/api_web/phone/1), or a command in place of one, or as those
// of a function of OData (/api_web(phone=1)). A component of ColdFusion's takes arguments
// by their position, under names that are numbers.
//
// A path in the query carries arguments in the same ways: /?/bin/api_web/phone/1, and
// /?s=bin/api_web/phone/1 to ThinkPHP, where they go before the request's own.
//
// slash: the query holds one, see [arguments.outOfPlace].
// marked: the path holds a mark, see [holdsMark].
func hasPathArguments(u *url.URL, slash, marked bool) bool {
	if slash && smsapi.QueryNames(u.RawQuery, endpoint) {
		for piece := range strings.SplitSeq(u.RawQuery, "&") {
			if smsapi.TextNames(piece, endpoint) && pathHasArguments(piece) {
				return true
			}
		}
	}
	if u.RawPath == "" && !marked && strings.Index(u.Path, endpoint) == len(u.Path)-len(endpoint) {
		return false
	}
	return partsAreArguments(u.RawPath) || pathHasArguments(u.Path)
}

// holdsMark reports whether a path holds a character of those that separate arguments.
func holdsMark(path string) bool {
	for i := range len(path) { // strings.ContainsAny takes five times as long
		switch path[i] {
		case '?', ';', '%', '&', '=':
			return true
		}
	}
	return false
}

// pathHasArguments looks at every decoding of a path, as it stands and folded.
func pathHasArguments(path string) bool {
	for range maxPathDecodings {
		if partsAreArguments(path) {
			return true
		}
		if folded := smsapi.FoldedPath(path); folded != path && partsAreArguments(folded) {
			return true
		}
		decoded, _ := smsapi.AppendUnescaped(nil, path, '+')
		if string(decoded) == path {
			return false
		}
		path = string(decoded)
	}
	return true // and nobody decodes so often
}

// maxPathDecodings bounds how often a path is decoded.
const maxPathDecodings = 8

func partsAreArguments(path string) bool {
	behind := false // the endpoint has gone by
	for part := range strings.FieldsFuncSeq(path, isPathSeparator) {
		name, _, pair := strings.Cut(part, "=")
		if (pair || behind) && foldedRole(name) != noRole || behind && isPathCommand(part) {
			return true
		}
		if smsapi.TextNames(part, endpoint) {
			_, rest, _ := strings.Cut(part, ".")
			for more := true; more; { // what stands for an extension
				var extension string
				extension, rest, more = strings.Cut(rest, ".")
				if isPathCommand(extension) || strings.EqualFold(strings.TrimRight(extension, " \x00"), "cfc") {
					return true
				}
			}
			behind = true
		}
	}
	return false
}

// isPathCommand reports whether a part of a path is a command, with an extension or
// without.
func isPathCommand(part string) bool {
	name, _, _ := strings.Cut(part, ".")
	return foldsToSMSCommand(part) || foldsToSMSCommand(name)
}

// isPathSeparator reports whether somebody splits a path at c: ThinkPHP at bars.
func isPathSeparator(c rune) bool { return strings.ContainsRune(`/\;&?#(),|`, c) }
