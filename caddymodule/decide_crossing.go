package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/relay"
	"github.com/stopgate/stopgate/smsapi"
)

const (
	// crossingTimeout bounds the wait of a subscribe for what the backend is being told
	// of its phone.
	crossingTimeout = 15 * time.Second
	// lingering is how long a phone stays held where a subscribe was given up before
	// the backend's answer was seen: the backend may still be at it.
	lingering = 10 * time.Second
)

// hold waits until nobody tells the backend anything about the phones of a
// subscribe, and keeps it so until the exchange ends. Without that the backend could
// hear of a stop and of a subscribe in another order than the gateway.
func (x *exchange) hold() bool {
	ctx, cancel := context.WithTimeout(x.r.Context(), x.store.relay.crossing)
	defer cancel()
	release, err := x.store.relay.order.Hold(ctx, x.call.Recipients[0].Phones)
	if err != nil {
		if x.r.Context().Err() == nil {
			x.logCrossing()
		}
		return false
	}
	x.release = release
	return true
}

// logCrossing tells that a hold has timed out.
func (x *exchange) logCrossing() {
	if x.h.observes() {
		d := pass
		d.code = relayBusy.code
		x.h.logger.Warn("subscribe forwarded although the relay is telling the backend of its phone, where it may undo the opt-out; stop the phone again if it is not to be messaged",
			x.fields(d)...)
		return
	}
	x.h.logger.Error("subscribe refused: the relay takes too long to tell the backend of its phone; see why the backend is slow, or lower the relay's timeout", x.fields(relayBusy)...)
}

// letGo ends a hold.
func (x *exchange) letGo() {
	switch {
	case x.release == nil:
	case x.unsure:
		time.AfterFunc(lingering, x.release)
	default:
		x.release()
	}
	x.release = nil
}

// watched is w, or where the exchange holds a phone, a writer that lets it go as soon
// as the backend has answered. A client that does not read the answer must not keep
// the backend from being told of a stop.
func (x *exchange) watched(w http.ResponseWriter) http.ResponseWriter {
	if x.release == nil {
		return w
	}
	return &answeredWriter{&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, x.answered}
}

// answered ends a hold, for what the backend has done it has done.
func (x *exchange) answered() {
	x.unsure = false
	x.letGo()
}

// answeredWriter calls answered before anything of a final answer is written.
type answeredWriter struct {
	*caddyhttp.ResponseWriterWrapper
	answered func()
}

func (w *answeredWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.answered()
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

func (w *answeredWriter) Write(b []byte) (int, error) {
	w.answered()
	return w.ResponseWriterWrapper.Write(b)
}

func (w *answeredWriter) ReadFrom(r io.Reader) (int64, error) {
	w.answered()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// Interface guards
var (
	_ http.ResponseWriter = (*answeredWriter)(nil)
	_ io.ReaderFrom       = (*answeredWriter)(nil)
)

// untell records of each opt-out that a subscribe could undo at the backend that
// the backend has to be told of it again. It is recorded before the subscribe is
// forwarded, so that no crash in between leaves one that counts as told; where the
// opt-out is lifted afterwards, that is the end of it.
//
// The store is asked for each, whether or not it counts as told at present: a
// delivery that has ended may have left a told that is still being written. And the
// wider ones are among them, for an operator may have entered them at the backend
// by hand.
func (x *exchange) untell() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), recordTimeout)
	defer cancel()
	for _, number := range x.call.Recipients[0].Phones {
		var held []optoutstore.Pair
		err := x.store.States(ctx, optoutstore.Filter{Phone: number}, func(s optoutstore.State) error {
			if x.undoes(s.Pair) {
				held = append(held, s.Pair)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, pair := range held {
			_, err := x.store.Untell(ctx, optoutstore.Change{
				Pair:      pair,
				Source:    optoutstore.SourceAPIWeb,
				Remote:    clientIP(x.r),
				RequestID: x.decisionID(),
				Reason:    "a subscribe was forwarded",
			})
			if err != nil && !errors.Is(err, optoutstore.ErrNotOptedOut) {
				return err
			}
		}
	}
	return nil
}

// undoes reports whether a subscribe could undo the opt-out of a pair at the
// backend, if its phone is that of the subscribe.
func (x *exchange) undoes(p optoutstore.Pair) bool {
	senders := x.call.Recipients[0].Senders
	return (p.Realm == x.call.Realm || p.Realm == optoutstore.AnyRealm || slices.Contains(x.meant, p.Realm)) &&
		(len(senders) == 0 || p.Sender == phone.AnySender || slices.Contains(senders, p.Sender))
}

// relayed reports whether a stop is what this very gateway tells its backend: the
// relay's URL leads back here. Each would be recorded, and so told again.
func (x *exchange) relayed() bool {
	return x.r.Header.Get(relay.Header) == x.store.relay.id
}

// refusedLoop is the answer to the gateway's own stop.
var refusedLoop = &smsapi.Refusal{
	Status: http.StatusLoopDetected,
	Code:   "relay_loop",
	Reason: "The gateway's relay leads back to the gateway, so configure the backend's own address",
}
