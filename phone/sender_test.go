package phone

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestCanonicalSender(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, region, sender, want string
		err                        error
	}{
		{"phone", "US", "12065551212", "12065551212", nil},
		{"national phone", "US", "2065551212", "12065551212", nil},
		{"plus", "US", "+12065551212", "12065551212", nil},
		{"00", "US", "0012065551212", "12065551212", nil},
		{"not a possible phone", "US", "120162701555", "120162701555", nil},
		{"plus and not a possible phone", "US", "+120162701555", "120162701555", nil},
		{"leading zeros", "US", "00120162701555", "120162701555", nil},
		{"short code", "US", "12345", "12345", nil},
		{"short code with zeros", "US", "0012345", "12345", nil},
		{"three digits", "US", "911", "911", nil},
		{"zero", "US", "000", "0", nil},
		{"a short code is no phone where phones are short", "NO", "12345", "12345", nil},
		{"a short code is no phone where all lengths are possible", "DE", "12345", "12345", nil},
		{"eight digits are a phone in Norway", "NO", "91234567", "4791234567", nil},
		{"eight digits are a code in the US", "US", "91234567", "91234567", nil},
		{"many digits", "US", strings.Repeat("9", MaxSender), strings.Repeat("9", MaxSender), nil},
		{"alphanumeric", "US", "MyBrand", "mybrand", nil},
		{"alphanumeric with digits", "US", "Shop24", "shop24", nil},
		{"alphanumeric with a blank", "US", "My Brand", "my brand", nil},
		{"alphanumeric with punctuation", "US", "H&M-Shop.No_1!", "h&m-shop.no_1!", nil},
		{"apostrophe inside", "US", "Denny's", "denny's", nil},
		{"full-width", "US", "ＭｙＢｒａｎｄ", "mybrand", nil},
		{"umlaut", "US", "MÜLLER", "müller", nil},
		{"umlaut in two characters", "US", "MU\u0308LLER", "müller", nil},
		{"Kelvin sign and long s", "US", "\u212Aiſ", "kis", nil},
		{"final sigma", "US", "ΛΌΓΟΣς", "λόγοσσ", nil},
		{"Cyrillic look-alike", "US", "MyВrand", "myвrand", nil},
		{"Greek look-alike", "US", "ΜyBrand", "μybrand", nil},

		{"empty", "US", "", "", ErrEmpty},
		{"long", "US", strings.Repeat("a", MaxSender+1), "", ErrTooLong},
		{"grows too long", "US", strings.Repeat("\uFDFA", 5), "", ErrNotSender},
		{"any sender", "US", "*", "", ErrNotSender},
		{"star inside", "US", "My*", "", ErrNotSender},
		{"blank", "US", " ", "", ErrNotSender},
		{"leading blank", "US", " MyBrand", "", ErrNotSender},
		{"trailing blank", "US", "MyBrand ", "", ErrNotSender},
		{"trailing line feed", "US", "MyBrand\n", "", ErrNotSender},
		{"NUL", "US", "My\x00Brand", "", ErrNotSender},
		{"escape", "US", "My\x1bBrand", "", ErrNotSender},
		{"invalid UTF-8", "US", "My\xffBrand", "", ErrNotSender},
		{"overlong", "US", "\xc1\x8dyBrand", "", ErrNotSender},
		{"soft hyphen", "US", "My\u00adBrand", "", ErrNotSender},
		{"list", "US", "MyBrand,Other", "", ErrNotSender},
		{"percent", "US", "My%42rand", "", ErrNotSender},
		{"quoted", "US", `"MyBrand"`, "", ErrNotSender},
		{"scheme", "US", "tel:12065551212", "", ErrNotSender},
		{"two pluses", "US", "++12065551212", "", ErrNotSender},
		{"decimal fraction", "US", "120162701555.0", "", ErrNotSender},
		{"separators", "US", "1-206-555-1212", "", ErrNotSender},
		{"full-width digits", "US", "１２３４５", "", ErrNotSender},
		{"emoji", "US", "Brand\U0001F600", "", ErrNotSender},
		{"combining mark alone", "US", "\u0308", "", ErrNotSender},
		{"a letter that nobody sees", "US", "\uFFA0", "", ErrNotSender},
		{"a mark and a letter that nobody sees", "US", "!\uFFA0", "", ErrNotSender},
	}
	for _, tt := range tests {
		t.Run(tt.region+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := regionOf(tt.region).CanonicalSender(tt.sender)
			if string(got) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q is %q, %v; want %q, %v", tt.sender, got, err, tt.want, tt.err)
			}
		})
	}
}

func TestMayBeAnyName(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]bool{
		"MyBrand": false, "My-Brånd": false, "Straße": false, "Łódź": false, "ＭＹBrand": false, "MyBran\u0111": false, "Kəpital": false, "Oʻzbekiston": false,
		"Привет": false, "Καφές": false, "株式会社": false, "קפה": false, "Ö": false, "Åå": false,
		"MyBran\u0369": true, "MyBran\ua783": true, "MyΒrand": true, "My品牌": true, "１２３４５": true, "١٢٣٤٥": true, "ＭＹ": true,
	} {
		if got := MayBeAnyName(field); got != want {
			t.Errorf("%q: %v", field, got)
		}
	}
}

func TestSenderReadings(t *testing.T) {
	t.Parallel()
	const s = "120162701555"
	tests := []struct {
		name, region, field, want string
		err                       error
	}{
		{"plain", "US", s, s, nil},
		{"plus", "US", "+" + s, s, nil},
		{"a blank that was a plus", "US", " " + s, s, nil},
		{"trailing blank", "US", s + " ", s, nil},
		{"trailing CR LF", "US", s + "\r\n", s, nil},
		{"leading zero", "US", "0" + s, "10767532909 " + s, nil},
		{"00", "US", "00" + s, "10767532909 " + s, nil},
		{"011", "US", "011" + s, "11" + s + " " + s + " 629242823533", nil},
		{"separators", "US", "1 (201) 627-01555", s + " 1555 162701555 877", nil},
		{"full-width digits", "US", "１２０１６２７０１５５５", s, nil},
		{"byte order mark", "US", "\ufeff" + s, s + " y1201627015 y120162701555 ÿ1201627015 ÿ120162701555", nil},
		{"soft hyphen", "US", "1201\u00ad62701555", "1201 " + s + " 62701555", nil},
		{"keypad letters", "US", "1800FLOWERS", "1800 18003569377 1800flowers", nil},
		{"keypad letters, grouped", "US", "1-206-LLL-1212", "1 206 lll 1 1 206 lll 1212 1-206-lll-1 1-206-lll-1212 12061212 12065551212 1206lll1 1206lll1212 1_206_lll_1 1_206_lll_1212", nil},
		{"two letters are no keypad's", "US", "206555121ab", "206555121 206555121ab", nil},
		{"amount", "US", "12'345.00", "", ErrUnreadable},
		{"phone", "US", "12065551212", "12065551212", nil},
		{"national phone", "US", "2065551212", "12065551212 2065551212", nil},
		{"pretty phone", "US", "(206) 555-1212", "12065551212 2065551212", nil},
		{"short code", "US", "12345", "12345", nil},
		{"short code that may be a phone", "NO", "12345", "12345 4712345", nil},
		{"phone that may be a short code", "NO", "4712345", "12345 4712345", nil},
		{"short code with zeros", "US", "0012345", "12345 5349", nil},
		{"alphanumeric", "US", "mybrand", "mybrand", nil},
		{"alphanumeric, other case", "US", "MYBRAND", "mybrand", nil},
		{"alphanumeric, blanks around", "US", "\u00a0MyBrand\t", "mybrand", nil},
		{"alphanumeric with plus", "US", "+MyBrand", "mybrand", nil},
		{"alphanumeric with zero width space", "US", "My\u200bBrand", "my brand my-brand my_brand mybrand", nil},
		{"full-width", "US", "ＭＹＢＲＡＮＤ", "mybrand ｍｙｂ", nil},
		{"one digit behind a name", "US", "Phoenix5", "phoenix5", nil},
		{"national phone with an extension", "US", "206-555-0000x5",
			"12065550000 206 206 555 000 206 555 0000x5 206-555-000 206-555-0000x5 2065550000 20655500005 2065550000x 2065550000x5 206_555_000 206_555_0000x5", nil},
		{"extension with a hash", "US", "206-555-0000 #5", "", ErrUnreadable},
		{"extension of RFC 3966", "US", "206-555-0000;ext=5", "", ErrUnreadable},
		{"word and colon before a phone", "US", "Phone: 206-555-0000", "", ErrUnreadable},
		{"few digits", "US", "Shop24", "shop24", nil},
		{"many digits", "US", "code 12345", "12345 code 12345 code-12345 code12345 code_12345", nil},
		{"Cyrillic look-alike", "US", "MyВrand", "myrand myвrand", nil},
		{"short code behind the country code", "US", "112345", "112345 12345", nil},
		{"short code behind zeros and the country code", "US", "0000112345", "10000112345 112345 12345 2345 38117", nil},
		{"trunk prefix in parentheses", "US", "1 (0) 206 555 1212", "102065551212 12065551212", nil},
		{"junk before", "US", "9912065551212", "12065551212 9912065551212", nil},
		{"old Brazilian", "BR", "551187654321", "551187654321 5511987654321", nil},
		{"blanks", "US", "My Brand", "my brand my-brand my_brand mybrand", nil},
		{"first digits behind a mark", "US", "(12345) 67890", "11234567890 12345 1234567890", nil},
		{"a code behind fewer digits", "US", "Acme2 12345", "12345 212345 acme2 12345 acme2-12345 acme212345 acme2_12345", nil},
		{"a phone behind fewer digits", "US", "55 12065550000", "12065550000 5512065550000", nil},
		{"behind the slash before the last", "US", "9/12345/", "12345 912345", nil},
		{"low bytes", "US", "MyBran\u0164", "mybran mybrand mybrant mybran\u0165", nil},
		{"low bytes of all", "US", "\u4e4d\u4e79\u4e42\u4e72\u4e61\u4e6e\u4e64", "mybrand \u4e4d\u4e79\u4e42 \u4e4d\u4e79\u4e42\u4e72\u4e61\u4e6e\u4e64", nil},
		{"small letter of a dotted capital", "US", "i\u0307\u015fbank", "ibank isbank i\u015fbank i\u0307\u015fbank", nil},
		{"some letters in ASCII, the others left out", "US", "\u1e45MyB\u0159and", "emybyand myband mybrand nmybrand \u1e45myb\u0159and", nil},
		{"an apostrophe that is a letter", "US", "Joe\u02bcs", "joe's joes joe\u02bcs", nil},
		{"a soft hyphen", "US", "My\u00adBrand", "my brand my-brand my_brand mybrand", nil},
		{"a compatibility form and an accent", "US", "\uff2dyBrand\u00e9", "-ybrande -ybrandé _ybrandé mybrand mybrande mybrandé ybrand ybrande ybrandé", nil},
		{"words that filters take out", "US", "Myeval()Brand", "mybrand myeval myeval()bra myeval()brand myevalbra myevalbrand", nil},
		{"tatweel", "US", "\u0634\u0640\u0631\u0643\u0629", "41c 4@1c 4@1c) 4at1c \u0634\u0631\u0643\u0629 \u0634\u0640\u0631\u0643\u0629", nil},
		{"hiragana", "US", "\u3076\u3089\u3093\u3069", "\u3075\u3089\u3093\u3068 \u3076\u3089\u3093 \u3076\u3089\u3093\u3069 \u30d6\u30e9\u30f3\u30c9", nil},
		{"fillers", "US", "MyBrand\u3164", "mybrand mybrandd mybrand\u1160", nil},
		{"nothing but fillers", "US", "\u3164\u115f", "", ErrEmpty},
		{"cut and cleaned", "US", "MyBrand----X", "mybrand mybrand    x mybrand---- mybrand----x mybrand____ mybrand____x mybrandx", nil},
		{"cut in bytes between words", "US", "MyBrand\u00e9\u00e9 xyz", "mybrand mybrandee x mybrandee xyz mybrandeexy mybrandeexyz mybrandx mybrandxyz mybrandéé x mybrandéé xyz mybrandéé-x mybrandéé-xyz mybrandéé_x mybrandéé_xyz mybrandééx", nil},
		{"cut in bytes with what nobody sees", "US", "M\u200byBrand x", "m ybrand x m-ybrand-x m_ybrand_x mybrand mybrand x mybrand-x mybrand_x mybrandx", nil},
		{"not cut between words", "US", "K\u00f8benhavn N", "kbenhavn kbenhavn n kbenhavnn kobenhavn n kobenhavnn koebenhavn koebenhavn n koebenhavnn københavn n københavn-n københavn_n københavnn", nil},
		{"a comment", "US", "123(4)45", "123 1234 123445 12345 23445", nil},
		{"a comment in a name", "US", "My(x)Brand", "my my(x)brand mybrand myxbrand", nil},
		{"cut in bytes", "US", "MyBrand\u00e9\u00e9X", "mybrand mybrandeex mybrandx mybrand\u00e9\u00e9 mybrand\u00e9\u00e9x", nil},
		{"composed", "US", "MyBrande\u0301", "mybrand mybrande mybrand\u00e9", nil},
		{"run of digits", "US", "a12345b6", "12345 123456 23456 a12345b6", nil},
		{"behind a slash", "US", "9/12345", "12345 912345", nil},
		{"a name behind a slash", "US", "x/MyBrand", "mybrand x x/mybrand xmybrand", nil},
		{"lower half of 64 bits", "US", "4294979641", "12345 14294979641 4294979641", nil},
		{"and of a negative number", "US", "-4294954951", "12345 14294954951 4294954951", nil},
		{"digits between letters", "US", "my1brand", "my1brand", nil},
		{"a digit behind a slash", "US", "Store/1", "store store/1 store1", nil},
		{"an address", "US", "500 E 84th", "500 500 e 84th 500-e-84th 50038484 50084 500_e_84th 500e84th", nil},
		{"stroke", "US", "MyBranđ", "mybran mybrand mybrandj mybranđ", nil},
		{"sharp s", "US", "Boß", "bo bos boss boß", nil},
		{"umlaut", "US", "Müller", "mller mueller muller müller", nil},
		{"accents off, and a letter that has none", "US", "B\u00f6'\u00df", "b bo bo'ss bo'ß boe's boes boss boß bö'ß", nil},
		{"accents off and the rest left out", "US", "MyBrändø", "mybraendoe mybrand mybrando mybrandø mybrnd mybrändø", nil},
		{"first word", "US", "MyBrand@x", "mybrand mybrand@x mybrandatx mybrandx", nil},
		{"grouped and a fraction", "US", "1-2345.5", "", ErrUnreadable},
		{"grouped and something behind", "US", "1-2345/5", "12345 123455 23455", nil},
		{"dotted capital", "US", "\u0130S", "0s is i\u0307s s", nil},
		{"punctuation", "US", "My-Brand!", "my brand! my-brand my-brand! my_brand! mybrand", nil},
		{"accents", "US", "MyBr\u00e5nd", "mybraand mybrand mybrnd mybr\u00e5nd", nil},
		{"more than eleven characters", "US", "MyLongBrandName", "mylongbrand mylongbrandname", nil},
		{"more than eleven with blanks", "US", "My Long Brand Name", "my long bra my long brand name my-long-bra my-long-brand-name my_long_bra my_long_brand_name mylongbra mylongbrand mylongbrandname", nil},
		{"entity", "US", "H&ampM", "h h&ampm h&m hampm handampm handm hm", nil},
		{"ampersand", "US", "H&M", "h h&m handm hm", nil},
		{"ampersand in front", "US", "&M", "&m andm m", nil},

		{"empty", "US", "", "", ErrEmpty},
		{"blank", "US", " \t\u200b\u00a0", "", ErrEmpty},
		{"long", "US", strings.Repeat("1", MaxSender+1), "", ErrTooLong},
		{"long blank", "US", strings.Repeat(" ", MaxSender+1), "", ErrTooLong},
		{"NUL", "US", s + "\x00", "", ErrUnreadable},
		{"NUL inside", "US", "My\x00Brand", "", ErrUnreadable},
		{"tab inside", "US", "My\tBrand", "", ErrUnreadable},
		{"invalid UTF-8", "US", "My\xffBrand", "", ErrUnreadable},
		{"decimal fraction", "US", s + ".0", "", ErrUnreadable},
		{"percent", "US", "My%42rand", "", ErrUnreadable},
		{"hexadecimal with a blank", "US", "0 x3039", "", ErrUnreadable},
		{"exponent behind a plus", "US", "1.2345+e4", "", ErrUnreadable},
		{"comma list", "US", s + ",12065551212", "", ErrUnreadable},
		{"semicolon list", "US", "MyBrand;Other", "", ErrUnreadable},
		{"blank list", "US", "13105550000 12065551212", "", ErrUnreadable},
		{"scheme", "US", "tel:" + s, "", ErrUnreadable},
		{"two pluses", "US", "++" + s, "", ErrUnreadable},
		{"hash", "US", s + "#", "", ErrUnreadable},
		{"any sender", "US", "*", "", ErrUnreadable},
		{"quoted", "US", `"MyBrand"`, "", ErrUnreadable},
		{"emoji", "US", "Brand\U0001F600", "", ErrUnreadable},
	}
	for _, tt := range tests {
		t.Run(tt.region+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := regionOf(tt.region).SenderReadings([]Sender{"before"}, tt.field)
			if !errors.Is(err, tt.err) || len(got) == 0 || got[0] != "before" {
				t.Fatalf("%q: %q, %v; want %v", tt.field, got, err, tt.err)
			}
			if got := showSenders(got[1:]); got != tt.want {
				t.Errorf("%q reads as %s; want %s", tt.field, got, tt.want)
			}
		})
	}
}

// A number between words, as before the word of its extension, is a reading of its own.
func TestSenderBetweenWords(t *testing.T) {
	t.Parallel()
	const p = "12065550000"
	for _, tt := range []struct {
		region, field, want string
		read                bool
	}{
		{"US", "206-555-0000x5", p, true},
		{"US", "206-555-0000 ext. 5", p, true},
		{"US", "(206) 555-0000x5", p, true},
		{"US", "206.555.0000 x12", p, true},
		{"US", "206 555 0000 int 5", p, true},
		{"US", "206-555-0000 доб. 5", p, true},
		{"US", "206-555-0000 anexo 5", p, true},
		{"US", "206-555-0000x0", p, true},
		{"US", "206-555-0000x5#", p, true},
		{"US", "206-555-0000#5x", p, true},
		{"US", "Tel 206-555-0000 5#", p, true},
		{"US", "206-555-0000/x5", p, true},
		{"US", "2065550 000x0", p, true},
		{"US", "1-206-555-0000 extension 7", p, true},
		{"US", "+1 206-555-0000 x5", p, true},
		{"US", "1 (0) 206 555 0000 x5", p, true},
		{"US", "２０６ー５５５ー００００ｘ５", p, true},
		{"US", "206x555x0000x5", p, true},
		{"US", "tel 206x555x0000 x5", p, true},
		{"US", "Phone 206-555-0000", p, true},
		{"US", "Tel 206-555-0000 x5", p, true},
		{"US", "Shop24 Tel 206-555-0000 x5", p, true},
		{"US", "Tel 1 (0) 206 555 0000", p, true},
		{"US", "206-FLOWERS x5", "12063569377", true},
		{"GB", "020 7946 0000 x5", "442079460000", true},
		{"US", "(+39) (0)333 1234567 x5", "393331234567", true},
		{"US", "206-555-0001x5", p, false},
		{"US", "206-555-000x5", p, false},
		{"US", "206-555-000x05", "1206555000", false},
	} {
		got, err := regionOf(tt.region).SenderReadings(nil, tt.field)
		if err != nil || slices.Contains(got, Sender(tt.want)) != tt.read {
			t.Errorf("%s: %q reads as %q, %v; want %s among them: %t", tt.region, tt.field, got, err, tt.want, tt.read)
		}
	}
}

// What libphonenumber reads out of a number between words is a reading, or the sender
// is refused.
func TestSenderBetweenWordsIsTheLibrarys(t *testing.T) {
	t.Parallel()
	before := rapid.SampledFrom([]string{"", "", "Tel ", "Phone: ", "Shop24 ", "(", "Tél. +1 ", "x"})
	mark := rapid.SampledFrom([]string{"", " ", "-", ".", ") ", "/", "ー", "'", "_"})
	word := rapid.SampledFrom([]string{
		"", "x", " x", "#", " #", " ext. ", "ext", " extn ", " extension ", " int ", " доб. ", " anexo ", "e", ";ext=", "/x", " xx ", "~",
		", ext ", " ｅｘｔ ", " Extensión ",
	})
	behind := rapid.SampledFrom([]string{"", "#"})
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		if len(d) < minListed { // they may be a name's
			return
		}
		field := before.Draw(t, "before")
		for len(d) > 0 {
			n := rapid.IntRange(1, len(d)).Draw(t, "group")
			field, d = field+d[:n]+mark.Draw(t, "mark"), d[n:]
		}
		field += word.Draw(t, "word") + rapid.StringMatching("[0-9]{1,4}").Draw(t, "extension") + behind.Draw(t, "behind")
		want, ok := libraryRegional(field, r)
		got, err := r.SenderReadings(nil, field)
		ok = ok && len(want.Digits()) >= minListed+len("999")
		if ok && err == nil && !slices.Contains(got, Sender(want.Digits())) {
			t.Fatalf("%s: %q reads as %q; the library reads %s", r.code, field, got, want.Digits())
		}
	})
}

func showSenders(senders []Sender) string {
	var all []string
	for _, s := range senders {
		all = append(all, string(s))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// Programs leave some of the marks of a name, and take out the others.
func TestSenderReadingsKeepMarks(t *testing.T) {
	t.Parallel()
	got, err := regionOf("US").SenderReadings(nil, "a.b-c_d&e f+g'h")
	if err != nil {
		t.Fatal(err)
	}
	for kept, want := range map[string]Sender{
		"none": "abcdefgh", "blanks": "abcde fgh", "dashes": "ab-cdefgh", "underscores": "abc_defgh", "ampersands": "abcd&efgh",
		"blanks and ampersands": "abcd&e fgh", "blanks and dashes": "ab-cde fgh", "blanks and underscores": "abc_de fgh",
		"blanks, dashes and underscores": "ab-c_de fgh", "all of Twilio's": "ab-c_d&e f+gh", "dashes, underscores and dots": "a.b-c_defgh",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s kept: no %q among %q", kept, want, got)
		}
	}
}

// A name with capitals costs its small letters, one of several words also the forms that it
// has without blanks and as a slug, and the room for them.
func TestSenderReadingsAllocateLittle(t *testing.T) {
	r := regionOf("US")
	var room [4]Sender
	for field, want := range map[string]float64{"mybrand": 0, "12345": 0, "MyBrand": 1, "Acme Alerts": 5} {
		if n := testing.AllocsPerRun(100, func() { _, _ = r.SenderReadings(room[:0], field) }); n > want {
			t.Errorf("%s: %v allocations, want %v", field, n, want)
		}
	}
}

func TestSenderReadingsHoldTheStop(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		stop, err := r.CanonicalSender(d)
		if err != nil {
			t.Fatalf("%s: %v", d, err)
		}
		if again, err := r.CanonicalSender(string(stop)); err != nil || again != stop {
			t.Fatalf("%s: %s is %s, which is %s, %v", r.code, d, stop, again, err)
		}
		prefix := rapid.SampledFrom([]string{"", "+", "0", "00", "011", " ", "000"}).Draw(t, "prefix")
		suffix := rapid.SampledFrom([]string{"", " ", "\r\n", "\u00a0", "\u200e"}).Draw(t, "suffix")
		for _, field := range []string{string(stop), d, prefix + d + suffix, prefix + string(stop) + suffix} {
			if got, err := r.SenderReadings(nil, field); err != nil || !slices.Contains(got, stop) {
				t.Fatalf("%s: a stop of %s is %s; a send from %q reads as %s, %v", r.code, d, stop, field, got, err)
			}
		}
	})
}

// A stop holds for the same name however its accents are written.
func TestStopHoldsInEveryNormalForm(t *testing.T) {
	t.Parallel()
	r := regionOf("US")
	for _, name := range []string{"\u1f8d\u03b4\u03b7\u03c2", "\u0130\u015fbank", "Ace\u034fCo", "\u1160\ud55c\uad6d", "\u3164AceCo", "M\u00fcller", "\u17b4\u1780\u1798"} {
		stop, err := r.CanonicalSender(name)
		if err != nil {
			t.Fatalf("%+q: %v", name, err)
		}
		for _, form := range []string{name, norm.NFC.String(name), norm.NFD.String(name), strings.ToLower(norm.NFD.String(name))} {
			if got, err := r.SenderReadings(nil, form); err != nil || !slices.Contains(got, stop) {
				t.Errorf("a stop of %+q is %+q; a send from %+q reads as %+q, %v", name, stop, form, got, err)
			}
		}
	}
}

func TestAlphanumericReadingsHoldTheStop(t *testing.T) {
	t.Parallel()
	some := rapid.StringOfN(rapid.OneOf(
		rapid.RuneFrom([]rune("abcXYZ019 &.-_!'+")),
		rapid.RuneFrom(nil, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Mn),
	), 1, 11, -1)
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		id := some.Draw(t, "id")
		stop, err := r.CanonicalSender(id)
		if err != nil {
			return
		}
		if again, err := r.CanonicalSender(string(stop)); err != nil || again != stop {
			t.Fatalf("%q is %q, which is %q, %v", id, stop, again, err)
		}
		for _, field := range []string{
			id, string(stop), strings.ToUpper(id), strings.ToLower(id), strings.ToTitle(id), " " + id + "\u00a0", "\u200e" + id,
		} {
			if len(field) > MaxSender {
				continue
			}
			got, err := r.SenderReadings(nil, field)
			if err != nil || !slices.Contains(got, stop) {
				// Letters such as ß have capitals that no simple folding undoes.
				if upper := strings.ToUpper(id); err == nil && field == upper && !strings.EqualFold(upper, id) {
					continue
				}
				t.Fatalf("a stop of %q is %q; a send from %q reads as %q, %v", id, stop, field, got, err)
			}
		}
	})
}

// Folding merges compatibility forms and letter case, never letters of two
// scripts.
func TestFoldKeepsScriptsApart(t *testing.T) {
	t.Parallel()
	scripts := []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee}
	for c := rune(0x80); c < 0x20000; c++ {
		if !unicode.IsLetter(c) {
			continue
		}
		id, err := foldID(string(c))
		if err != nil {
			continue
		}
		for _, script := range scripts {
			if !unicode.Is(script, c) || c == 0x1D78 || c >= 0xAB5C && c <= 0xAB5F {
				continue
			}
			for _, folded := range id {
				if unicode.IsLetter(folded) && unicode.In(folded, scripts...) && !unicode.Is(script, folded) {
					t.Errorf("%q (%U) becomes %q", c, c, id)
				}
			}
		}
	}
}

// What a parser of numbers reads out of a sender is a reading, or the sender is
// refused.
func TestSenderNumerals(t *testing.T) {
	t.Parallel()
	const s = "120162701555"
	r := regionOf("US")
	for _, tt := range []struct{ field, stop string }{
		{s + " 99", s},
		{s + "-99", s},
		{s + " +1", s},
		{s + ".000", s},
		{s + ".500", s},
		{s + "x99", s},
		{"+" + s + "x1", s},
		{s + "a1", s},
		{s + "e0", s},
		{s + "e0x", s},
		{"1.20162701555e11", s},
		{"1.20162701555E+11", s},
		{"12.0162701555e10", s},
		{"1201627015550e-1", s},
		{"0x1bfa4150f3", s},
		{"0x1b_fa41_50f3", s},
		{"0o1577220250363", s},
		{"0b1101111111010010000010101000011110011", s},
		{"01577220250363", s},
		{s + "/99", s},
		{s + "(9)", s},
		{s + "'9", s},
		{s + "\u200b9", s},
		{s + "\u00ad9", s},
		{"\ufeff" + s + "\u200b9", s},
		{s + "\uff11", s},
		{"\uff19" + s, s},
		{"\u00b2" + s, s},
		{"\u2460" + s, s},
		{"a\u0661" + s, s},
		{"12345.0", "12345"},
		{"12345e0", "12345"},
		{"1.2345e4", "12345"},
		{"12345-9", "12345"},
		{"12345x9", "12345"},
		{"911x", "911"},
	} {
		got, err := r.SenderReadings(nil, tt.field)
		if err == nil && !slices.Contains(got, Sender(tt.stop)) {
			t.Errorf("%q reads as %q, without %s", tt.field, got, tt.stop)
		}
	}
	for _, field := range []string{"3M", "24Shop", "7Eleven", "1-800-Flowers", "4ever", "0xygen", "24h.Shop", "Shop2.5", "2e", "Shop24"} {
		got, err := r.SenderReadings(nil, field)
		if err != nil || got[0] != Sender(strings.ToLower(field)) {
			t.Errorf("%q reads as %q, %v", field, got, err)
		}
		if stop, err := r.CanonicalSender(field); err != nil || stop != got[0] {
			t.Errorf("a stop of %q is %q, %v", field, stop, err)
		}
	}
}
