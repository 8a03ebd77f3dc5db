package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/stopgate/stopgate/optoutstore"
)

const (
	// markEvery is how often the marks are looked at, and markStep how far, in
	// events, one has to move to be recorded. The mark is for speed alone: what is
	// behind it need not be read again after a restart.
	markEvery = time.Minute
	markStep  = 4096
)

// The errors of controls.
var (
	// ErrNotRelayed: the relay knows no such realm.
	ErrNotRelayed = errors.New("the realm has no line in the relay's block")
	// ErrNotYet: the engine has not read the list yet.
	ErrNotYet = errors.New("the relay has not read the opt-out list yet; try again")
)

// keepMarks records from time to time how far all is told.
func (e *Engine) keepMarks(ctx context.Context) {
	defer e.workers.Done()
	t := time.NewTicker(markEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		for _, l := range e.lanes {
			e.moveMark(ctx, l)
		}
	}
}

func (e *Engine) moveMark(ctx context.Context, l *lane) {
	l.marking.Lock()
	defer l.marking.Unlock()
	e.mu.Lock()
	opened, mark := l.opened, l.mark
	settled := mark
	if opened {
		settled = l.settled()
	}
	e.mu.Unlock()
	if settled < mark+e.o.markStep {
		return
	}
	if err := e.o.Store.SetRelayFrom(ctx, e.markOf(l, "all before is told"), settled); err != nil {
		return // the next time
	}
	e.mu.Lock()
	l.mark = settled
	e.mu.Unlock()
}

// Backfill relays the opt-outs of a realm from the beginning of the list on, those
// that were made before the relay was configured among them. limit is the most in
// a second, beside the engine's own; zero is none. c says who wants it.
func (e *Engine) Backfill(ctx context.Context, c optoutstore.Change, limit float64) error {
	l := e.lane(c.Realm)
	if l == nil {
		return fmt.Errorf("%w: %s", ErrNotRelayed, c.Realm)
	}
	l.marking.Lock()
	defer l.marking.Unlock()
	e.mu.Lock()
	opened := l.opened
	e.mu.Unlock()
	if !opened {
		return ErrNotYet
	}
	if err := e.o.Store.SetRelayFrom(ctx, c, 0); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ctx.Err(); err != nil {
		return ErrNotYet // the engine has been stopped; the next one begins at the mark
	}
	l.mark = 0
	l.slowly = nil
	if limit > 0 {
		l.slowly = rate.NewLimiter(rate.Limit(limit), 1)
	}
	e.scan(e.ctx, l, old, optoutstore.PlaceAfter(0), max(1, l.scanners[live].scanned.Load()))
	e.kick()
	return nil
}
