package smsapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

const formType = "application/x-www-form-urlencoded"

// unread fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }

func TestBodyForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   io.Reader
		length int64 // of the header; -1 is chunked
		types  []string
		header http.Header
		want   string
		code   string
	}{
		"none":                   {length: 0},
		"none, with a type":      {length: 0, types: []string{"application/json"}},
		"form":                   {body: strings.NewReader("a=1"), length: 3, types: []string{formType}, want: "a=1"},
		"chunked":                {body: iotest.OneByteReader(strings.NewReader("a=1")), length: -1, types: []string{formType}, want: "a=1"},
		"chunked, empty":         {body: strings.NewReader(""), length: -1},
		"chunked, no type":       {body: strings.NewReader("a=1"), length: -1, code: "body_type"},
		"type in capitals":       {body: strings.NewReader("a=1"), length: 3, types: []string{"APPLICATION/X-WWW-FORM-URLENCODED"}, want: "a=1"},
		"charset":                {body: strings.NewReader("a=1"), length: 3, types: []string{formType + "; charset=UTF-8"}, want: "a=1"},
		"quoted charset":         {body: strings.NewReader("a=1"), length: 3, types: []string{formType + `;charset="utf-8" `}, want: "a=1"},
		"trailing semicolon":     {body: strings.NewReader("a=1"), length: 3, types: []string{formType + "; "}, want: "a=1"},
		"boundary":               {body: unread{t}, length: 3, types: []string{formType + ";boundary=x"}, code: "body_type"},
		"version":                {body: strings.NewReader("a=1"), length: 3, types: []string{formType + ";version=2"}, want: "a=1"},
		"charset and boundary":   {body: unread{t}, length: 3, types: []string{formType + ";charset=utf-8;boundary=x"}, code: "body_type"},
		"JSON behind separators": {body: strings.NewReader("&+&%E3%80%80&{1}"), length: 16, types: []string{formType}, code: "body_not_form"},
		"nothing but separators": {body: strings.NewReader("&+&"), length: 3, types: []string{formType}, want: "&+&"},
		"identity":               {body: strings.NewReader("a=1"), length: 3, types: []string{formType}, header: http.Header{"Content-Encoding": {"identity"}}, want: "a=1"},
		"no type":                {body: unread{t}, length: 3, code: "body_type"},
		"empty type":             {body: unread{t}, length: 3, types: []string{""}, code: "body_type"},
		"other type":             {body: unread{t}, length: 3, types: []string{"application/json"}, code: "body_type"},
		"two types":              {body: unread{t}, length: 3, types: []string{formType, formType}, code: "body_type"},
		"list of types":          {body: unread{t}, length: 3, types: []string{formType + ", text/plain"}, code: "body_type"},
		"other charset":          {body: unread{t}, length: 3, types: []string{formType + ";charset=ibm037"}, code: "body_type"},
		"two charsets":           {body: unread{t}, length: 3, types: []string{formType + ";charset=utf-8;charset=utf-8"}, code: "body_type"},
		"nameless parameter":     {body: unread{t}, length: 3, types: []string{formType + "; ="}, code: "body_type"},
		"valueless parameter":    {body: unread{t}, length: 3, types: []string{formType + "; charset"}, code: "body_type"},
		"escape in a parameter":  {body: unread{t}, length: 3, types: []string{formType + `; charset="utf\-16"`}, code: "body_type"},
		"multipart beside it":    {body: unread{t}, length: 3, types: []string{formType + "; x=multipart; boundary=abc"}, code: "body_type"},
		"Multipart, as a name":   {body: unread{t}, length: 3, types: []string{formType + "; Multipart=x; boundary=abc"}, code: "body_type"},
		"JSON beside it":         {body: unread{t}, length: 3, types: []string{formType + `; x="json"`}, code: "body_type"},
		"a stream beside it":     {body: unread{t}, length: 3, types: []string{formType + "; x=octet-stream"}, code: "body_type"},
		"type with a blank":      {body: unread{t}, length: 3, types: []string{formType + " charset=utf-8"}, code: "body_type"},
		"underscore header":      {body: unread{t}, length: 3, types: []string{formType}, header: http.Header{"Content_type": {"application/json"}}, code: "body_type"},
		"gzip":                   {body: unread{t}, length: 3, types: []string{formType}, header: http.Header{"Content-Encoding": {"gzip"}}, code: "body_coding"},
		"identity, gzip":         {body: unread{t}, length: 3, types: []string{formType}, header: http.Header{"Content-Encoding": {"identity, gzip"}}, code: "body_coding"},
		"declared over limit":    {body: unread{t}, length: 65, types: []string{formType}, code: "body_too_large"},
		"over limit":             {body: strings.NewReader(strings.Repeat("a", 65)), length: -1, types: []string{formType}, code: "body_too_large"},
		"at the limit":           {body: strings.NewReader(strings.Repeat("a", 64)), length: -1, types: []string{formType}, want: strings.Repeat("a", 64)},
		"over an earlier limit":  {body: iotest.ErrReader(&http.MaxBytesError{Limit: 1}), length: -1, types: []string{formType}, code: "body_too_large"},
		"breaks off":             {body: iotest.ErrReader(io.ErrUnexpectedEOF), length: 3, types: []string{formType}, code: "body_incomplete"},
		"breaks off in a while":  {body: io.MultiReader(strings.NewReader("a="), iotest.ErrReader(errors.New("gone"))), length: 3, types: []string{formType}, code: "body_incomplete"},
		"JSON under a form type": {body: strings.NewReader(` {"a":1}`), length: 8, types: []string{formType}, code: "body_not_form"},
		"the same, escaped":      {body: strings.NewReader(`%7B%22a%22`), length: 10, types: []string{formType}, code: "body_not_form"},
		"the same behind a BOM":  {body: strings.NewReader("\ufeff[1]"), length: 6, types: []string{formType}, code: "body_not_form"},
		"XML under a form type":  {body: strings.NewReader("<a>"), length: 3, types: []string{formType}, code: "body_not_form"},
		"announced trailer":      {body: unread{t}, length: -1, types: []string{formType}, header: http.Header{"X-Test-Trailer": {"1"}}, code: "trailer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/bin/api_web", c.body)
			r.ContentLength = c.length
			for name, values := range c.header {
				r.Header[name] = values
			}
			if c.types != nil {
				r.Header["Content-Type"] = c.types
			}
			if r.Header.Get("X-Test-Trailer") != "" {
				r.Trailer = http.Header{"Phone": nil}
			}
			body := NewBody(r, 64)
			got, refusal := body.Form()
			if refusal != nil {
				if refusal.Code != c.code {
					t.Errorf("refused as %s, want %q", refusal.Code, c.code)
				}
				return
			}
			if got != c.want || c.code != "" {
				t.Errorf("got %q, want %q %s", got, c.want, c.code)
			}
			if again, err := io.ReadAll(r.Body); string(again) != c.want || err != nil {
				t.Errorf("forwarded as %q, %v", again, err)
			}
			if r.ContentLength != c.length {
				t.Errorf("length became %d", r.ContentLength)
			}
		})
	}
}

func TestUnannouncedTrailer(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/bin/api_web", nil)
	r.ContentLength = -1
	r.Header.Set("Content-Type", formType)
	// As net/http does: trailers are there once the body has been read.
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("a=1"), readFunc(func([]byte) (int, error) {
		r.Trailer = http.Header{"Phone": {"12065551212"}}
		return 0, io.EOF
	})))
	body := NewBody(r, 64)
	if _, refusal := body.Form(); refusal != refusedTrailer {
		t.Errorf("got %v", refusal)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A byte order mark of UTF-16 or UTF-32 says how .NET reads a form, whatever its type says.
func TestWideMarks(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "\xff\xfe\x00\x00", "\x00\x00\xfe\xff"} {
		r := httptest.NewRequest("POST", "/bin/api_web", strings.NewReader(mark+"%\x006\x003\x00=\x00x\x00"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		body := NewBody(r, 1<<20)
		if _, refusal := body.Form(); refusal != refusedType {
			t.Errorf("%q: %v", mark, refusal)
		}
	}
}
