package phone

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

// someRegions differ in what can go wrong: one length and none of its own trunk
// prefix (US), a trunk prefix (GB), all lengths (DE), significant leading zeros
// (IT), no prefix at all (NO), a trunk prefix beside others and 0011 (AU), carrier
// codes (BR), mobile numbers that begin like the calling code (IN), a two-digit
// trunk prefix (HU), a trunk prefix inside numbers (RU), 010 (JP), local numbers
// that the library completes (AG), a rewritten mobile prefix (AR), IDD of one
// digit (WS).
var someRegions = []string{
	"US", "GB", "DE", "IT", "NO", "AU", "BR", "IN", "HU", "RU", "JP", "AG", "AR", "WS", "BY", "SM", "UY",
}

func regionOf(code string) *Region {
	r, err := NewRegion(code)
	if err != nil {
		panic(err)
	}
	return r
}

func drawRegion(t *rapid.T) *Region {
	return regionOf(rapid.SampledFrom(someRegions).Draw(t, "region"))
}

// drawDigits draws digits that are likely to mean something in r.
func drawDigits(t *rapid.T, r *Region) string {
	d := rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), 1, 15, -1).Draw(t, "digits")
	prefixes := []string{
		"", "", "", r.plan.code, r.plan.code, r.plan.code + r.plan.code, r.trunk.literal,
		r.plan.code + r.trunk.literal, "00" + r.plan.code, "011", "00", "0", "1", "44", "39", "49",
	}
	d = rapid.SampledFrom(prefixes).Draw(t, "prefix") + d
	for _, typ := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE} {
		example := phonenumbers.GetExampleNumberForType(r.code, typ)
		if example == nil {
			continue
		}
		national := phonenumbers.GetNationalSignificantNumber(example)
		switch rapid.IntRange(0, 8).Draw(t, "form") {
		case 0:
			return national
		case 1:
			return r.plan.code + national
		case 2:
			return r.trunk.literal + national
		}
	}
	return d[:min(len(d), maxPrefixed)]
}

// libraryInternational reads digits as the library reads them behind a plus.
func libraryInternational(d string) (Number, bool) {
	n, err := phonenumbers.Parse("+"+d, "")
	return libraryNumber(n, err)
}

// libraryRegional reads digits as the library reads them in a region.
func libraryRegional(d string, r *Region) (Number, bool) {
	n, err := phonenumbers.Parse(d, r.code)
	return libraryNumber(n, err)
}

func libraryNumber(n *phonenumbers.PhoneNumber, err error) (Number, bool) {
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return Number{}, false
	}
	m, err := ParseNumber(fmt.Sprint(n.GetCountryCode()) + phonenumbers.GetNationalSignificantNumber(n))
	return m, err == nil
}

func TestInternationalIsTheLibrarys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		if oldMexican(d) {
			t.Skip("another draw: the library does not know the old Mexican form")
		}
		got, ok := r.international(d)
		want, wantOK := libraryInternational(d)
		if strings.HasPrefix(d, "0") {
			wantOK, want = false, Number{} // the library takes +0 for nothing or for IDD
		}
		if ok != wantOK || got != want {
			t.Fatalf("%s: %s %v, library %s %v", d, got.Digits(), ok, want.Digits(), wantOK)
		}
	})
}

// Where digits do not begin with the region's own calling code, and no
// international prefix, the canonical form is what the library makes of them.
func TestNationalIsTheLibrarys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		if cut, _ := r.idd.len(d); cut > 0 || strings.HasPrefix(d, r.plan.code) {
			t.Skip("another draw: these digits are international")
		}
		got, ok := r.national(d)
		want, wantOK := libraryRegional(d, r)
		if wantOK && !strings.HasPrefix(want.Digits(), r.plan.code) {
			wantOK, want = false, Number{}
		}
		if ok != wantOK || got != want {
			t.Fatalf("%s %s: %s %v, library %s %v", r.code, d, got.Digits(), ok, want.Digits(), wantOK)
		}
	})
}

// Whatever the library makes of digits in a region, the stop's canonical form is
// that or among the readings, and the library's result is a reading too.
func TestReadingsHoldTheLibrarys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegion(t)
		d := drawDigits(t, r)
		readings := r.digitReadings(nil, 0, d)
		for _, read := range []func(string) (Number, bool){
			libraryInternational, func(d string) (Number, bool) { return libraryRegional(d, r) },
		} {
			want, ok := read(d)
			if strings.Contains(d, "000") || r.trunk.literal == "" && strings.HasPrefix(d, r.plan.code+"0") {
				continue // the library may strip several prefixes; no number has so many
			}
			if ok && !slices.Contains(readings, want) {
				t.Fatalf("%s %s: %s is missing in %s", r.code, d, want.Digits(), show(readings))
			}
		}
	})
}

func TestShortWayIsTheLongWay(t *testing.T) {
	t.Parallel()
	regions := slices.Sorted(func(yield func(string) bool) {
		for code := range phonenumbers.GetSupportedRegions() {
			if !yield(code) {
				return
			}
		}
	})
	open := 0
	for _, code := range regions {
		if regionOf(code).plain {
			open++
		}
	}
	if open < 3*len(regions)/4 {
		t.Errorf("the short way is open in %d of %d regions only", open, len(regions))
	}
	rapid.Check(t, func(t *rapid.T) {
		r := regionOf(rapid.SampledFrom(regions).Draw(t, "region"))
		for range 20 {
			d := drawDigits(t, r)
			short, ok := r.short(nil, 0, d)
			if !ok {
				continue
			}
			long := r.long(nil, 0, d)
			if show(unique(short)) != show(unique(long)) {
				t.Fatalf("%s %s: short way %s, long way %s", r.code, d, show(short), show(long))
			}
			a, b := senders{region: r}, senders{region: r}
			a.number(d)
			b.lowHalf(lowHalf(d), len(d)) // which number adds before it takes either way
			b.longNumber(d)
			slices.Sort(a.list)
			slices.Sort(b.list)
			if !slices.Equal(a.list, b.list) {
				t.Fatalf("%s sender %s: short way %s, long way %s", r.code, d, a.list, b.list)
			}
		}
	})
}

func show(numbers []Number) string {
	var all []string
	for _, n := range numbers {
		all = append(all, n.Digits())
	}
	return strings.Join(all, " ")
}
