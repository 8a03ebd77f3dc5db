package relay

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/stopgate/stopgate/phone"
)

// Backend is who is told.
type Backend interface {
	// Tell tells of one opt-out, and waits for the answer no longer than it should.
	Tell(ctx context.Context, realm, password string, sender phone.Sender, to phone.Number) Answer
	// Close lets go of what Tell has kept.
	Close()
}

// Realm is a realm whose opt-outs are relayed.
type Realm struct {
	// Name in canonical form, Account as the backend is told it; it may care about
	// letter case.
	Name, Account string
	// Password is the backend's. It is asked when the engine starts, and again
	// where the backend seems not to like the one it has.
	Password func() (string, error)
}

// Options are what an engine needs. Observe and Panicked may be nil.
type Options struct {
	Store   Store
	Backend Backend
	Order   *Order
	Realms  []Realm
	// Concurrency is the most deliveries at a time, Rate the most in a second; zero
	// is no limit.
	Concurrency int
	Rate        float64
	// Paused engines tell nobody until they are resumed.
	Paused bool
	Logger *slog.Logger
	// Phone is a phone as it may appear in the log.
	Phone func(phone.Number) string
	// Observe hears of each delivery's result.
	Observe func(realm string, r Result)
	// Panicked hears of a panic of an API's module, in the goroutine that panicked.
	// What v holds may be a part of a password or a phone.
	Panicked func(v any)

	markStep uint64 // set by tests
}

// Engine tells a backend of the opt-outs of some realms. It begins with [New] and
// ends with [Engine.Stop].
type Engine struct {
	o       Options
	log     *slog.Logger
	began   uint64 // number of the newest event when the engine began
	limiter *rate.Limiter
	lanes   []*lane
	slots   chan struct{}
	woken   chan struct{} // with room for one

	ctx      context.Context // ends when nothing more is to begin
	stop     context.CancelFunc
	flyingTo context.Context // ends when deliveries are to end
	abort    context.CancelFunc
	workers  sync.WaitGroup
	flights  sync.WaitGroup

	mu      sync.Mutex
	paused  bool
	breaker breaker
	turn    int // of the lanes
}

// New starts an engine.
func New(o Options) *Engine {
	e := &Engine{
		o:      o,
		log:    o.Logger,
		began:  o.Store.Health().Events,
		slots:  make(chan struct{}, max(1, o.Concurrency)),
		woken:  make(chan struct{}, 1),
		paused: o.Paused,
	}
	if e.o.markStep == 0 {
		e.o.markStep = markStep
	}
	limit := rate.Inf
	if o.Rate > 0 {
		limit = rate.Limit(o.Rate)
	}
	e.limiter = rate.NewLimiter(limit, 1)
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.flyingTo, e.abort = context.WithCancel(context.Background())
	for _, r := range o.Realms {
		l := newLane(r)
		e.lanes = append(e.lanes, l)
	}
	e.workers.Add(len(e.lanes) + 2)
	for _, l := range e.lanes {
		go e.open(e.ctx, l)
	}
	go e.dispatch(e.ctx)
	go e.keepMarks(e.ctx)
	return e
}

// Stop begins no further delivery and waits for those under way, until ctx ends;
// then it breaks them off. What they were about is told again by the next engine.
func (e *Engine) Stop(ctx context.Context) {
	e.mu.Lock() // not while a backfill begins
	e.stop()
	e.mu.Unlock()
	e.workers.Wait()
	landed := make(chan struct{})
	go func() {
		e.flights.Wait()
		close(landed)
	}()
	select {
	case <-landed:
	case <-ctx.Done():
		e.abort()
		<-landed
	}
	e.abort()
	e.o.Backend.Close()
}

// Pause lets no further delivery begin until Resume.
func (e *Engine) Pause() { e.setPaused(true) }

// Resume ends a pause.
func (e *Engine) Resume() { e.setPaused(false) }

func (e *Engine) setPaused(paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.paused = paused
	e.kick()
}

// Retry makes everything due at once that waits for a further try, in one realm or,
// where it is empty, in all. It returns false if the realm is not relayed.
func (e *Engine) Retry(realm string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, found := time.Now(), realm == ""
	for _, l := range e.lanes {
		if realm != "" && l.realm.Name != realm {
			continue
		}
		found = true
		l.password = "" // asked anew
		l.rush(now)
	}
	if found {
		e.breaker.next = now
		e.kick()
	}
	return found
}

// lane returns the lane of a realm, or nil.
func (e *Engine) lane(realm string) *lane {
	i := slices.IndexFunc(e.lanes, func(l *lane) bool { return l.realm.Name == realm })
	if i < 0 {
		return nil
	}
	return e.lanes[i]
}

// kick lets the dispatcher look again.
func (e *Engine) kick() {
	select {
	case e.woken <- struct{}{}:
	default:
	}
}

// flight is one delivery.
type flight struct {
	l        *lane
	it       *item
	newest   uint64 // event about the pair that was known when it began
	probe    bool   // of the breaker
	suspect  bool   // the lane was
	password string
	done     func() // tells the order
}

// dispatch begins deliveries, as many at a time and in a second as it may.
func (e *Engine) dispatch(ctx context.Context) {
	defer e.workers.Done()
	for {
		select {
		case e.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if e.limiter.Wait(ctx) != nil {
			return
		}
		f, ok := e.await(ctx)
		if !ok {
			return
		}
		e.flights.Add(1)
		go func() {
			defer e.flights.Done()
			defer func() { <-e.slots }()
			e.deliver(e.flyingTo, f)
		}()
	}
}

// unwritable is how long to wait where the list cannot be written: what is told
// could not be noted.
const unwritable = time.Second

// await waits for a delivery that may begin.
func (e *Engine) await(ctx context.Context) (flight, bool) {
	for {
		f, wait := e.next(time.Now())
		if f.it != nil {
			return f, true
		}
		if !e.sleep(ctx, wait) {
			return flight{}, false
		}
	}
}

// sleep waits until something happens, or for so long, where that is not zero. It
// returns false if ctx ends.
func (e *Engine) sleep(ctx context.Context, wait time.Duration) bool {
	var alarm <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		alarm = t.C
	}
	select {
	case <-alarm:
	case <-e.woken:
	case <-ctx.Done():
		return false
	}
	return true
}

// next takes the delivery whose turn it is, or tells how long until there may be
// one; zero means until something happens.
func (e *Engine) next(now time.Time) (flight, time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.paused {
		return flight{}, 0
	}
	if !e.o.Store.Health().Writable {
		return flight{}, unwritable
	}
	probe := e.breaker.down
	if probe {
		if e.breaker.probing {
			return flight{}, 0
		}
		if wait := e.breaker.next.Sub(now); wait > 0 {
			return flight{}, wait
		}
	}
	var wait time.Duration
	for i := range e.lanes {
		l := e.lanes[(e.turn+i)%len(e.lanes)]
		f, w := e.take(l, now, probe)
		if f.it != nil {
			e.turn = (e.turn + i + 1) % len(e.lanes)
			return f, 0
		}
		wait = sooner(wait, w)
	}
	return flight{}, wait
}

// take takes the next item of a lane whose phone no subscribe holds.
func (e *Engine) take(l *lane, now time.Time, probe bool) (flight, time.Duration) {
	defer l.makeRoom()
	for {
		it, wait := l.pick(now, probe)
		if it == nil {
			return flight{}, wait
		}
		done, ok := e.o.Order.begin(it.phone, func() { e.free(l, it) })
		if !ok {
			l.held++
			continue
		}
		l.flying++
		if probe {
			e.breaker.probing = true
		}
		return flight{l: l, it: it, newest: it.newest, probe: probe, suspect: l.suspect, password: l.password, done: done}, 0
	}
}

// free puts an item back whose phone was held.
func (e *Engine) free(l *lane, it *item) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.held--
	l.waiting[it.source].push(it)
	e.kick()
}
