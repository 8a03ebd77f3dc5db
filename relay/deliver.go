package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
)

const (
	// recordTimeout bounds each wait for the list: to say where a pair stands, and to
	// note what was told. The backend's answer may take longer, and does not count.
	recordTimeout = 10 * time.Second
	// applyPause is how long to wait for an event that was read in the journal to
	// be in the index.
	applyPause = 20 * time.Millisecond
)

// deliver tells the backend of one item, and notes what became of it. Its phone is
// released only after that: a subscribe that comes then sees what was told.
func (e *Engine) deliver(ctx context.Context, f flight) {
	defer e.landed(f)
	pair := f.it.pair(f.l.realm.Name)
	state, err := e.stateOf(ctx, pair)
	switch {
	case err != nil:
		e.unrecorded(f, err)
		return
	case state.Last < f.newest:
		e.later(f, applyPause)
		return
	case !isPending(state):
		e.settled(f, state.Last)
		return
	}

	answer := e.tell(ctx, f)
	if e.o.Observe != nil {
		e.o.Observe(f.l.realm.Name, answer.Result)
	}
	if !answer.Result.told() {
		e.refused(f, answer)
		return
	}
	e.heard(f, answer)
	event, err := e.record(ctx, optoutstore.Change{Pair: pair, Source: optoutstore.SourceRelay, Reason: answer.Reason}, state.Last)
	switch {
	case errors.Is(err, optoutstore.ErrChanged):
		e.later(f, 0) // asserted again meanwhile: to be told again
	case errors.Is(err, optoutstore.ErrNotOptedOut):
		e.settled(f, state.Last)
	case err != nil:
		e.unrecorded(f, err)
	default:
		e.settled(f, max(event.Number, state.Last)) // the first is zero where somebody else has noted it
	}
}

// stateOf asks the list where a pair stands, also where deliveries are to end.
func (e *Engine) stateOf(ctx context.Context, pair optoutstore.Pair) (optoutstore.State, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	return stateOf(ctx, e.o.Store, pair)
}

// record notes in the list that the backend was told, also where deliveries are to end.
func (e *Engine) record(ctx context.Context, c optoutstore.Change, seen uint64) (optoutstore.Event, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	return e.o.Store.Told(ctx, c, seen)
}

// tell asks the backend. A panic in an API's module is one delivery that failed.
func (e *Engine) tell(ctx context.Context, f flight) (a Answer) {
	defer func() {
		if v := recover(); v != nil {
			if e.o.Panicked != nil {
				e.o.Panicked(v)
			}
			a = Answer{NotUnderstood, fmt.Sprintf("telling the backend panicked: %T", v)}
		}
	}()
	password := f.password
	if password == "" || f.suspect {
		var err error
		if password, err = f.l.realm.Password(); err != nil {
			return Answer{NoPassword, "the password that is configured cannot be read: " + err.Error()}
		}
		e.mu.Lock()
		f.l.read(password, time.Now())
		e.kick()
		e.mu.Unlock()
	}
	return e.o.Backend.Tell(ctx, f.l.realm.Account, password, f.it.sender, f.it.phone)
}

// landed ends a delivery for the order, after what became of it is noted.
func (e *Engine) landed(f flight) {
	f.done()
	e.mu.Lock()
	defer e.mu.Unlock()
	f.l.flying--
	if f.probe {
		e.breaker.probing = false
	}
	e.kick()
}

// settled takes the item off the list unless more has happened to it than the event
// of that number.
func (e *Engine) settled(f flight, number uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f.l.settle(f.it, number)
}

// later makes the item due again after a pause.
func (e *Engine) later(f flight, d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f.l.unheard.add(f.it, time.Now().Add(d))
}

// unrecorded makes the item due again where the list could not be asked, or could
// not note that the backend was told.
func (e *Engine) unrecorded(f flight, err error) {
	e.mu.Lock()
	f.it.tries++
	f.l.unheard.add(f.it, time.Now().Add(pause(f.it.tries)))
	e.mu.Unlock()
	if !errors.Is(err, optoutstore.ErrClosed) {
		e.log.Error("the relay cannot ask or write the opt-out list; the backend is told again later", e.about(f), slog.Any("error", err))
	}
}

// heard notes that the backend has taken an opt-out.
func (e *Engine) heard(f flight, a Answer) {
	e.mu.Lock()
	now := time.Now()
	f.l.results[a.Result]++
	back := e.breaker.answered()
	cleared := f.l.told(now)
	if back {
		e.back(now)
	}
	e.mu.Unlock()
	e.logBack(back)
	if cleared {
		e.log.Info("the backend takes opt-outs of the realm again", slog.String("realm", f.l.realm.Name))
	}
	e.log.Debug("the backend was told of an opt-out", e.about(f), slog.String("result", a.Result.String()))
}

// refused notes that the backend has failed the stop, not answered, or not been asked.
func (e *Engine) refused(f flight, a Answer) {
	now := time.Now()
	e.mu.Lock()
	l, it := f.l, f.it
	l.results[a.Result]++
	var back, down, suspected, unread bool
	switch {
	case a.Result == NoPassword:
		unread = l.noPassword(it, now, a.Reason)
	case a.Result.answered():
		if back = e.breaker.answered(); back {
			e.back(now)
		}
		suspected = l.fail(it, now, a.Reason)
	default:
		it.tries++
		l.unheard.add(it, now.Add(pause(it.tries)))
		if l.suspect {
			l.probeAt = now.Add(jitter(maxPause))
		}
		down = e.breaker.failed(now, a.Reason, f.probe)
	}
	known := e.breaker.down && !down
	e.mu.Unlock()

	e.logBack(back)
	switch {
	case unread:
		e.log.Error("the relay cannot read its password of the realm, and tells nothing of it meanwhile; it tries again every few minutes: put it right and say 'caddy sms-optout relay retry'",
			slog.String("realm", l.realm.Name), slog.String("reason", a.Reason))
	case a.Result == NoPassword:
		e.log.Debug("the relay still cannot read its password of the realm", slog.String("realm", l.realm.Name), slog.String("reason", a.Reason))
	case suspected:
		e.log.Error("the backend fails every stop of the realm: is the relay's password of it wrong? it is tried every few minutes; put it right and say 'caddy sms-optout relay retry'",
			e.about(f), slog.String("reason", a.Reason))
	case down:
		e.log.Error("the backend does not answer the relay; it is probed until it does, and fan-outs stay blocked",
			slog.String("result", a.Result.String()), slog.String("reason", a.Reason))
	case a.Result.answered():
		e.log.Warn("the backend fails a stop; it is told again later. If it means that there is nothing to stop, name a part of the reason in told_if",
			e.about(f), slog.String("reason", a.Reason))
	case known:
		e.log.Debug("the backend still does not answer the relay", slog.String("result", a.Result.String()), slog.String("reason", a.Reason))
	default:
		e.log.Warn("the backend did not answer the relay; it is told again later", e.about(f), slog.String("result", a.Result.String()), slog.String("reason", a.Reason))
	}
}

// back lets everything be tried that waits because the backend was down. The caller
// holds the lock.
func (e *Engine) back(now time.Time) {
	for _, l := range e.lanes {
		l.unheard.rush(now)
	}
}

func (e *Engine) logBack(back bool) {
	if back {
		e.log.Info("the backend answers the relay again")
	}
}

// about describes a delivery in a log line.
func (e *Engine) about(f flight) slog.Attr {
	return slog.Group("", slog.String("realm", f.l.realm.Name), slog.String("phone", e.o.Phone(f.it.phone)))
}
