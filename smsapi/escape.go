package smsapi

import (
	"strings"
	"unicode/utf8"
)

// Escapes says what decoding a value met on the way.
type Escapes uint8

const (
	// EscapesPlus: a raw "+".
	EscapesPlus Escapes = 1 << iota
	// EscapesBroken: a "%" that two hexadecimal digits do not follow. Go drops
	// such a pair, IIS reads %uXXXX as a character, the rest keep it as it is.
	EscapesBroken
	// EscapesTwice: decoding yielded a "%", so that decoding again may yield
	// something else.
	EscapesTwice
)

// AppendUnescaped appends raw, decoded once, and says what it met. A raw "+"
// becomes plus: a space to a form's reader, a "+" to one that only undoes percent
// signs. A broken escape is kept as it is.
func AppendUnescaped(dst []byte, raw string, plus byte) ([]byte, Escapes) {
	var met Escapes
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '+':
			met |= EscapesPlus
			dst = append(dst, plus)
		case '%':
			b, ok := hexByte(raw, i+1)
			if !ok {
				met |= EscapesBroken
				dst = append(dst, c)
				continue
			}
			if b == '%' {
				met |= EscapesTwice
			}
			dst = append(dst, b)
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst, met
}

// HalfEscaped reports whether a character of raw is written in part as escapes and in part as
// it is. decodeURIComponent decodes no such text, and qs then takes it as it stands, of which
// the digits are others: 1%E2\x80\x90065551212.
func HalfEscaped(raw string) bool {
	if IsASCII(raw) {
		return false
	}
	var run []byte
	for i := 0; i < len(raw); i++ {
		if raw[i] == '%' {
			if b, ok := hexByte(raw, i+1); ok {
				run = append(run, b)
				i += 2
				continue
			}
		}
		if !utf8.Valid(run) {
			return true
		}
		run = run[:0]
	}
	return !utf8.Valid(run)
}

// InBytes are a value as Mono's System.Web has it where it takes characters for bytes, so that
// UTF-8 is decoded twice: those from U+0080 to U+00FF in a text with escapes, and all in a
// query, which are written in Latin-1 first. There are none where raw is ASCII.
func InBytes(raw string) (values []string) {
	if IsASCII(raw) {
		return nil
	}
	latin1 := make([]byte, 0, len(raw))
	for _, r := range raw {
		if r > 0xff {
			r = rune(inLatin1(r))
		}
		latin1 = append(latin1, byte(r))
	}
	last := raw
	for _, text := range [...]string{string(narrowed(nil, []byte(raw))), string(latin1)} {
		if text == last {
			continue
		}
		last = text
		// What is no UTF-8 then is nobody's number or name.
		if decoded, _ := AppendUnescaped(nil, text, ' '); utf8.Valid(decoded) {
			values = append(values, string(decoded))
		}
	}
	return values
}

// appendLenient appends s with every escape undone that any server family
// undoes, %uXXXX among them. plus says whether "+" is one.
func appendLenient(dst []byte, s string, plus bool) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' && plus {
			dst = append(dst, ' ')
			continue
		}
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		if b, ok := hexByte(s, i+1); ok {
			dst = append(dst, b)
			i += 2
			continue
		}
		if i+6 <= len(s) && s[i+1]|0x20 == 'u' {
			hi, ok1 := hexByte(s, i+2)
			lo, ok2 := hexByte(s, i+4)
			if ok1 && ok2 {
				dst = utf8.AppendRune(dst, rune(hi)<<8|rune(lo))
				i += 5
				continue
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// hexByte is the byte whose two hexadecimal digits stand at s[i:].
func hexByte(s string, i int) (byte, bool) {
	if i+2 > len(s) {
		return 0, false
	}
	hi, lo := hexDigit[s[i]], hexDigit[s[i+1]]
	return hi<<4 | lo&0x0f, hi|lo < 0x10
}

// hexDigit is the value of each hexadecimal digit and 0xff for the rest.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	const digits = "0123456789abcdef"
	for i := range len(digits) {
		t[digits[i]] = byte(i)
		t[strings.ToUpper(digits)[i]] = byte(i)
	}
	return t
}()
