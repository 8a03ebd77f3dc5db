package phone

import (
	"fmt"
)

// MaxDigits is the longest number that E.164 allows.
const MaxDigits = 15

// Number is a phone in canonical form: E.164 digits without the plus. It is
// comparable, needs no heap, and prints masked whatever the formatting verb; use
// Digits where the number itself is meant. Package fmt cannot ask the unexported
// fields of other types how to print, so a type that has a Number in one and may
// be printed needs a Format of its own.
type Number struct {
	digits [MaxDigits]byte
	n      uint8
}

// ParseNumber returns the number whose canonical digits these are. It checks
// that they are 1 to 15 ASCII digits, not that they are a possible number.
func ParseNumber[T string | []byte](digits T) (Number, error) {
	var n Number
	if len(digits) == 0 || len(digits) > MaxDigits {
		return n, ErrNotPhone
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return Number{}, ErrNotPhone
		}
		n.digits[i] = digits[i]
	}
	n.n = uint8(len(digits))
	return n, nil
}

// IsZero reports whether n holds no number.
func (n Number) IsZero() bool { return n.n == 0 }

// Digits is the number in full, as E.164 digits without the plus. This is
// personal data: it belongs in the store and on the wire, not in a log.
func (n Number) Digits() string { return string(n.digits[:n.n]) }

// AppendDigits appends the number in full to dst.
func (n Number) AppendDigits(dst []byte) []byte { return append(dst, n.digits[:n.n]...) }

// String is the number masked: 12065551212 is 1206*****12. It shows at most six
// digits, and three of fewer than ten.
func (n Number) String() string {
	var b [MaxDigits]byte
	masked := append(b[:0], n.digits[:n.n]...)
	head, tail := 4, 2
	switch {
	case len(masked) < 5:
		head, tail = 0, 0
	case len(masked) < 10:
		head, tail = 2, 1
	}
	for i := head; i < len(masked)-tail; i++ {
		masked[i] = '*'
	}
	return string(masked)
}

// Format masks the number for every verb of package fmt.
func (n Number) Format(f fmt.State, _ rune) { fmt.Fprint(f, n.String()) }

// GoString masks the number for callers of fmt.GoStringer. Package fmt is none, for it asks
// Format first.
func (n Number) GoString() string { return n.String() }

// MarshalText masks the number, so that a value that strays into JSON or a log
// field shows no more than a log line would.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
