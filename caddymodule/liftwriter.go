package caddymodule

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// liftHead is how much of the backend's answer is looked at: the first word tells.
const liftHead = 16

// liftWriter holds back the beginning of an answer until it tells whether the
// backend has accepted, and passes it on once told has been called with it.
type liftWriter struct {
	*caddyhttp.ResponseWriterWrapper
	told   func(status int, header http.Header, head []byte)
	status int
	head   []byte
	passes bool // told was called
}

func (w *liftWriter) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.ResponseWriterWrapper.WriteHeader(status)
		return
	}
	if w.status == 0 {
		w.status = status
	}
}

func (w *liftWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.passes {
		return w.ResponseWriterWrapper.Write(b)
	}
	w.head = append(w.head, b...)
	if len(w.head) >= liftHead {
		if err := w.pass(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// ReadFrom keeps an io.Copy from going past Write.
func (w *liftWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}

// FlushError implements the flushing that http.ResponseController looks for. What
// has come so far is not passed on before it tells.
func (w *liftWriter) FlushError() error {
	if !w.passes {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements http.Flusher.
func (w *liftWriter) Flush() { _ = w.FlushError() }

// finish passes on an answer that ended before it was long enough.
func (w *liftWriter) finish() {
	if !w.passes && w.status != 0 {
		_ = w.pass() // the client has gone; what was decided stands
	}
}

func (w *liftWriter) pass() error {
	w.passes = true
	w.told(w.status, w.Header(), w.head)
	w.ResponseWriterWrapper.WriteHeader(w.status)
	if len(w.head) == 0 {
		return nil // perhaps a status without a body
	}
	_, err := w.ResponseWriterWrapper.Write(w.head)
	return err
}

// Interface guards
var (
	_ http.ResponseWriter = (*liftWriter)(nil)
	_ http.Flusher        = (*liftWriter)(nil)
	_ io.ReaderFrom       = (*liftWriter)(nil)
)
