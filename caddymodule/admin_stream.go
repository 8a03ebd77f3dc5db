package caddymodule

import (
	"bufio"
	"encoding/json"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// stream is an answer of many parts that is sent while it is made. Up to its first
// part an error is answered like any other; behind it the connection is cut, so
// that no client takes a part for the whole.
type stream struct {
	w                  http.ResponseWriter
	out                *bufio.Writer
	kind               string
	open, sep, closing string
	begun              bool
}

// newStream returns an answer of the media type kind: open, the parts with sep
// between them, closing.
func newStream(w http.ResponseWriter, kind, open, sep, closing string) *stream {
	return &stream{w: w, out: bufio.NewWriterSize(w, 64<<10), kind: kind, open: open, sep: sep, closing: closing}
}

func (s *stream) begin() {
	s.begun = true
	s.w.Header().Set("Content-Type", s.kind)
	s.out.WriteString(s.open)
}

// part sends one part. Its error is that the client has gone.
func (s *stream) part(b []byte) error {
	if s.begun {
		s.out.WriteString(s.sep)
	} else {
		s.begin()
	}
	_, err := s.out.Write(b)
	return err
}

// Write implements io.Writer for an answer that is one part.
func (s *stream) Write(b []byte) (int, error) {
	if !s.begun {
		s.begin()
	}
	return s.out.Write(b)
}

// flush sends what is held back.
func (s *stream) flush() {
	_ = s.out.Flush()                           // the client has gone
	_ = http.NewResponseController(s.w).Flush() // likewise
}

func (s *stream) json(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.part(b)
}

// end ends the answer; err is what ended its making.
func (s *stream) end(err error) error {
	if err != nil && !s.begun {
		return err
	}
	if err != nil {
		caddy.Log().Named("admin.api.sms_optout").Warn("an answer was cut short", zap.Error(err))
		panic(http.ErrAbortHandler)
	}
	if !s.begun {
		s.begin()
	}
	s.out.WriteString(s.closing)
	_ = s.out.Flush() // the client has gone
	return nil
}
