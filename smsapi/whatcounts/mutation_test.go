package whatcounts

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
)

// The grammar of the quirks knows what its writers thought of. Mutations of a send
// know nothing, and try what nobody thought of on the real parsers.

var mutants = []string{
	"r=myrealm&p=mypass&c=smssendmessagetophone&phone=12065551212&sender_code=120162701555",
	"r=myrealm&p=mypass&c=smssendmessagetophone&phone=13105550000&phone=12065551212&sender_code=120162701555",
	"r=myrealm&p=mypass&c=find&c=smssendmessagetophone&phone=12065551212&sender_code=120162701555",
	"r=myrealm&p=mypass&c=smssendmessagetophone&phone=12065551212&sender_code=999&sender_code=120162701555",
	"r=second&r=myrealm&p=mypass&c=smssendmessagetophone&phone=12065551212&sender_code=120162701555",
	"x=phone=12065551212&r=myrealm&p=mypass&c=smssendmessagetophone&sender_code=120162701555&phone=13105550000",
}

var mutations = []string{
	"%00", "%0A", "%0D", "%20", "+", ".", "[", "]", "_", "-", ";", "&", "=", "#", "%5B", "%5D", "%u0070", "%c0%80", "%25", "%", "%2", "%26",
	"%3D", "%3B", "%23", "?", "!", "'", "\"", "(", ")", "{", "}", "|", "\\", "/", ":", "*", "~", "^", "`", "@", ",", "$", "<", ">", "\x80", "\xff",
	"%80", "%ff", "%c3%a9", "%ef%bb%bf", "%e2%80%8b", "%0b", "%1f", "%7f", "amp;", "&amp;", "[]", "[0]", "][", "a", "1", "c", "phone", "phone=",
	"&phone=", "&c=", "&r=", "&sender_code=", "%5f", "%2e", "%2b", "%70", "%63", "%72", "==", "&&", "=&", "&=", "%3d", "__proto__", "0",
	"\uff06", "\uff1d", "\uff05", "&#;", "&;", "&#38;", "&#x3d;", "&#2147483686;", "\uff06phone\uff1d",
}

// spelt are ways to write a character of ASCII, as one or another reader undoes.
var spelt = [...]func(c byte) string{
	func(c byte) string { return string(rune(c) + '\uff00' - ' ') }, // full-width
	func(c byte) string { return fmt.Sprintf("&#%d;", c) },
	func(c byte) string { return fmt.Sprintf("&#x%x;", uint32(c)|1<<31) },
	func(c byte) string { return "&" + string(rune(c)) }, // which Mono collects
	func(c byte) string { return fmt.Sprintf("%%%02x", c) },
	func(c byte) string { return fmt.Sprintf("%%u%04x", c) },
}

// spellPart spells a stretch of text from at on.
func spellPart(rng *rand.Rand, text string, at int) string {
	end := min(at+1+rng.Intn(1+rng.Intn(12)), len(text))
	return text[:at] + spell(rng, text[at:end]) + text[end:]
}

// spell writes a stretch of text in one of these ways.
func spell(rng *rand.Rand, text string) string {
	var b strings.Builder
	way := spelt[rng.Intn(len(spelt))]
	for _, c := range []byte(text) {
		if c > ' ' && c < 0x7f {
			b.WriteString(way(c))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// mutate changes text in one to three places.
func mutate(rng *rand.Rand, text string) string {
	for range 1 + rng.Intn(3) {
		at := rng.Intn(len(text) + 1)
		switch pairs := strings.Split(text, "&"); rng.Intn(9) {
		case 0:
			text = text[:at] + text[min(at+1, len(text)):]
		case 1:
			text = text[:at] + strings.ToUpper(text[at:min(at+1, len(text))]) + text[min(at+1, len(text)):]
		case 2:
			text += "&" + pairs[rng.Intn(len(pairs))]
		case 3, 4:
			text = spellPart(rng, text, at)
		case 5: // the same once more, spelt otherwise
			pair := pairs[rng.Intn(len(pairs))]
			text += "&" + spellPart(rng, pair, rng.Intn(len(pair)+1))
		default:
			text = text[:at] + mutations[rng.Intn(len(mutations))] + text[at:]
		}
	}
	return text
}

// passingMutants are n mutated sends that the gateway forwards.
func passingMutants(t *testing.T, n int) (all []asked) {
	t.Helper()
	f := newFixture(t, "")
	rng := rand.New(rand.NewSource(1)) //nolint:gosec // the same in every run
	for range 100 * n {
		a := asked{method: []string{"GET", "POST", "PUT"}[rng.Intn(3)], query: mutate(rng, mutants[rng.Intn(len(mutants))])}
		switch rng.Intn(4) {
		case 0:
			a.query, a.body = "x=1", a.query
		case 1:
			a.body = mutate(rng, "phone=13105550000&sender_code=999")
		case 2:
			a.cookie = strings.ReplaceAll(mutate(rng, "phone=12065551212; c=smssendmessagetophone"), "\n", "")
		}
		r := a.request()
		if r == nil {
			continue
		}
		if verdict, _ := f.judge(r); verdict == passes {
			if all = append(all, a); len(all) == n {
				return all
			}
		}
	}
	t.Errorf("%d of %d mutants pass", len(all), n)
	return all
}
