package phone

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func number(t testing.TB, digits string) Number {
	t.Helper()
	n, err := ParseNumber(digits)
	if err != nil {
		t.Fatalf("ParseNumber(%q): %v", digits, err)
	}
	return n
}

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for _, digits := range []string{"1", "12065551212", "123456789012345"} {
		if n := number(t, digits); n.Digits() != digits || string(n.AppendDigits(nil)) != digits || n.IsZero() {
			t.Errorf("%s came back as %s", digits, n.Digits())
		}
		if n, err := ParseNumber([]byte(digits)); err != nil || n != number(t, digits) {
			t.Errorf("%s as bytes is another number", digits)
		}
	}
	for _, digits := range []string{"", "1234567890123456", "+1206", "1206 ", "12a", "١٢"} {
		if n, err := ParseNumber(digits); err != ErrNotPhone || !n.IsZero() {
			t.Errorf("%q gave %s, %v", digits, n.Digits(), err)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]string{
		"12065551212":     "1206*****12",
		"123456789012345": "1234*********45",
		"1234567890":      "1234****90",
		"123456789":       "12******9",
		"12345":           "12**5",
		"1234":            "****",
		"1":               "*",
	} {
		if got := number(t, digits).String(); got != want {
			t.Errorf("%s is masked as %s, not %s", digits, got, want)
		}
	}
	if got := (Number{}).String(); got != "" {
		t.Errorf("no number prints as %q", got)
	}
}

func TestNothingPrintsTheNumber(t *testing.T) {
	t.Parallel()
	const digits, masked = "12065551212", "1206*****12"
	n := number(t, digits)
	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%c", "%U", "%t", "%08.3s"} {
		printed[verb] = fmt.Sprintf(verb, n)
		printed[verb+" of pointer"] = fmt.Sprintf(verb, &n)
		printed[verb+" of slice"] = fmt.Sprintf(verb, []Number{n})
		printed[verb+" of field"] = fmt.Sprintf(verb, struct{ Phone Number }{n})
	}
	printed["Sprint"] = fmt.Sprint(n)
	printed["error"] = fmt.Errorf("for %v", n).Error()
	printed["GoString"] = n.GoString()
	for name, v := range map[string]any{"value": n, "pointer": &n, "slice": []Number{n}, "key": map[Number]int{n: 1}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed["json "+name] = string(b)
	}
	var out bytes.Buffer
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(&out), zap.DebugLevel))
	for name, field := range map[string]zap.Field{
		"any": zap.Any("n", n), "any pointer": zap.Any("n", &n), "any slice": zap.Any("n", []Number{n}),
		"stringer": zap.Stringer("n", n), "reflect": zap.Reflect("n", n),
	} {
		out.Reset()
		logger.Info("", field)
		printed["zap "+name] = out.String()
	}
	for name, handler := range map[string]slog.Handler{
		"text": slog.NewTextHandler(&out, nil), "json": slog.NewJSONHandler(&out, nil),
	} {
		out.Reset()
		slog.New(handler).Info("", "n", n)
		printed["slog "+name] = out.String()
	}
	for how, text := range printed {
		// The digits as they are, in hexadecimal, and as a list of bytes.
		for _, leak := range []string{digits, "3132303635353531323132", "49 50 48 54", "5551", "353535"} {
			if strings.Contains(text, leak) {
				t.Errorf("%s prints %s", how, text)
			}
		}
		if !strings.Contains(text, masked) && !strings.Contains(how, "pointer") {
			t.Errorf("%s prints %q, without the mask", how, text)
		}
	}
}
