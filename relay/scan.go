package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
)

// scanner reads the journal for one lane.
type scanner struct {
	at      optoutstore.Place // its own goroutine's
	to      uint64            // the last event that it reads; zero: none
	scanned atomic.Uint64     // number of the last event that is in the lane, or needs not be
	cancel  context.CancelFunc

	room  chan struct{} // with room for one
	waits bool          // for room; the engine's lock guards it
	done  bool          // the same
}

var (
	errFull = errors.New("the window is full")
	errDone = errors.New("the range is read")
)

// storePause bounds the pause after an error of the list.
const storePause = 30 * time.Second

// open reads where a lane begins, and lets it be read. It tries until it can.
func (e *Engine) open(ctx context.Context, l *lane) {
	defer e.workers.Done()
	for tries := 1; ; tries++ {
		err := e.tryOpen(ctx, l)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !e.storeFailed(ctx, l, err, tries) {
			return
		}
	}
}

func (e *Engine) tryOpen(ctx context.Context, l *lane) error {
	from, set, err := e.o.Store.RelayFrom(ctx, l.realm.Name)
	if err != nil {
		return err
	}
	end := e.o.Store.Health().Applied
	if !set {
		// What was recorded while the list could not be read yet came after the
		// relay was configured.
		from = min(e.began, end)
		if err := e.o.Store.SetRelayFrom(ctx, e.markOf(l, "relay was configured"), from); err != nil {
			return err
		}
		e.log.Info("opt-outs of the realm are relayed from now on; those from before are by 'caddy sms-optout relay backfill'", slog.String("realm", l.realm.Name))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l.opened, l.mark = true, from
	e.scan(ctx, l, live, optoutstore.PlaceAfter(end), 0)
	e.scan(ctx, l, old, optoutstore.PlaceAfter(min(from, end)), end)
	return nil
}

func (e *Engine) markOf(l *lane, reason string) optoutstore.Change {
	return optoutstore.Change{
		Pair:   optoutstore.Pair{Realm: l.realm.Name},
		Source: optoutstore.SourceRelay,
		Reason: reason,
	}
}

// scan begins to read the journal for a lane behind a place, up to an event. The
// caller holds the engine's lock.
func (e *Engine) scan(ctx context.Context, l *lane, s source, at optoutstore.Place, to uint64) {
	sc := &scanner{at: at, to: to, room: make(chan struct{}, 1)}
	sc.scanned.Store(at.Number())
	ctx, sc.cancel = context.WithCancel(ctx)
	if before := l.scanners[s]; before.cancel != nil {
		before.cancel()
	}
	l.scanners[s] = sc
	e.workers.Add(1)
	go func() {
		defer e.workers.Done()
		defer sc.cancel()
		e.read(ctx, l, s, sc)
		e.mu.Lock()
		sc.done = true
		e.mu.Unlock()
	}()
}

// read reads the journal until the range is read, or for ever.
func (e *Engine) read(ctx context.Context, l *lane, s source, sc *scanner) {
	for tries := 1; ctx.Err() == nil; {
		if sc.to != 0 && sc.at.Number() >= sc.to {
			return
		}
		_, err := e.o.Store.Events(ctx, sc.at, func(ev optoutstore.Event, behind optoutstore.Place) error {
			if sc.to != 0 && ev.Number > sc.to {
				return errDone
			}
			if err := e.offer(ctx, l, s, ev); err != nil {
				return err
			}
			tries = 1
			sc.at = behind
			sc.scanned.Store(ev.Number)
			return nil
		})
		switch {
		case errors.Is(err, errDone):
			return
		case errors.Is(err, errFull):
			if !e.awaitRoom(ctx, l, s, sc) {
				return
			}
			continue
		case err == nil && sc.to != 0:
			return // the journal ends here
		case err == nil:
			err = e.o.Store.Wait(ctx, sc.at.Number())
		}
		if err != nil && ctx.Err() == nil {
			if !e.storeFailed(ctx, l, err, tries) {
				return
			}
			tries++
		}
	}
}

// awaitRoom waits until there is room for further items.
func (e *Engine) awaitRoom(ctx context.Context, l *lane, s source, sc *scanner) bool {
	e.mu.Lock()
	sc.waits = l.isFull(s)
	waits := sc.waits
	e.mu.Unlock()
	if !waits {
		return true
	}
	select {
	case <-sc.room:
		return true
	case <-ctx.Done():
		return false
	}
}

// offer makes an event's pair an item of the lane, if the backend has to be told of
// it. errFull means that there is no room for it at present.
func (e *Engine) offer(ctx context.Context, l *lane, s source, ev optoutstore.Event) error {
	if ev.Realm != l.realm.Name || !Tellable(ev.Pair) {
		return nil
	}
	switch ev.Kind {
	case optoutstore.OptedOut, optoutstore.OptedOutAgain, optoutstore.Untold:
	default:
		return nil
	}
	k := key{ev.Sender, ev.Phone}
	known, full := e.note(l, s, k, ev)
	if known {
		return nil
	}
	if full {
		return errFull
	}
	state, err := stateOf(ctx, e.o.Store, ev.Pair)
	if err != nil {
		return err
	}
	if state.Last >= ev.Number && !isPending(state) {
		return nil // told already, or lifted
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if it := l.items[k]; it != nil {
		it.newest = max(it.newest, ev.Number)
		return nil
	}
	it := &item{key: k, first: ev.Number, newest: ev.Number, since: ev.RecordedAt, source: s}
	l.items[k] = it
	l.waiting[s].push(it)
	e.kick()
	return nil
}

// note tells an item of a further event, and whether there is room for a new one.
func (e *Engine) note(l *lane, s source, k key, ev optoutstore.Event) (known, full bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if it := l.items[k]; it != nil {
		it.newest = max(it.newest, ev.Number)
		if ev.Number < it.first {
			it.first, it.since = ev.Number, ev.RecordedAt
		}
		return true, false
	}
	return false, l.isFull(s)
}

// storeFailed waits after an error of the list, and reports whether to go on.
func (e *Engine) storeFailed(ctx context.Context, l *lane, err error, tries int) bool {
	if errors.Is(err, optoutstore.ErrClosed) || ctx.Err() != nil {
		return false
	}
	if tries == 1 {
		e.log.Error("the relay cannot read the opt-out list; it tries again", slog.String("realm", l.realm.Name), slog.Any("error", err))
	}
	t := time.NewTimer(min(pause(tries), storePause))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
