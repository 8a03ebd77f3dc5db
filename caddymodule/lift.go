package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/optoutstore"
)

// liftHead is how much of the backend's answer is looked at: the first word tells.
const liftHead = 16

// forwardAndLift forwards a subscribe of an opted-out pair, and lifts the opt-out
// once the backend has accepted it. The client hears of it after the lift is
// durable, so that its next send passes.
func (x *exchange) forwardAndLift(w http.ResponseWriter, next caddyhttp.Handler) error {
	// The answer has to be read. A client takes an answer without a coding whether
	// or not it said that it would take one with.
	x.r.Header.Del("Accept-Encoding")

	lw := &liftWriter{
		ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		x:                     x,
	}
	err := next.ServeHTTP(lw, x.r)
	if err == nil {
		lw.flushHead()
	}
	return err
}

// lift records that the pair may be messaged again.
func (x *exchange) lift() {
	to := x.call.Recipients[0]
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), recordTimeout)
	defer cancel()
	event, err := x.store.Lift(ctx, optoutstore.Change{
		Pair:      x.plainPair(to),
		Source:    optoutstore.SourceAPIWeb,
		Remote:    clientIP(x.r),
		RequestID: requestID(x.r),
		Reason:    "subscribed again",
	})
	switch {
	case errors.Is(err, optoutstore.ErrNotOptedOut):
		// Someone else has lifted it meanwhile.
	case err != nil:
		x.h.logger.Error("opt-out not lifted although the backend accepted the subscribe", x.callField(), zap.Error(err))
	default:
		x.h.logger.Info("opt-out lifted: subscribed again", x.callField(),
			zap.Uint64("event", event.Number), zap.String("request_id", event.RequestID))
	}
}

// liftWriter holds back the head of an answer until it tells whether the backend
// has accepted.
type liftWriter struct {
	*caddyhttp.ResponseWriterWrapper
	x      *exchange
	status int
	head   []byte
	told   bool
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
	if w.told {
		return w.ResponseWriterWrapper.Write(b)
	}
	w.head = append(w.head, b...)
	if len(w.head) >= liftHead {
		if err := w.tell(); err != nil {
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
	if !w.told {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements http.Flusher.
func (w *liftWriter) Flush() { w.FlushError() }

// flushHead passes on an answer that ended before it was long enough.
func (w *liftWriter) flushHead() {
	if !w.told && w.status != 0 {
		w.tell()
	}
}

func (w *liftWriter) tell() error {
	w.told = true
	if w.Header().Get("Content-Encoding") == "" && w.x.api.Accepted(w.status, w.head) {
		w.x.lift()
	}
	w.ResponseWriterWrapper.WriteHeader(w.status)
	_, err := w.ResponseWriterWrapper.Write(w.head)
	return err
}

// Interface guards
var (
	_ http.ResponseWriter = (*liftWriter)(nil)
	_ http.Flusher        = (*liftWriter)(nil)
	_ io.ReaderFrom       = (*liftWriter)(nil)
)
