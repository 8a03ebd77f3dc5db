package listfile

import (
	"bytes"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// TestRoundTrip wants what is written to be read back as it was.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-z0-9+,;"'|*=@-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom([]Format{CSV, NDJSON}).Draw(t, "format")
		var rows []Row
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			rows = append(rows, Row{
				Realm: word.Draw(t, "realm"), Sender: word.Draw(t, "sender"), Phone: word.Draw(t, "phone"), At: word.Draw(t, "at"), Source: word.Draw(t, "source"),
				Reason: rapid.StringMatching(`[ a-zé"',;\n\t<>&\x{1F600}\x{2028}=+@-]{0,20}`).Draw(t, "reason"),
			})
		}
		var b bytes.Buffer
		w, err := NewWriter(&b, format, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := w.Write(r.Values(), r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		l, err := NewReader(&b, Options{Format: format})
		if err != nil {
			t.Fatalf("%v: %q", err, text)
		}
		for i, want := range rows {
			got, err := l.Next()
			want.Line = got.Line
			if err != nil || got != want {
				t.Fatalf("row %d: %+v, %v; want %+v in %q", i, got, err, want, text)
			}
		}
		if _, err := l.Next(); err != io.EOF {
			t.Fatalf("behind the last row: %v", err)
		}
	})
}

// FuzzRead wants no file to hang, crash or grow the reader.
func FuzzRead(f *testing.F) {
	for _, text := range []string{header + "a,b,12065551212,,,\n", `[{"phone":"1"}]`, `{"OptedOutNumbers":["1"]}`, "1\n2", "\"", "\x1f\x8b"} {
		for i := range 4 {
			f.Add(text, i)
		}
	}
	f.Fuzz(func(t *testing.T, text string, how int) {
		o := []Options{{}, {Format: NDJSON}, {Preset: "plain"}, {Preset: "aws"}, {Preset: "twilio-log"}}[uint(how)%5]
		rows, faults, _, _, _ := readAll(text, o)
		if len(rows)+len(faults) > len(text)+1 {
			t.Errorf("%d bytes hold %d rows", len(text), len(rows))
		}
	})
}
