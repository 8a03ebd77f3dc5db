package whatcounts

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// Models of what server families make of a request, each after its own rules
// for splitting, decoding, folding and choosing among duplicates. They know
// nothing of the code under test. docs/reading.md names the source of each rule.

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
		all := append(split(a.query, "&"), formOf(a, "&")...)
		return []seen{first(decoded(all, strictDecode))}
	}},
	{"rack", func(a asked) []seen {
		q := bracketed(decoded(splitRack(a.query), laxDecode))
		b := bracketed(decoded(split(a.body, "&"), laxDecode))
		return []seen{last(append(q, b...))}
	}},
	{"flask", func(a asked) []seen {
		return []seen{first(decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode))}
	}},
	{"django", func(a asked) []seen {
		q, b := decoded(split(a.query, "&"), laxDecode), decoded(split(a.body, "&"), laxDecode)
		return []seen{last(append(q, b...)), last(append(b, q...))}
	}},
	{"starlette", func(a asked) []seen {
		q, b := decoded(split(a.query, "&"), laxDecode), decoded(split(a.body, "&;"), laxDecode)
		return []seen{last(append(q, b...)), last(append(b, q...))}
	}},
	{"express", func(a asked) []seen {
		query, _, _ := strings.Cut(a.query, "#")
		q := bracketed(decoded(limit(split(query, "&")), laxDecode))
		b := bracketed(decoded(limit(split(a.body, "&")), laxDecode))
		return []seen{joined(append(q, b...)), last(append(b, q...)), first(append(q, b...))}
	}},
	{"asp.net", func(a asked) []seen {
		q, f := decoded(split(a.query, "&"), aspDecode), decoded(split(a.body, "&"), aspDecode)
		c := decoded(cookies(a.cookie), aspDecode)
		for _, pairs := range [][]pair{q, f, c} {
			for i := range pairs {
				pairs[i].name = strings.ToLower(pairs[i].name)
			}
		}
		view := seen{}
		for _, pairs := range [][]pair{c, f, q} { // the query is asked first, cookies last
			for name, value := range joined(named(pairs)) {
				view[name] = value
			}
		}
		return []seen{view}
	}},
	{"coldfusion", func(a asked) []seen {
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			all[i].name = strings.ToLower(all[i].name)
		}
		return []seen{joined(all), last(all)}
	}},
	{"go", func(a asked) []seen {
		return []seen{first(decoded(append(goPairs(a.body), goPairs(a.query)...), strictDecode))}
	}},
	{"perl cgi", func(a asked) []seen {
		q, b := decoded(split(a.query, "&;"), aspDecode), decoded(split(a.body, "&;"), aspDecode)
		return []seen{first(append(b, q...)), last(append(q, b...)), first(append(q, b...))}
	}},
	{"old python", func(a asked) []seen {
		q, b := decoded(split(a.query, "&;"), laxDecode), decoded(split(a.body, "&;"), laxDecode)
		return []seen{first(append(q, b...)), last(append(q, b...))}
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
	{"trimming, narrowing", func(a asked) []seen { // an application that normalises what it is given
		all := decoded(append(split(a.query, "&"), split(a.body, "&")...), laxDecode)
		for i := range all {
			all[i].name = strings.TrimSpace(narrow(all[i].name))
			all[i].value = strings.TrimSpace(narrow(all[i].value))
		}
		return []seen{first(all), last(all)}
	}},
}

type pair struct {
	name, value string
	bare        bool
}

// split splits a query or form at the given separators.
func split(s, separators string) (pairs []pair) {
	for _, part := range strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		name, value, ok := strings.Cut(part, "=")
		pairs = append(pairs, pair{name, value, !ok})
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

// formOf is the form of a POST, for families that read no other.
func formOf(a asked, separators string) []pair {
	if a.method != http.MethodPost {
		return nil
	}
	return split(a.body, separators)
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
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			pairs = append(pairs, pair{name, value, false})
		}
	}
	return pairs
}

func limit(pairs []pair) []pair { return pairs[:min(len(pairs), 1000)] }

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

// bracketed is what Rack and qs make of brackets: phone[], phone[0], phone[x]
// and, in qs, [phone] all lead to phone.
func bracketed(pairs []pair) []pair {
	out := make([]pair, len(pairs))
	for i, p := range pairs {
		if inner, ok := strings.CutPrefix(p.name, "["); ok {
			p.name, _, _ = strings.Cut(inner, "]")
		} else {
			p.name, _, _ = strings.Cut(p.name, "[")
		}
		out[i] = p
	}
	return out
}

// phpViews is $_REQUEST with request_order GP and, as without a php.ini, GPC.
func phpViews(a asked) []seen {
	all := append(phpVars(a.query), phpVars(a.body)...)
	return []seen{last(all), last(append(all, phpCookies(a.cookie)...))}
}

func phpVars(s string) []pair { return phpNames(limit(split(s, "&"))) }

func phpCookies(header string) []pair { return phpNames(cookies(header)) }

// phpNames is php_register_variable_ex: leading blanks go, a NUL ends the name,
// dots and blanks before a bracket become underscores, and so does a bracket
// that nothing closes.
func phpNames(pairs []pair) (vars []pair) {
	for _, p := range decoded(pairs, laxDecode) {
		name := strings.TrimLeft(p.name, " ")
		name, _, _ = strings.Cut(name, "\x00")
		base, index, ok := strings.Cut(name, "[")
		base = strings.NewReplacer(".", "_", " ", "_").Replace(base)
		if ok && !strings.Contains(index, "]") {
			base += "_" + index
		}
		if base != "" {
			vars = append(vars, pair{name: base, value: p.value})
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
			out = append(out, pair{name, value, p.bare})
		}
	}
	return out
}

func laxDecode(s string) (string, bool) { return percentDecode(s, false, true), true }

func aspDecode(s string) (string, bool) { return percentDecode(s, true, true), true }

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
