package phone

import "testing"

func BenchmarkCanonical(b *testing.B) {
	for _, bb := range []struct{ name, region, digits string }{
		{"international", "US", "12065551212"},
		{"national", "US", "2065551212"},
		{"trunk", "GB", "07911123456"},
		{"all lengths possible", "DE", "4915112345678"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := regionOf(bb.region)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Canonical(bb.digits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadings(b *testing.B) {
	for _, bb := range []struct{ name, region, field string }{
		{"international", "US", "12065551212"},
		{"national", "US", "2065551212"},
		{"abroad", "US", "442079460000"},
		{"plus", "US", "+12065551212"},
		{"pretty", "US", "+1 (206) 555-1212"},
		{"list of two", "US", "13105550000,12065551212"},
		{"international GB", "GB", "447911123456"},
		{"trunk GB", "GB", "07911123456"},
		{"international DE", "DE", "4915112345678"},
		{"international IN", "IN", "919876543210"},
		{"international BR", "BR", "5511987654321"},
		{"international RU", "RU", "79161234567"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := regionOf(bb.region)
			var room [8]Number
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Readings(room[:0], bb.field); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSenderReadings(b *testing.B) {
	for _, bb := range []struct{ name, field string }{
		{"code", "120162701555"},
		{"phone", "12065551212"},
		{"short code", "12345"},
		{"national phone", "2065551212"},
		{"lower case", "mybrand"},
		{"mixed case", "MyBrand"},
		{"plus", "+120162701555"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := regionOf("US")
			var room [4]Sender
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.SenderReadings(room[:0], bb.field); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := build("DE"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIn(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if In("DE") == nil {
			b.Fatal("not known")
		}
	}
}
