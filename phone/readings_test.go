package phone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every field gives exactly these readings, in region US unless it says so.
func TestReadings(t *testing.T) {
	t.Parallel()
	const p, q = "12065551212", "13105550000"
	tests := []struct {
		name, region, field, want string
		err                       error
	}{
		{"plain", "US", p, p, nil},
		{"national", "US", "2065551212", "12065551212 2065551212", nil},
		{"plus", "US", "+12065551212", p, nil},
		{"plus and national digits", "US", "+2065551212", "12065551212 2065551212", nil},
		{"a blank that was a plus", "US", " 12065551212", p, nil},
		{"00", "US", "0012065551212", "11356255882 12065551212 1356255882", nil},
		{"+00", "US", "+0012065551212", "11356255882 12065551212 1356255882", nil},
		{"011", "US", "01112065551212", "1112065551212 12065551212 78665667210", nil},
		{"one zero", "US", "012065551212", "11356255882 12065551212 1356255882", nil},
		{"three zeros", "US", "00012065551212", "11356255882 12065551212 1356255882", nil},
		{"octal", "US", "0131712331554", "12065551212 131712331554", nil},
		{"forty zeros", "US", strings.Repeat("0", 40) + p, "11356255882 12065551212 1356255882", nil},
		{"dashes", "US", "1-206-555-1212", p, nil},
		{"dots", "US", "1.206.555.1212", p, nil},
		{"slashes", "US", "1/206/555/1212", p, nil},
		{"blanks", "US", "+1 206 555 1212", p, nil},
		{"no-break spaces", "US", "+1\u00a0206\u00a0555\u00a01212", p, nil},
		{"one dot", "US", "206555.1212", "12065551212 2065551212", nil},
		{"tel", "US", "tel:+1-206-555-1212", p, nil},
		{"TEL", "US", "TEL:+1-206-555-1212", p, nil},
		{"sms", "US", "sms:+12065551212", p, nil},
		{"sms://", "US", "sms://12065551212", p, nil},
		{"tel ext", "US", "tel:+12065551212;ext=5", "12065551212 120655512125", nil},
		{"ext", "US", "12065551212 ext. 5", "12065551212 120655512125", nil},
		{"extension", "US", "12065551212 Extension 5#", "12065551212 120655512125", nil},
		{"x", "US", "12065551212x5", "12065551212 120655512125", nil},
		{"too many digits, split in the number", "US", "1234561206 5551212", "11234561206 12065551212 1234561206 5551212", nil},
		{"a tag", "US", "1206[[9]]5551212", "12065551212 120695551212 5551212", nil},
		{"a tag in wide digits", "US", "１２０６[[９]]５５５１２１２", "12065551212 120695551212 5551212", nil},
		{"an open tag", "US", "1206[[5551212", "12065551212 5551212", nil},
		{"trunk prefixes abroad", "US", "+550000000000", "15500000000 5500000000 55000000000 550000000000", nil},
		{"fraction behind groups", "US", "1-206-555-1212.0", "12065551212 120655512120", nil},
		{"quote behind groups", "US", "1 206 555 1212\"5", "12065551212 120655512125", nil},
		{"extension without a word", "US", "206-555-1212-1234", "12065551212 15512121234 2065551212 20655512121234", nil},
		{"extension in front of a hash", "US", "(206)555-1212-12#", "12065551212 2065551212 206555121212", nil},
		{"hash and digits", "US", "12065551212#5", "12065551212 120655512125", nil},
		{"an extension that completes a number", "US", "1206555121x2", "11206555121 1206555121 12065551212", nil},
		{"extension of a national phone", "US", "206-555-1212 ext. 5", "12065551212 2065551212 20655512125", nil},
		{"extension in Russian", "US", "206-555-1212 доб. 5", "", ErrUnreadable},
		{"extension in Spanish", "US", "206-555-1212 int 5", "", ErrUnreadable},
		{"word before", "US", "Phone: 206-555-1212", "", ErrUnreadable},
		{"quotes", "US", "'12065551212'", p, nil},
		{"typographic quotes", "US", "“12065551212”", p, nil},
		{"hash", "US", "+12065551212#", p, nil},
		{"full-width plus", "US", "＋12065551212", p, nil},
		{"full-width digits", "US", "１２０６５５５１２１２", p, nil},
		{"Arabic-Indic digits", "US", "١٢٠٦٥٥٥١٢١٢", p, nil},
		{"digits of five scripts", "US", "१২०६५༥5１𝟚𝟏２", "", ErrUnreadable},
		{"bidi marks", "US", "\u202a+12065551212\u202c", p, nil},
		{"byte order mark", "US", "\ufeff12065551212", p, nil},
		{"soft hyphen", "US", "1206\u00ad5551212", p + " 5551212", nil},
		{"zero width space", "US", "1206\u200b5551212", p + " 5551212", nil},
		{"trailing CR LF", "US", "12065551212\r\n", p, nil},
		{"leading tab", "US", "\t12065551212", p, nil},
		{"en dashes and minus", "US", "1–206−555—1212", p, nil},

		{"comma list", "US", p + "," + q, p + " " + q, nil},
		{"comma and blank list", "US", p + ", " + q, p + " " + q, nil},
		{"semicolon list", "US", q + ";" + p, p + " " + q, nil},
		{"bar list", "US", q + "|" + p, p + " " + q, nil},
		{"blank list", "US", q + " " + p, p + " " + q, nil},
		{"line list", "US", q + "\n" + p, p + " " + q, nil},
		{"slash list", "US", q + "/" + p, p + " " + q, nil},
		{"full-width comma list", "US", q + "，" + p, p + " " + q, nil},
		{"Arabic comma list", "US", q + "،" + p, p + " " + q, nil},
		{"JSON list", "US", `["12065551212", "13105550000"]`, p + " " + q, nil},
		{"JSON text", "US", `["12065551212"]`, p, nil},
		{"trailing comma", "US", p + ",", p, nil},
		{"list of URIs", "US", "tel:" + p + ",sms:" + q, p + " " + q, nil},
		{"list that ends abroad", "US", p + ",447700900123", p + " 447700900123", nil},
		{"list in Denmark that ends in Norway", "DK", "4520123456 4790123456", "4520123456 4790123456", nil},
		{"list that ends in Germany", "US", p + ",4915123456789", p + " 4915123456789", nil},
		{"list of extensions", "US", "tel:" + p + ";ext=5;tel:" + q, "12065551212 120655512125 13105550000", nil},
		{"list of pretty numbers", "US", "+1 206 555 1212, +1 310 555 0000", p + " " + q, nil},
		{"blank list of pretty numbers", "US", "+1 206 555 1212 +1 310 555 0000", p + " " + q, nil},
		{"list of short pieces", "US", "206,555,1212", "12065551212 1212 206 2065551212 555", nil},
		{"number cut by a comma", "US", "1206555,1212", "1206555 12065551212 1212", nil},
		{"dots at the end", "US", "206-555-1212.", p + " 2065551212", nil},
		{"grouped by dots", "NO", "912.34.567", "4791234567 91234567", nil},
		{"list of two eight-digit numbers", "NO", "91234567 47123456", "47123456 4747123456 4791234567 91234567", nil},

		{"no possible number", "US", "120655512120", "120655512120", nil},
		{"one digit before the national number", "US", "22065551212", "22065551212", nil},
		{"junk before", "US", "9912065551212", "12065551212 9912065551212", nil},
		{"junk before, grouped", "US", "(99) 1-206-555-1212", "12065551212 991206555 9912065551212", nil},
		{"trunk prefix twice", "US", "112065551212", "112065551212 12065551212", nil},
		{"a possible number of Turkey", "US", "901112065551212", "901112065551212", nil},
		{"a number abroad that ends like one at home", "US", "912065551212", "912065551212", nil},
		{"digits behind a number abroad", "US", "+4791234567999", "4791234567999", nil},
		{"junk before a British number", "GB", "99447911123456", "447911123456 99447911123456", nil},
		{"Argentine mobile", "US", "5491123456789", "541123456789 5491123456789", nil},
		{"Argentine number without the 9", "US", "541123456789", "541123456789 5491123456789", nil},
		{"Argentine mobile at home", "AR", "011 15 2345 6789",
			"111523456789 11523456789 1523456789 541123456789 541523456789 5491123456789 5491523456789", nil},
		{"Brazilian mobile", "US", "5511987654321", "551187654321 5511987654321", nil},
		{"Brazilian mobile of eight digits", "US", "551187654321", "551187654321 5511987654321", nil},
		{"Brazilian fixed line", "US", "551132654321", "551132654321", nil},
		{"Brazilian mobile at home", "BR", "11987654321", "11987654321 551187654321 5511987654321", nil},
		{"number of Benin", "US", "22997123456", "2290197123456 22997123456", nil},
		{"zero in brackets", "GB", "+44 [0]7911 123456", "4407911123456 447911123456 7911123456", nil},
		{"zero in wide parentheses", "GB", "+44（0）7911123456", "4407911123456 447911123456 7911123456", nil},
		{"two of three separators", "US", "1,206/5551212;1,310/5550000",
			"1 12065551212 13105550000 2065551212 20655512121 3105550000 315550000 5550000 5551212 55512121 55512121310", nil},
		{"five kinds of separators", "US", "1,2;3|4/5 12065551212", "", ErrUnreadable},
		{"few digits", "US", "12345", "12345", nil},
		{"fifteen digits", "US", "999999999999999", "19999999999 999999999999999", nil},
		{"zero", "US", "0", "0", nil},
		{"zeros", "US", "000", "000", nil},

		{"trunk prefix", "GB", "07911 123456", "447911123456 7911123456", nil},
		{"trunk prefix in parentheses", "GB", "+44 (0)7911 123456", "4407911123456 447911123456", nil},
		{"significant zero", "IT", "+39 06 1234", "39061234 3939061234", nil},

		{"empty", "US", "", "", ErrEmpty},
		{"blank", "US", " \t\u00a0\u200b\r\n", "", ErrEmpty},
		{"comma", "US", ",", "", ErrUnreadable},
		{"plus only", "US", "+", "", ErrUnreadable},
		{"two pluses", "US", "++12065551212", "", ErrUnreadable},
		{"plus inside", "US", "1206+5551212", "", ErrUnreadable},
		{"plus behind", "US", "12065551212+", "", ErrUnreadable},
		{"sip", "US", "sip:12065551212@x", "", ErrUnreadable},
		{"decimal fraction", "US", "12065551212.0", "", ErrUnreadable},
		{"decimal fraction in a list", "US", q + "," + p + ".0", "", ErrUnreadable},
		{"amount", "US", "12,065,551,212.00", "", ErrUnreadable},
		{"amount in Swiss form", "US", "12’065’551’212.0", "", ErrUnreadable},
		{"amount with blanks", "US", "12\u00a0065\u00a0551\u00a0212.00", "", ErrUnreadable},
		{"amount in Indian form", "US", "12,06,55,51,212.00", "", ErrUnreadable},
		{"amount in a list", "US", q + ";12,065,551,211.99", "", ErrUnreadable},
		{"exponent", "US", "1.2065551212e10", "", ErrUnreadable},
		{"*67", "US", "*6712065551212", "", ErrUnreadable},
		{"letters", "US", "1-800-FLOWERS", "", ErrUnreadable},
		{"letter O", "US", "12O65551212", "", ErrUnreadable},
		{"hexadecimal", "US", "0x2CF3FD9FC", "", ErrUnreadable},
		{"NUL", "US", "12065551212\x00", "", ErrUnreadable},
		{"NUL inside", "US", "12065551212\x009", "", ErrUnreadable},
		{"escape", "US", "\x1b12065551212", "", ErrUnreadable},
		{"overlong 1", "US", "\xc0\xb12065551212", "", ErrUnreadable},
		{"overlong 1 in three bytes", "US", "\xe0\x80\xb12065551212", "", ErrUnreadable},
		{"replacement character", "US", "1206\ufffd5551212", "", ErrUnreadable},
		{"percent", "US", "%312065551212", "", ErrUnreadable},
		{"percent behind", "US", "12065551212%", "", ErrUnreadable},
		{"%u", "US", "%u0031%u0032", "", ErrUnreadable},
		{"HTML entity", "US", "&#49;2065551212", "", ErrUnreadable},
		{"JavaScript escape", "US", `\u00312065551212`, "", ErrUnreadable},
		{"superscript", "US", "1²065551212", "", ErrUnreadable},
		{"circled", "US", "①2065551212", "", ErrUnreadable},
		{"keycaps", "US", "1\ufe0f\u20e32065551212", "", ErrUnreadable},
		{"Roman numeral", "US", "Ⅻ065551212", "", ErrUnreadable},
		{"phone-context", "US", "tel:2065551212;phone-context=+44", "", ErrUnreadable},
		{"phone-context with digits of the number", "US", "tel:5551212;phone-context=+1206", "", ErrUnreadable},
		{"sms with body", "US", "sms:12065551212?body=x", "", ErrUnreadable},
		{"extension of a list", "US", "12065551212 x5 13105550000", "", ErrUnreadable},
		{"extension of nothing", "US", "x12065551212", "", ErrUnreadable},
		{"long extension", "US", "1x12065551212", "", ErrUnreadable},
		{"sixteen digits", "US", "1234567890123456", "", ErrUnreadable},
		{"sixteen digits in a list", "US", p + ",1234567890123456", "", ErrUnreadable},
		{"range", "US", p + "-" + q, "", ErrUnreadable},
		{"long list", "US", strings.Repeat(p+",", MaxList+1), "", ErrTooLong},
		{"long blank list", "US", strings.Repeat(p+" ", MaxList+1), "", ErrTooLong},
		{"long list of pluses", "US", strings.Repeat("+12065551 ", MaxList+1), "", ErrTooLong},
		{"long field", "US", strings.Repeat(" ", MaxField+1), "", ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.region+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			before := number(t, "99")
			got, err := regionOf(tt.region).Readings([]Number{before}, tt.field)
			if !errors.Is(err, tt.err) || len(got) == 0 || got[0] != before {
				t.Fatalf("%q: %v, %v; want %v", tt.field, show(got), err, tt.err)
			}
			if got := show(unique(got[1:])); got != tt.want {
				t.Errorf("%q reads as %s; want %s", tt.field, got, tt.want)
			}
		})
	}
}

// drawDecorated writes digits in a way that some backend undoes.
func drawDecorated(t *rapid.T, d string) string {
	d = rapid.SampledFrom([]string{"", "", "+", "00", "011", "0", "000", "+00"}).Draw(t, "prefix") + d
	var b strings.Builder
	zero := rapid.SampledFrom([]rune{'0', '0', '0', '０', '٠', '०', '𝟎'}).Draw(t, "script")
	separator := rapid.SampledFrom([]string{"", "", "-", ".", " ", "/", "\u00a0", "\u00ad", "\u200e", ")("}).Draw(t, "separator")
	fraction := separator == "." // a lone dot near the end is that of a fraction
	for i, c := range d {
		if c != '+' && i > 1 && (fraction || rapid.IntRange(0, 3).Draw(t, "cut") == 0) {
			b.WriteString(separator)
		}
		if c != '+' {
			c += zero - '0'
		}
		b.WriteRune(c)
	}
	frame := rapid.SampledFrom([]string{
		"%s", "%s", "%s", " %s", "%s\r\n", "'%s'", `["%s"]`, "(%s)", "tel:%s", "SMS:%s", "%s;ext=12", "%s x7", "%s#", "\u202a%s\u202c",
	}).Draw(t, "frame")
	return fmt.Sprintf(frame, b.String())
}

// drawListed puts a field among others.
func drawListed(t *rapid.T, field string) string {
	separator := rapid.SampledFrom([]string{",", ", ", ";", "|", " , ", "，"}).Draw(t, "list separator")
	others := rapid.SliceOfN(rapid.SampledFrom([]string{"13105550000", "+442079460000", "1 310 555 0001"}), 0, 3)
	list := append(others.Draw(t, "before"), field)
	return strings.Join(append(list, others.Draw(t, "after")...), separator)
}

func TestReadingsHoldTheStop(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		n, err := r.Canonical(d)
		if err != nil || len(d) > MaxDigits {
			return
		}
		field := drawListed(t, drawDecorated(t, d))
		got, err := r.Readings(nil, field)
		if err == ErrUnreadable && mixed(field) {
			return
		}
		if err != nil || !slices.Contains(got, n) {
			t.Fatalf("%s: a stop of %s is %s; a send to %q reads as %s, %v", r.code, d, n.Digits(), field, show(got), err)
		}
	})
}

// However a stop named a number, a send to that number reads what it named.
func TestReadingsHoldAllForms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		n, err := r.Canonical(d)
		if err != nil {
			return
		}
		forms := []string{n.Digits(), "00" + n.Digits(), r.idd.literal + n.Digits()}
		if national, ok := strings.CutPrefix(n.Digits(), r.plan.code); ok && r.plan.possible(len(national)) {
			forms = append(forms, national, r.trunk.literal+national)
		}
		for _, stop := range forms {
			named, err := r.Canonical(stop)
			if err != nil {
				continue
			}
			for _, send := range append(forms, "+"+n.Digits(), d) {
				if meant, err := r.Canonical(strings.TrimPrefix(send, "+")); err != nil || meant != n {
					continue
				}
				if len(strings.TrimLeft(send, "0")) > MaxDigits {
					continue // such as 810 and 13 digits, which a send may not hold
				}
				if got, err := r.Readings(nil, send); err != nil || !slices.Contains(got, named) {
					t.Fatalf("%s: a stop of %s is %s; a send to %s reads as %s, %v",
						r.code, stop, named.Digits(), send, show(got), err)
				}
			}
		}
	})
}

func TestNoNumberWithoutDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		field := strings.Map(func(c rune) rune {
			if b, _ := foldRune(c); b >= '0' && b <= '9' {
				return -1
			}
			return c
		}, rapid.String().Draw(t, "field"))
		if got, err := r.Readings(nil, field); err == nil || len(got) > 0 {
			t.Fatalf("%q reads as %s, %v", field, show(got), err)
		}
	})
}

// Digits are never dropped in silence: what is read has each of them in some
// reading, unless leading zeros.
func TestReadingsUseAllDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		field := rapid.StringOfN(rapid.RuneFrom([]rune("0123456789 +-.,x")), 1, 40, -1).Draw(t, "field")
		got, err := r.Readings(nil, field)
		if err != nil {
			return
		}
		var all digits
		all.addString(field)
		if all.n-all.zeros > MaxDigits || all.n == all.zeros {
			return
		}
		if joined := number(&testing.T{}, all.string()[all.zeros:]); !slices.Contains(got, joined) {
			t.Fatalf("%q reads as %s, without all of its digits", field, show(got))
		}
	})
}

func TestReadingsCost(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("it measures time, which the race detector multiplies; the run without it has this test")
	}
	for _, code := range []string{"US", "DE", "BR", "RU", "AR"} {
		r := regionOf(code)
		for name, field := range map[string]string{
			"list":      strings.Repeat("79161234567,", MaxList),
			"blanks":    strings.Repeat("79161234567 ", MaxList),
			"short":     strings.Repeat("01234567 ", MaxList),
			"pieces":    strings.Repeat("1 ", MaxField/2),
			"zeros":     strings.Repeat("0 ", MaxField/2),
			"dashes":    strings.Repeat("- ", MaxField/2) + "1",
			"commas":    strings.Repeat(",", MaxField-1) + "1",
			"zero":      strings.Repeat("0", MaxField),
			"ext":       strings.Repeat(";ext=", MaxField/5),
			"invisible": strings.Repeat("\u200b", MaxField/3),
		} {
			start := time.Now()
			got, err := r.Readings(nil, field)
			if took := time.Since(start); took > 30*time.Second { // under the race detector, on a busy machine
				t.Errorf("%s %s: %d readings, %v, after %v", code, name, len(got), err, took)
			} else {
				t.Logf("%s %s: %d readings, %v, after %v", code, name, len(got), err, took)
			}
		}
	}
}

func TestReadingsBoundTheirEffort(t *testing.T) {
	t.Parallel()
	for _, code := range fuzzRegions {
		if raceDetector && code != "US" {
			continue
		}
		r := regionOf(code)
		got, err := r.Readings(nil, strings.Repeat("0012065551212,", MaxList))
		if err != nil || !slices.Contains(got, number(t, "12065551212")) {
			t.Errorf("%s: a long list behind 00: %s, %v", code, show(got), err)
		}
		for _, field := range []string{ // of which none is read twice
			strings.Repeat("0020655512-12,", 800),
			strings.Repeat("0020655512 12,", 700),
		} {
			if _, err := r.Readings(nil, field); err != nil {
				t.Errorf("%s: %.20q…: %v", code, field, err)
			}
		}
		for _, field := range []string{
			strings.Repeat("00000000000 ", 2700),       // zeros of which each may be a prefix
			strings.Repeat("00000000000000081,", 1000), // the same in a list
			strings.Repeat("00 81 ", 500),              // groups that make a number with each of their neighbours
		} {
			if got, err := r.Readings(nil, field); err != ErrTooLong {
				t.Errorf("%s: %.20q…: %s, %v", code, field, show(got), err)
			}
		}
	}
}

func TestReadingsAllocateNothing(t *testing.T) {
	r := regionOf("US")
	var room [8]Number
	for _, field := range []string{"12065551212", "+12065551212", "+1 (206) 555-1212", "13105550000,12065551212"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = r.Readings(room[:0], field) }); n > 0 {
			t.Errorf("%s: %v allocations", field, n)
		}
	}
}

// Whatever a backend does with a field, the number of the stop is a reading, or the
// field is refused.
func TestReadingsOfOddFields(t *testing.T) {
	t.Parallel()
	const p = "12065551212"
	r := regionOf("US")
	for _, field := range []string{
		p + "\u0661", "\uff19" + p, "1206555\uff111212", "\uff112065551212",
		p + "\u200b99", p + "\u00ad99", "310\ufeff" + p, p + "\u06dd9", "1206\u00ad5551212",
		"1,206,555,1212;1,310,555,0000", "1;206;555;1212,13105550000", "1,206,555,1212\n13105550000",
		"1|206|555|1212,13105550000", "13105550000, 1;206;555;1212", "99\n1 206 555 1212", "1 206 555 1212\n99",
		"99\t1 206 555 1212", "1 206 555 1212/99", "1 206 555 1212\uff0f99",
		"1(0)2065551212", "+1 (0) 206 555 1212", "1(0)2065551212,13105550000",
		p + ".000", "12065551211.999", "12065551211.9999", "0131712331554", "13105550000,0131712331554",
	} {
		got, err := r.Readings(nil, field)
		if err == nil && !slices.Contains(got, number(t, p)) {
			t.Errorf("%q reads as %s, without %s", field, show(got), p)
		}
	}
	for _, field := range []string{"206.555.1212", "1.206.555.1212", "+1.206.555.1212, 1.310.555.0000", "12065551212."} {
		if got, err := r.Readings(nil, field); err != nil || !slices.Contains(got, number(t, p)) {
			t.Errorf("%q reads as %s, %v", field, show(got), err)
		}
	}
}

// A stop behind 00 is another country's where 00 and a digit are the prefix. Sends to what
// it means elsewhere are held as well.
func TestStopBehindLongPrefix(t *testing.T) {
	t.Parallel()
	for code, international := range map[string]string{"GY": "12065551212", "MN": "12065551212", "NG": "9647911123456", "HK": "12065551212", "SG": "12065551212"} {
		r := regionOf(code)
		stopped, err := r.Canonical("00" + international)
		if err != nil {
			t.Fatal(code, err)
		}
		for _, field := range []string{international, "+" + international, "00" + international, "011" + international} {
			if got, err := r.Readings(nil, field); err != nil || !slices.Contains(got, stopped) {
				t.Errorf("%s: %q reads as %s, without %s, %v", code, field, show(got), stopped.Digits(), err)
			}
		}
	}
}

// node-smpp writes the low bytes of characters.
func TestReadingsOfLowBytes(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"1\ufe32065551212", "\ufe31\ufe32\u3030655512\ufe31\ufe32", "13105550000,1\ufe32065551212"} {
		if got, err := regionOf("US").Readings(nil, field); err != nil || !slices.Contains(got, number(t, "12065551212")) {
			t.Errorf("%q reads as %s, %v", field, show(got), err)
		}
	}
}

func TestOldMexicanMobiles(t *testing.T) {
	t.Parallel()
	want := number(t, "525512345678")
	for _, code := range []string{"US", "MX", "SE", "BR"} {
		r := regionOf(code)
		for _, field := range []string{"5215512345678", "+52 1 55 1234 5678", "0115215512345678", "005215512345678"} {
			if got, err := r.Readings(nil, field); err != nil || !slices.Contains(got, want) {
				t.Errorf("%s: %q reads as %s, %v", code, field, show(got), err)
			}
		}
	}
	for _, code := range []string{"US", "MX", "GB"} {
		if got, err := regionOf(code).Canonical("5215512345678"); err != nil || got != want {
			t.Errorf("%s: a stop of it is %s, %v", code, got.Digits(), err)
		}
	}
}

// A list that fills the field is read, however its numbers are written.
func TestLongestLists(t *testing.T) {
	t.Parallel()
	r := regionOf("US")
	for _, form := range []string{"12065551212,", "+1 206 555-1212,\r\n", "00 1 206 555-1212,\n", "001 (206) 555 1212; ", "tel:+1-206-555-1212, "} {
		field := strings.Repeat(form, MaxList)
		if got, err := r.Readings(nil, field); err != nil || !strings.Contains(show(got), "12065551212") {
			t.Errorf("%q %d times: %s, %v", form, MaxList, show(got), err)
		}
	}
}

// Digits that something else than a separator ends are a number for those who split
// there.
func TestReadingsOfDigitRuns(t *testing.T) {
	t.Parallel()
	for _, field := range []string{
		"12065551212.(310) 555-0000", "2065551212-(310) 555-0000", "1-2065551212[9", "12065551212(0110)", "12065|5.2065551212",
		"13105550000,1206555，1212", "13105550000,120655512|，12", "13105550000 1206#5551212", "1-20；6-555-1212;1-310-555-0000",
	} {
		got, err := regionOf("US").Readings(nil, field)
		if err != nil || !strings.Contains(" "+show(got)+" ", " 12065551212 ") {
			t.Errorf("%q reads as %s, %v", field, show(got), err)
		}
	}
}
