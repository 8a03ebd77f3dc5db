package whatcounts

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stopgate/stopgate/smsapi"
)

// Models of what server families make of a request, each after its own rules
// for splitting, decoding, folding and choosing among duplicates. They know
// nothing of the code under test, but for Mono's entities, which are held to Mono's own. docs/reading.md names the source of each rule.

// seen is what a model's application finds under each name.
type seen map[string]string

// asked is a request as it reaches a backend.
type asked struct {
	method, query, body, cookie string
}

// model is one family, with each view that its usual accessors give.
type model struct {
	name  string
	views func(asked) []seen
}

var models = []model{
	{"php", phpViews},
	{"tomcat", func(a asked) []seen {
		all := append(split(a.query, "&"), formOf(a, http.MethodPost)...)
		return picks(decoded(all, strictDecode))
	}},
	{"jetty", func(a asked) []seen { // it refuses the broken escapes that the model keeps
		all := append(split(beforeHash(a.query), "&"), formOf(a, http.MethodPost, http.MethodPut)...)
		return picks(decoded(all, jettyDecode))
	}},
	{"java's URLDecoder", func(a asked) []seen { // programs that split by themselves, Jersey, Spring's FormContentFilter
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), func(s string) (string, bool) {
			return laxDecode(fullWidthDigits.ReplaceAllStringFunc(s, narrow))
		})
		return []seen{first(all), last(all)}
	}},
	{"rack", func(a asked) []seen {
		q := nested(rackNames(decoded(splitRack(a.query), laxDecode)), false)
		b := nested(rackNames(decoded(split(a.body, "&"), laxDecode)), false)
		return []seen{over(b, q), over(q, b), q, b}
	}},
	{"flask", func(a asked) []seen {
		q, b := decoded(split(a.query, "&"), laxDecode), decoded(split(a.body, "&"), laxDecode)
		return []seen{first(append(q, b...)), first(append(b, q...)), first(q), first(b)}
	}},
	{"django", func(a asked) []seen {
		q, b := decoded(split(a.query, "&"), laxDecode), decoded(split(a.body, "&"), laxDecode)
		return []seen{last(append(q, b...)), last(append(b, q...)), last(q), last(b)}
	}},
	{"starlette", func(a asked) []seen {
		q := decoded(split(a.query, "&"), laxDecode)
		// Raw bytes outside ASCII in a query are Latin-1 to it: digits that others see are none.
		var views []seen
		if !isASCII(a.query) {
			latin := decoded(split(latin1(a.query), "&"), laxDecode)
			b := decoded(splitMultipart(a.body), laxDecode)
			views = append(views, last(append(latin, b...)), last(append(b, latin...)), last(latin), last(b))
		}
		for _, body := range [][]pair{splitMultipart(a.body), split(a.body, "&;")} {
			b := decoded(body, laxDecode)
			views = append(views, last(append(q, b...)), last(append(b, q...)), last(q), last(b))
		}
		return views
	}},
	{"express", func(a asked) []seen {
		q, b := qsPairs(beforeHash(a.query), "&"), qsPairs(a.body, "&")
		all := append(qsNames(q), qsNames(b)...)
		return append(qsViews(q, b, qsNames), joined(all), first(all))
	}},
	{"qs with dots", func(a asked) []seen {
		return qsViews(qsPairs(beforeHash(a.query), "&"), qsPairs(a.body, "&"), qsDotted)
	}},
	{"qs with semicolons", func(a asked) []seen {
		q := qsPairs(strings.TrimPrefix(beforeHash(a.query), "?"), "&;")
		return qsViews(q, qsPairs(strings.TrimPrefix(a.body, "?"), "&;"), qsNames)
	}},
	{"node", func(a asked) []seen { // querystring, and URLSearchParams, which drops a leading "?"
		query := beforeHash(a.query)
		q, b := decoded(limit(split(query, "&")), laxDecode), decoded(limit(split(a.body, "&")), laxDecode)
		views := []seen{over(joined(b), joined(q)), over(joined(q), joined(b)), joined(q), joined(b)}
		q = decoded(split(strings.TrimPrefix(query, "?"), "&"), laxDecode)
		b = decoded(split(strings.TrimPrefix(a.body, "?"), "&"), laxDecode)
		return append(views, last(append(q, b...)), last(append(b, q...)), last(q), last(b))
	}},
	{"asp.net", func(a asked) (views []seen) {
		query := strings.TrimPrefix(a.query, "?")
		views = aspViews(strings.ReplaceAll(query, "&amp;", "&"), a.body, a.cookie)
		mono := withoutMonoEntities(smsapi.InLatin1(query))
		if mono != query {
			views = append(views, aspViews(mono, a.body, a.cookie)...)
		}
		if body := withoutMonoEntities(strings.TrimPrefix(a.body, "?")); body != a.body { // HttpUtility.ParseQueryString
			views = append(views, aspViews(mono, body, a.cookie)...)
		}
		return views
	}},
	{"coldfusion", func(a asked) []seen {
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			all[i].name = strings.ToLower(all[i].name)
		}
		return []seen{joined(all), last(all)}
	}},
	{"go", func(a asked) []seen {
		q, b := decoded(goPairs(a.query), strictDecode), decoded(goPairs(a.body), strictDecode)
		return []seen{first(append(b, q...)), first(append(q, b...)), first(q), first(b)}
	}},
	{"perl cgi", func(a asked) []seen {
		q, b := decoded(split(a.query, "&;"), aspDecode), decoded(split(a.body, "&;"), aspDecode)
		return []seen{first(append(b, q...)), last(append(q, b...)), first(append(q, b...)), first(q), first(b)}
	}},
	{"old python", func(a asked) []seen {
		q, b := decoded(split(a.query, "&;"), laxDecode), decoded(split(a.body, "&;"), laxDecode)
		return []seen{first(append(q, b...)), last(append(q, b...)), first(append(b, q...)), last(append(b, q...)), first(q), first(b)}
	}},
	{"html unescaping", func(a asked) []seen {
		undo := strings.NewReplacer("&amp;", "&", "&#38;", "&").Replace
		return []seen{last(decoded(append(split(undo(a.query), "&"), split(undo(a.body), "&")...), laxDecode))}
	}},
	{"percent signs only", func(a asked) []seen { // "+" is a plus
		only := func(s string) (string, bool) { return percentDecode(s, false, false), true }
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), only)
		return []seen{first(all), last(all)}
	}},
	{"decoding twice", func(a asked) []seen { // a proxy, then a server; split once
		twice := func(s string) (string, bool) { return percentDecode(percentDecode(s, true, true), true, true), true }
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), twice)
		return []seen{first(all), last(all), joined(all)}
	}},
	{"c strings", func(a asked) []seen { // names and values end at a NUL
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			all[i].name, _, _ = strings.Cut(all[i].name, "\x00")
			all[i].value, _, _ = strings.Cut(all[i].value, "\x00")
		}
		return []seen{first(all), last(all)}
	}},
	{"best fit", func(a asked) []seen { // a program in an ANSI code page
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), aspDecode)
		for i := range all {
			all[i].name, all[i].value = bestFitted(all[i].name), bestFitted(all[i].value)
		}
		return []seen{first(all), last(all)}
	}},
	{"models with a prefix", func(a asked) []seen { // ASP.NET MVC: m.phone or m[phone]
		all := members(decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode))
		return []seen{first(all), last(all)}
	}},
	{"top of the stack", func(a asked) []seen { // Struts
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			all[i].name = strings.TrimPrefix(strings.TrimPrefix(all[i].name, "top."), "[0].")
		}
		return []seen{first(all), last(all), joined(all)}
	}},
	{"joined without a comma", func(a asked) []seen { // and its digits kept
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		view := seen{}
		for _, p := range all {
			view[p.name] += p.value
		}
		return []seen{view}
	}},
	{"the first hundred", func(a asked) []seen { // OpenResty, Suhosin
		q, b := split(a.query, "&"), split(a.body, "&")
		return []seen{last(decoded(append(q[:min(len(q), 100)], b[:min(len(b), 100)]...), laxDecode))}
	}},
	{"sanitizers of PHP", func(a asked) (views []seen) {
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for _, clean := range []func(string) string{stripSlashes, alnumOnly, asciiPrintable, withoutOctets} {
			values, both := slices.Clone(all), slices.Clone(all)
			for i, p := range all {
				values[i].value = clean(p.value)
				both[i].name, both[i].value = clean(p.name), clean(p.value)
			}
			for i := range both {
				if both[i].name == "sendercode" {
					both[i].name = "sender_code"
				}
			}
			views = append(views, first(values), last(values), last(both))
		}
		letters := slices.Clone(all)
		for i, p := range all { // Symfony's getAlpha, Joomla's getWord
			if p.name == "c" || p.name == "cmd" {
				letters[i].value = lettersOnly(p.value)
			}
		}
		return append(views, first(letters), last(letters))
	}},
	{"the first word", func(a asked) []seen { // Perl, untainting
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			if roleOf(all[i].name) != realm { // accounts of one company are alike in their first word
				all[i].value = firstWordOf.FindString(all[i].value)
			}
		}
		return []seen{first(all)}
	}},
	{"next.js", func(a asked) []seen { // what its routes are given goes before the rest
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			if name, ok := strings.CutPrefix(all[i].name, "nxtP"); ok {
				all = append(all, pair{name: name, value: all[i].value})
			}
		}
		return []seen{last(all)}
	}},
	{"trimming, narrowing", func(a asked) []seen { // an application that normalises what it is given
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			all[i].name = strings.TrimSpace(narrow(all[i].name))
			all[i].value = strings.TrimSpace(narrow(all[i].value))
		}
		return []seen{first(all), last(all)}
	}},
}

func stripSlashes(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), `\`, "") }

func alnumOnly(s string) string { return notAlnum.ReplaceAllString(s, "") }

func lettersOnly(s string) string { return notLetter.ReplaceAllString(s, "") }

func asciiPrintable(s string) string { return notPrintable.ReplaceAllString(s, "") }

func withoutOctets(s string) string { return octet.ReplaceAllString(s, "") }

var (
	notAlnum     = regexp.MustCompile(`[^A-Za-z0-9]`)
	notLetter    = regexp.MustCompile(`[^A-Za-z]`)
	notPrintable = regexp.MustCompile(`[^ -~]`)
	octet        = regexp.MustCompile(`%[a-fA-F0-9]{2}`)
	firstWordOf  = regexp.MustCompile(`\w+`)
)

// bestFitted is what code page 1252 makes of Greek letters.
func bestFitted(s string) string {
	return strings.NewReplacer("π", "p", "ε", "e", "σ", "s", "δ", "d", "α", "a", "τ", "t").Replace(s)
}

// members are the pairs of names that are members of something.
func members(pairs []pair) (out []pair) {
	for _, p := range pairs {
		at := strings.LastIndexAny(strings.TrimRight(p.name, "]"), ".[")
		if at >= 0 {
			out = append(out, pair{name: strings.TrimRight(p.name[at+1:], "]"), value: p.value})
		}
	}
	return out
}

type pair struct {
	name, value string
	bare        bool
	index       string // of a name such as phone[0], in brackets
}

// split splits a query or form at the given separators.
func split(s, separators string) (pairs []pair) {
	for _, part := range strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		name, value, ok := strings.Cut(part, "=")
		pairs = append(pairs, pair{name: name, value: value, bare: !ok})
	}
	return pairs
}

// splitRack is Rack 2's /[&;] */n.
func splitRack(s string) []pair {
	pairs := split(s, "&;")
	for i := range pairs {
		pairs[i].name = strings.TrimLeft(pairs[i].name, " ")
	}
	return pairs
}

// splitMultipart is python-multipart's QuerystringParser before 0.0.18, which looks for
// a semicolon where no ampersand follows, and skips those at the front.
func splitMultipart(s string) (pairs []pair) {
	for s != "" {
		s = strings.TrimLeft(s, "&;")
		end := strings.IndexByte(s, '&')
		if end < 0 {
			end = strings.IndexByte(s, ';')
		}
		if end < 0 {
			end = len(s)
		}
		if end < len(s) || strings.Contains(s, "=") { // a last one without "=" is lost
			pairs = append(pairs, split(s[:end], "&")...)
		}
		s = s[end:]
	}
	return pairs
}

// beforeHash is the query of those who end it at a "#".
func beforeHash(query string) string {
	query, _, _ = strings.Cut(query, "#")
	return query
}

// formOf is the form of a request of one of the methods, for families that read
// no other. Jetty takes "post" for POST; that the rest do not is on the safe side.
func formOf(a asked, methods ...string) []pair {
	if !slices.ContainsFunc(methods, func(m string) bool { return strings.EqualFold(m, a.method) }) {
		return nil
	}
	return split(a.body, "&")
}

// goPairs is url.ParseQuery's splitting, which drops what holds a semicolon.
func goPairs(s string) (pairs []pair) {
	for _, part := range strings.Split(s, "&") {
		if part != "" && !strings.Contains(part, ";") {
			pairs = append(pairs, split(part, "&")...)
		}
	}
	return pairs
}

func cookies(header string) (pairs []pair) {
	for _, part := range strings.Split(header, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); name != "" {
			pairs = append(pairs, pair{name: name, value: value, bare: !ok})
		}
	}
	return pairs
}

func limit(pairs []pair) []pair { return pairs[:min(len(pairs), 1000)] }

// aspViews are the views of ASP.NET's accessors.
func aspViews(query, body, cookie string) (views []seen) {
	q, f := decoded(split(query, "&"), aspDecode), decoded(split(body, "&"), aspDecode)
	raw := cookies(cookie)
	c := decoded(raw, aspDecode)
	for _, pairs := range [][]pair{q, f, c, raw} {
		for i := range pairs {
			pairs[i].name = strings.ToLower(pairs[i].name)
		}
	}
	for i := range raw { // Mono drops the first of two equals signs
		raw[i].value = strings.TrimPrefix(raw[i].value, "=")
	}
	asked := joined(named(q))
	for _, form := range []seen{joined(named(f)), joined(f), {}} { // bare names count in Mono's form, in .NET's they do not
		for _, jar := range []seen{joined(c), first(c), joined(raw), first(raw), first(named(raw))} { // cookies are asked last
			views = append(views, over(asked, over(form, jar)))
		}
		views = append(views, over(asked, form), over(form, asked), asked, form)
	}
	return views
}

func named(pairs []pair) (with []pair) {
	for _, p := range pairs {
		if !p.bare { // ASP.NET files it under no name
			with = append(with, p)
		}
	}
	return with
}

func first(pairs []pair) seen {
	view := seen{}
	for _, p := range pairs {
		if _, ok := view[p.name]; !ok {
			view[p.name] = p.value
		}
	}
	return view
}

func last(pairs []pair) seen {
	view := seen{}
	for _, p := range pairs {
		view[p.name] = p.value
	}
	return view
}

func joined(pairs []pair) seen {
	view := seen{}
	for _, p := range pairs {
		if before, ok := view[p.name]; ok {
			view[p.name] = before + "," + p.value
		} else {
			view[p.name] = p.value
		}
	}
	return view
}

// over is upper, and lower where upper has nothing.
func over(upper, lower seen) seen {
	view := maps.Clone(lower)
	maps.Copy(view, upper)
	return view
}

// picks are the views of those who take the first of each name, or all of them.
func picks(pairs []pair) []seen { return []seen{first(pairs), joined(pairs)} }

// nested is what a reader makes of names with indexes, phone[], phone[0] and
// phone[x]: what stands behind the name is in index, and values under different
// indexes are joined, as an application does that wants a string. A name without
// an index takes the place of what was there, unless all are kept.
func nested(pairs []pair, all bool) seen {
	type entry struct{ index, value string }
	entries := map[string][]entry{}
	for n, p := range pairs {
		before := entries[p.name]
		e := entry{p.index, p.value}
		switch {
		case all:
			e.index = fmt.Sprint("#", n)
		case e.index == "[]" && len(before) > 0 && before[0].index != "":
			e.index = fmt.Sprintf("[%d]", len(before))
		case e.index == "[]":
			e.index = "[0]"
		}
		switch at := slices.IndexFunc(before, func(b entry) bool { return b.index == e.index }); {
		case p.index == "" && !all, len(before) > 0 && before[0].index == "":
			entries[p.name] = []entry{e}
		case at >= 0:
			before[at] = e
		default:
			entries[p.name] = append(before, e)
		}
	}
	view := seen{}
	for name, list := range entries {
		values := make([]string, len(list))
		for i, e := range list {
			values[i] = e.value
		}
		view[name] = strings.Join(values, ",")
	}
	return view
}

// rackNames is Rack's normalize_params: a name ends where its index begins, and
// brackets around it do not count.
func rackNames(pairs []pair) []pair {
	return renamed(pairs, func(name string) (string, string) {
		name = strings.TrimLeft(name, "[]")
		if i := strings.IndexAny(name, "[]"); i >= 0 && name[i:] != "[" {
			return name[:i], strings.TrimLeft(name[i:], "]")
		}
		return name, ""
	})
}

// qsNames is qs's parseKeys: a name ends where its index begins; without a name,
// the first index is one.
func qsNames(pairs []pair) []pair {
	return renamed(pairs, func(name string) (string, string) {
		if inner, ok := strings.CutPrefix(name, "["); ok {
			if base, index, ok := strings.Cut(inner, "]"); ok {
				return base, index
			}
			return name, ""
		}
		if i := strings.IndexByte(name, '['); i >= 0 {
			return name[:i], name[i:]
		}
		return name, ""
	})
}

func qsViews(q, b []pair, names func([]pair) []pair) []seen {
	empty := func(p pair) bool { return p.value == "" }
	var views []seen
	for range 2 {
		query, body := nested(names(q), true), nested(names(b), true)
		views = append(views, over(body, query), over(query, body), query, body)
		// What is empty may be dropped where another spelling of the name has a value.
		q, b = slices.DeleteFunc(slices.Clone(q), empty), slices.DeleteFunc(slices.Clone(b), empty)
	}
	return views
}

// qsDotted is qsNames where dots make indexes as well.
func qsDotted(pairs []pair) []pair {
	out := slices.Clone(pairs)
	for i := range out {
		out[i].name = dotted.ReplaceAllString(out[i].name, "[$1]")
	}
	return qsNames(out)
}

var dotted = regexp.MustCompile(`\.([^.\[]+)`)

// qsPairs is qs's parseValues: a "]=" ends a name before any "=" does, and what
// decodeURIComponent does not take is left as it is.
func qsPairs(s, separators string) (pairs []pair) {
	s = strings.NewReplacer("%5B", "[", "%5b", "[", "%5D", "]", "%5d", "]").Replace(s)
	for _, p := range limit(split(s, separators)) {
		if !p.bare {
			part := p.name + "=" + p.value
			if i := strings.Index(part, "]="); i >= 0 {
				p.name, p.value = part[:i+1], part[i+2:]
			}
		}
		p.name, p.value = uriDecode(p.name), uriDecode(p.value)
		pairs = append(pairs, p)
	}
	return pairs
}

func uriDecode(s string) string {
	if decoded, ok := strictDecode(s); ok && utf8.ValidString(decoded) {
		return decoded
	}
	return strings.ReplaceAll(s, "+", " ")
}

func renamed(pairs []pair, rename func(string) (name, index string)) []pair {
	out := slices.Clone(pairs)
	for i := range out {
		name, index := rename(out[i].name)
		out[i].name, out[i].index = name, index+out[i].index
	}
	return out
}

// phpViews is $_REQUEST with request_order GPC, as without a php.ini, and GP, and
// what applications make that prefer the query or read one of the two. PHP reads
// the form of a POST alone; frameworks read that of other methods.
func phpViews(a asked) (views []seen) {
	// A server of its own ends the query at "#", and skips a second "?".
	q, c := phpVars(split(strings.TrimLeft(beforeHash(a.query), "?"), "&")), phpCookies(a.cookie)
	for _, form := range [][]pair{split(a.body, "&"), formOf(a, http.MethodPost)} {
		b := phpVars(form)
		views = append(views, nested(slices.Concat(q, b, c), false), nested(slices.Concat(q, b), false))
		query, body := nested(q, false), nested(b, false)
		views = append(views, over(nested(c, false), over(body, query)), over(body, query), over(query, body), query, body)
	}
	return views
}

func phpVars(pairs []pair) []pair { return phpNames(decoded(limit(pairs), laxDecode)) }

// phpCookies decodes values alone, and no plus. Of two cookies of one name the
// first counts.
func phpCookies(header string) (vars []pair) {
	all := cookies(header)
	for i := range all {
		all[i].value = percentDecode(all[i].value, false, false)
	}
	for _, p := range phpNames(all) {
		if !slices.ContainsFunc(vars, func(v pair) bool { return v.name == p.name && p.index == "" }) {
			vars = append(vars, p)
		}
	}
	return vars
}

// phpNames is php_register_variable_ex: leading blanks go, a NUL ends the name,
// dots and blanks before a bracket become underscores, and so does a bracket
// that nothing closes.
func phpNames(pairs []pair) (vars []pair) {
	for _, p := range pairs {
		name := strings.TrimLeft(p.name, " ")
		name, _, _ = strings.Cut(name, "\x00")
		base, index, ok := strings.Cut(name, "[")
		base = strings.NewReplacer(".", "_", " ", "_").Replace(base)
		switch {
		case !ok:
		case base == "":
			base, index = "_"+strings.NewReplacer(".", "_", " ", "_").Replace(index), ""
		case strings.Contains(index, "]"):
			index = "[" + index[:strings.LastIndexByte(index, ']')+1]
		default:
			base, index = base+"_"+index, ""
		}
		if base != "" {
			vars = append(vars, pair{name: base, index: index, value: p.value})
		}
	}
	return vars
}

// decoder decodes one name or value. It reports false where the family drops
// the pair.
type decoder func(string) (string, bool)

func decoded(pairs []pair, decode decoder) (out []pair) {
	for _, p := range pairs {
		name, ok1 := decode(p.name)
		value, ok2 := decode(p.value)
		if ok1 && ok2 {
			out = append(out, pair{name: name, value: value, bare: p.bare})
		}
	}
	return out
}

func laxDecode(s string) (string, bool) { return percentDecode(s, false, true), true }

func aspDecode(s string) (string, bool) { return percentDecode(s, true, true), true }

// fullWidthDigits are escapes that Integer.parseInt reads.
var fullWidthDigits = regexp.MustCompile("%[0-9a-fA-F\uFF10-\uFF19\uFF21-\uFF26]{2}")

// oddHex are escapes that Jetty's TypeUtil.convertHexDigit reads.
var oddHex = regexp.MustCompile("%[0-9a-fA-F:-@`\x10-\x1f]{2}")

// jettyDecode is aspDecode with them.
func jettyDecode(s string) (string, bool) {
	return aspDecode(oddHex.ReplaceAllStringFunc(s, func(escape string) string {
		var value [2]int
		for i, c := range []byte(escape[1:]) {
			value[i] = int(c&0x1f) + int(c>>6)*0x19 - 0x10
		}
		return fmt.Sprintf("%%%x%x", value[0], value[1])
	}))
}

// strictDecode drops what holds a broken escape, as Go and Tomcat do.
func strictDecode(s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if _, ok := hex2(s, i+1); !ok {
				return "", false
			}
		}
	}
	return percentDecode(s, false, true), true
}

func percentDecode(s string, wide, plus bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '+' && plus {
			b.WriteByte(' ')
			continue
		}
		if s[i] == '%' {
			if c, ok := hex2(s, i+1); ok {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
			if wide && i+1 < len(s) && (s[i+1] == 'u' || s[i+1] == 'U') {
				hi, ok1 := hex2(s, i+2)
				lo, ok2 := hex2(s, i+4)
				if ok1 && ok2 {
					b.WriteRune(rune(hi<<8 | lo))
					i += 5
					continue
				}
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hex2(s string, i int) (int, bool) {
	if i+2 > len(s) {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[i : i+2]) {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if c >= '0' && c <= '9' {
			d = int(c - '0')
		}
		if d < 0 {
			return 0, false
		}
		n = n<<4 | d
	}
	return n, true
}

// narrow is what full-width forms are in ASCII, and other digits in Python's
// int() and .NET's IsDigit.
func narrow(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r >= '٠' && r <= '٩':
			return r - '٠' + '0'
		case r == '\u00a0':
			return ' '
		case r == '\ufeff' || r == '\u200b' || r == '\u202a' || r == '\u202c' || r == '\u00ad' || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
}
