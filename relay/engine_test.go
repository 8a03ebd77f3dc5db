package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
	"github.com/stopgate/stopgate/phone"
)

const testRealm = "myrealm"

// fakeBackend answers by a function, and remembers what it was told.
type fakeBackend struct {
	answer func(ctx context.Context, n int, password string, sender phone.Sender, to phone.Number) Answer

	mu       sync.Mutex
	calls    int
	times    []time.Time
	told     map[phone.Number]int
	under    map[key]bool
	now, top int // deliveries at a time
	crossed  bool
	closed   bool
}

func newFakeBackend() *fakeBackend {
	return &fakeBackend{told: make(map[phone.Number]int), under: make(map[key]bool)}
}

func (b *fakeBackend) Tell(ctx context.Context, realm, password string, sender phone.Sender, to phone.Number) Answer {
	k := key{phone.Sender(realm) + "/" + sender, to}
	b.mu.Lock()
	b.calls++
	n := b.calls
	b.times = append(b.times, time.Now())
	b.now++
	b.top = max(b.top, b.now)
	b.crossed = b.crossed || b.under[k]
	b.under[k] = true
	answer := b.answer
	b.mu.Unlock()
	a := Answer{Result: Told}
	if answer != nil {
		a = answer(ctx, n, password, sender, to)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now--
	delete(b.under, k)
	if a.Result.told() {
		b.told[to]++
	}
	return a
}

func (b *fakeBackend) Close() { b.closed = true }

func (b *fakeBackend) set(answer func(ctx context.Context, n int, password string, sender phone.Sender, to phone.Number) Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *fakeBackend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

func (b *fakeBackend) toldOf(n phone.Number) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told[n]
}

func always(r Result, reason string) func(context.Context, int, string, phone.Sender, phone.Number) Answer {
	return func(context.Context, int, string, phone.Sender, phone.Number) Answer { return Answer{r, reason} }
}

// bench is a list and a backend for an engine, in a bubble of its own time.
type bench struct {
	t       *testing.T
	store   *storetest.Faulty
	backend *fakeBackend
	order   *Order
	logs    *strings.Builder
	o       Options
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, store: storetest.NewFaulty(storetest.NewModel()), backend: newFakeBackend(), order: NewOrder(), logs: new(strings.Builder)}
	b.o = Options{
		Store: b.store, Backend: b.backend, Order: b.order,
		Realms:      []Realm{{testRealm, "MyRealm", func() (string, error) { return testPassword, nil }}},
		Concurrency: 8,
		Logger:      slog.New(slog.NewTextHandler(&lockedWriter{w: b.logs}, nil)),
		Phone:       phone.Number.String,
	}
	return b
}

type lockedWriter struct {
	mu sync.Mutex
	w  *strings.Builder
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// start runs an engine until the test ends, or stop is called.
func (b *bench) start() (e *Engine, stop func()) {
	e = New(b.o)
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		e.Stop(ctx)
	})
	synctest.Wait()
	return e, stop
}

// bubble runs a test with an engine's bench in a bubble.
func bubble(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f(t, b)
		b.store.Close()
		if s := b.logs.String(); strings.Contains(s, testPassword) || strings.Contains(s, "correct") {
			t.Errorf("the password is logged:\n%s", s)
		}
		for n := range b.backend.told {
			if strings.Contains(b.logs.String(), n.Digits()) {
				t.Errorf("a phone is logged:\n%s", b.logs)
			}
		}
		if b.backend.crossed {
			t.Error("the same pair was told of twice at the same time")
		}
	})
}

func numbered(t testing.TB, i int) phone.Number {
	return number(t, "1206555"+string([]byte{byte('0' + i/1000%10), byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10)}))
}

func change(realm string, sender phone.Sender, n phone.Number) optoutstore.Change {
	return optoutstore.Change{Pair: optoutstore.Pair{Realm: realm, Sender: sender, Phone: n}, Source: optoutstore.SourceAPIWeb}
}

func (b *bench) optOut(n phone.Number) optoutstore.Event {
	b.t.Helper()
	e, err := b.store.OptOut(b.t.Context(), change(testRealm, testSender, n))
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *bench) untold() uint64 {
	b.t.Helper()
	n, err := b.store.Untold(b.t.Context(), testRealm, testSender)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) wantUntold(want uint64) {
	b.t.Helper()
	synctest.Wait()
	if n := b.untold(); n != want {
		b.t.Fatalf("%d opt-outs are untold, want %d", n, want)
	}
}

// What is recorded after the relay was first configured is told, once, and noted.
func TestEngineTells(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		ann, bob, eve := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		b.optOut(ann) // before
		_, stop := b.start()
		b.optOut(bob)
		b.wantUntold(1)
		if n := b.backend.toldOf(bob); n != 1 {
			t.Errorf("told %d times", n)
		}
		stop()

		// Recorded while no relay ran; the next one finds it.
		b.optOut(eve)
		e, stop := b.start()
		b.wantUntold(1)
		if b.backend.toldOf(ann) != 0 || b.backend.toldOf(bob) != 1 || b.backend.toldOf(eve) != 1 {
			t.Errorf("told: %v", b.backend.told)
		}
		// A scope that the API has no words for is not told, and stays untold.
		for _, c := range []optoutstore.Change{change(testRealm, phone.AnySender, bob), change(optoutstore.AnyRealm, testSender, bob), change("other", testSender, bob)} {
			if _, err := b.store.OptOut(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		b.wantUntold(3)
		if n := b.backend.count(); n != 2 {
			t.Errorf("%d deliveries", n)
		}
		s := e.Status().Realms[0]
		if !s.Ready || s.Waiting+s.Retrying+s.Failing+s.Flying+s.Held != 0 || s.Results[Told] != 1 || !s.Oldest.IsZero() || s.ReadUntil != 0 {
			t.Errorf("%+v", s)
		}
		stop()
		if !b.backend.closed {
			t.Error("the backend's connections are left open")
		}
	})
}

// Whatever happens to a pair while it is told decides whether that was enough.
func TestEngineCrossing(t *testing.T) {
	ann := "12065551212"
	for _, test := range []struct {
		name  string
		cross func(b *bench, c optoutstore.Change) error
		calls int
	}{
		{"opted out again", func(b *bench, c optoutstore.Change) error { _, err := b.store.OptOut(b.t.Context(), c); return err }, 2},
		{"lifted", func(b *bench, c optoutstore.Change) error { _, err := b.store.Lift(b.t.Context(), c, 0); return err }, 1},
		{"lifted and opted out", func(b *bench, c optoutstore.Change) error {
			_, err := b.store.Lift(b.t.Context(), c, 0)
			_, err2 := b.store.OptOut(b.t.Context(), c)
			return errors.Join(err, err2)
		}, 2},
		{"told by hand", func(b *bench, c optoutstore.Change) error {
			s, err := stateOf(b.t.Context(), b.store, c.Pair)
			if err != nil {
				return err
			}
			_, err = b.store.Told(b.t.Context(), c, s.Last)
			return err
		}, 1},
		{"untold", func(b *bench, c optoutstore.Change) error { _, err := b.store.Untell(b.t.Context(), c); return err }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				let := make(chan struct{})
				b.backend.set(func(_ context.Context, n int, _ string, _ phone.Sender, _ phone.Number) Answer {
					if n == 1 {
						<-let
					}
					return Answer{Result: Told}
				})
				_, stop := b.start()
				b.optOut(number(t, ann))
				synctest.Wait()
				if err := test.cross(b, change(testRealm, testSender, number(t, ann))); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				close(let)
				time.Sleep(time.Minute)
				b.wantUntold(0)
				if n := b.backend.count(); n != test.calls {
					t.Errorf("%d deliveries, want %d", n, test.calls)
				}
				stop()
			})
		})
	}
}

// A backend that does not answer is probed ever more slowly, one delivery at a
// time, and what waits is told as soon as it is back.
func TestEngineBackendDown(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.backend.set(always(Unreachable, "no connection"))
		e, stop := b.start()
		for i := range 50 {
			b.optOut(numbered(t, i))
		}
		time.Sleep(10 * time.Second)
		if s := e.Status(); !s.Down || s.Reason != "no connection" || s.NextProbe.IsZero() {
			t.Fatalf("%+v", s)
		}
		b.backend.mu.Lock()
		b.backend.top = 0
		b.backend.mu.Unlock()
		before := b.backend.count()
		time.Sleep(time.Hour)
		probes := b.backend.count() - before
		if probes < 11 || probes > 30 {
			t.Errorf("%d probes in an hour", probes)
		}
		if b.backend.top != 1 {
			t.Errorf("%d deliveries at a time", b.backend.top)
		}
		var last time.Duration
		for i := len(b.backend.times) - 2; i < len(b.backend.times)-1; i++ {
			last = b.backend.times[i+1].Sub(b.backend.times[i])
		}
		if last > maxPause || last < maxPause*3/4 {
			t.Errorf("the last pause was %s", last)
		}
		if n := strings.Count(b.logs.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors are logged:\n%s", n, b.logs)
		}

		b.backend.set(nil)
		time.Sleep(maxPause)
		b.wantUntold(0)
		if s := e.Status(); s.Down {
			t.Errorf("%+v", s)
		}
		if !strings.Contains(b.logs.String(), "answers the relay again") {
			t.Error("the recovery is not logged")
		}
		stop()
	})
}

// One pair that the backend chokes on does not hold up the others, and is tried
// again with growing pauses.
func TestEngineOneBroken(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		bad := numbered(t, 0)
		b.backend.set(func(_ context.Context, _ int, _ string, _ phone.Sender, to phone.Number) Answer {
			if to == bad {
				return Answer{HTTPStatus, "HTTP status 500"}
			}
			return Answer{Result: Told}
		})
		e, stop := b.start()
		for i := range 100 {
			b.optOut(numbered(t, i))
		}
		b.wantUntold(1)
		if e.Status().Realms[0].Retrying != 1 {
			t.Errorf("%+v", e.Status().Realms[0])
		}
		for i := range 20 {
			time.Sleep(10 * time.Second)
			b.optOut(numbered(t, 100+i)) // so that the backend is never down
		}
		tries := b.backend.count() - 119
		if tries < 6 || tries > 11 {
			t.Errorf("%d tries in 200 s", tries)
		}
		b.backend.set(nil)
		time.Sleep(maxPause)
		b.wantUntold(0)
		stop()
	})
}

// A wrong password fails every stop. The realm slows to one try in some minutes and
// says so; other realms go on.
func TestEngineWrongPassword(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		password := "correct-old"
		var mu sync.Mutex
		b.o.Realms = append(b.o.Realms, Realm{"other", "Other", func() (string, error) {
			mu.Lock()
			defer mu.Unlock()
			return password, nil
		}})
		b.backend.set(func(_ context.Context, _ int, password string, _ phone.Sender, _ phone.Number) Answer {
			if password == "correct-old" {
				return Answer{Failure, "Invalid login"}
			}
			return Answer{Result: Told}
		})
		e, stop := b.start()
		for i := range 100 {
			if _, err := b.store.OptOut(t.Context(), change("other", testSender, numbered(t, i))); err != nil {
				t.Fatal(err)
			}
			b.optOut(numbered(t, i))
		}
		b.wantUntold(0)
		s := e.Status().Realms[1]
		if !s.Suspect || s.Failure != "Invalid login" || s.Failures < suspectAfter || s.Failures > suspectAfter+8 {
			t.Fatalf("%+v", s)
		}
		if e.Status().Down {
			t.Error("the backend counts as down although it answers")
		}
		if !strings.Contains(b.logs.String(), "password") {
			t.Errorf("not logged:\n%s", b.logs)
		}
		before := b.backend.count()
		time.Sleep(time.Hour)
		if n := b.backend.count() - before; n < 12 || n > 17 {
			t.Errorf("%d tries in an hour", n)
		}

		// The right one is read at the next try.
		mu.Lock()
		password = "correct-new"
		mu.Unlock()
		time.Sleep(maxPause + 200*failureGap)
		if n, err := b.store.Untold(t.Context(), "other", testSender); err != nil || n != 0 {
			t.Errorf("%d untold, %v", n, err)
		}
		if e.Status().Realms[1].Suspect {
			t.Error("the realm is still suspect")
		}
		stop()
	})
}

// A password that cannot be read is nothing that the backend has said: the backend is
// not asked, and is as down as it was. Once it can be read, everything is told.
func TestEngineUnreadPassword(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var missing atomic.Bool
		b.o.Realms[0].Password = func() (string, error) {
			if missing.Load() {
				return "", errors.New("no such file")
			}
			return testPassword, nil
		}
		b.backend.set(always(Unreachable, "no connection"))
		e, stop := b.start()
		for i := range 20 {
			b.optOut(numbered(t, i))
		}
		time.Sleep(time.Minute)
		missing.Store(true)
		calls := b.backend.count()
		e.Retry("")
		time.Sleep(time.Hour)
		s := e.Status()
		if n := b.backend.count() - calls; n != 0 || !s.Down {
			t.Errorf("the backend was asked %d times, and is down: %v", n, s.Down)
		}
		if r := s.Realms[0]; !r.Suspect || r.Results[Failure] != 0 || r.Results[NoPassword] < 12 || r.Results[NoPassword] > 40 ||
			r.Failures != 0 || !strings.Contains(r.Failure, "no such file") {
			t.Errorf("%+v", r)
		}
		if s := b.logs.String(); strings.Contains(s, "answers the relay again") || strings.Contains(s, "told_if") ||
			strings.Count(s, "cannot read its password") != 1 {
			t.Errorf("the log:\n%s", s)
		}

		missing.Store(false)
		b.backend.set(nil)
		time.Sleep(2 * maxPause)
		b.wantUntold(0)
		if s := e.Status(); s.Down || s.Realms[0].Suspect {
			t.Errorf("%+v", s)
		}
		stop()
	})
}

// What the backend fails for good is tried again at the slowest pace, and Retry
// tries it at once.
func TestEngineFailures(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		failing := true
		var mu sync.Mutex
		b.backend.set(func(_ context.Context, _ int, _ string, _ phone.Sender, to phone.Number) Answer {
			mu.Lock()
			defer mu.Unlock()
			if failing && to.Digits()[10] == '7' { // each tenth
				return Answer{Failure, "Phone was not found"}
			}
			return Answer{Result: Told}
		})
		e, stop := b.start()
		for i := range 100 {
			b.optOut(numbered(t, i))
			synctest.Wait()
		}
		b.wantUntold(10)
		before := b.backend.count()
		time.Sleep(time.Hour)
		if n := b.backend.count() - before; n < 12 || n > 170 {
			t.Errorf("%d tries in an hour of 10 opt-outs", n)
		}
		s := e.Status().Realms[0]
		if s.Failing != 10 || s.Failure != "Phone was not found" || s.Oldest.IsZero() {
			t.Errorf("%+v", s)
		}
		mu.Lock()
		failing = false
		mu.Unlock()
		if e.Retry("no such realm") || !e.Retry("") {
			t.Error("Retry")
		}
		b.wantUntold(0)
		stop()
	})
}

// A text that the configuration accepts counts, and stays in the journal.
func TestEngineToldByText(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.backend.set(always(ToldByText, "Phone was not found"))
		_, stop := b.start()
		b.optOut(numbered(t, 1))
		b.wantUntold(0)
		var last optoutstore.Event
		if err := b.store.History(t.Context(), numbered(t, 1), func(e optoutstore.Event) error { last = e; return nil }); err != nil {
			t.Fatal(err)
		}
		if last.Kind != optoutstore.Told || last.Source != optoutstore.SourceRelay || last.Reason != "Phone was not found" {
			t.Errorf("%+v", last)
		}
		stop()
	})
}

// However long the backend takes to answer, the list is given its own time to note it.
func TestEngineSlowBackend(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.backend.set(func(context.Context, int, string, phone.Sender, phone.Number) Answer {
			time.Sleep(recordTimeout + time.Second)
			return Answer{Result: Told}
		})
		_, stop := b.start()
		b.optOut(numbered(t, 1))
		time.Sleep(10 * time.Minute)
		b.wantUntold(0)
		if n := b.backend.count(); n != 1 {
			t.Errorf("told %d times", n)
		}
		stop()
	})
}

// A list that cannot note what was told makes the pauses grow, though the backend answers.
func TestEngineUnrecorded(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		_, stop := b.start()
		b.store.Set(storetest.Fault{Err: optoutstore.ErrUnavailable}, storetest.MethodTold)
		b.optOut(numbered(t, 1))
		time.Sleep(time.Hour)
		if n := b.backend.count(); n < 15 || n > 30 {
			t.Errorf("told %d times in an hour", n)
		}
		b.store.Clear()
		time.Sleep(maxPause)
		b.wantUntold(0)
		stop()
	})
}

func TestEngineRateAndConcurrency(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.o.Rate, b.o.Concurrency = 20, 3
		b.backend.set(func(ctx context.Context, _ int, _ string, _ phone.Sender, _ phone.Number) Answer {
			time.Sleep(time.Second)
			return Answer{Result: Told}
		})
		_, stop := b.start()
		for i := range 60 {
			b.optOut(numbered(t, i))
		}
		began := time.Now()
		for b.untold() > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(began); took < 19*time.Second || took > 22*time.Second || b.backend.top != 3 {
			t.Errorf("60 deliveries of a second took %s, %d at a time", took, b.backend.top)
		}
		b.backend.set(nil)
		for i := range 60 {
			b.optOut(numbered(t, 100+i))
		}
		began = time.Now()
		for b.untold() > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(began); took < 2900*time.Millisecond || took > 3200*time.Millisecond {
			t.Errorf("60 deliveries at 20 in a second took %s", took)
		}
		stop()
	})
}

func TestEnginePause(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.o.Paused = true
		e, stop := b.start()
		b.optOut(numbered(t, 1))
		time.Sleep(time.Hour)
		b.wantUntold(1)
		if !e.Status().Paused || e.Status().Realms[0].Waiting != 1 {
			t.Errorf("%+v", e.Status())
		}
		e.Resume()
		b.wantUntold(0)
		e.Pause()
		b.optOut(numbered(t, 2))
		b.wantUntold(1)
		stop()
	})
}

// Stop waits for what is under way as long as it may, and breaks it off then.
func TestEngineStop(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.backend.set(func(ctx context.Context, n int, _ string, _ phone.Sender, _ phone.Number) Answer {
			if n == 1 {
				time.Sleep(500 * time.Millisecond)
				return Answer{Result: Told}
			}
			<-ctx.Done()
			return Answer{Unreachable, "given up"}
		})
		_, stop := b.start()
		b.optOut(numbered(t, 1))
		synctest.Wait()
		b.optOut(numbered(t, 2))
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %s", took)
		}
		if n := b.untold(); n != 1 {
			t.Errorf("%d untold", n)
		}
		b.backend.set(nil)
		_, stop = b.start()
		b.wantUntold(0)
		stop()
	})
}

// While a subscribe holds a phone, nobody is told about it, by no engine.
func TestEngineHeld(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		e, stop := b.start()
		ann, bob := numbered(t, 1), numbered(t, 2)
		release, err := b.order.Hold(t.Context(), []phone.Number{ann})
		if err != nil {
			t.Fatal(err)
		}
		b.optOut(ann)
		b.optOut(bob)
		time.Sleep(time.Hour)
		b.wantUntold(1)
		if b.backend.toldOf(ann) != 0 || e.Status().Realms[0].Held != 1 {
			t.Errorf("told: %v, %+v", b.backend.told, e.Status().Realms[0])
		}
		stop()
		e, stop = b.start() // of a new configuration
		b.wantUntold(1)
		release()
		b.wantUntold(0)
		if b.backend.toldOf(ann) != 1 || e.Status().Realms[0].Held != 0 {
			t.Errorf("told: %v, %+v", b.backend.told, e.Status().Realms[0])
		}
		stop()
	})
}

// A backfill tells of everything that was recorded before the relay, at its own
// pace, and what is recorded meanwhile does not wait for it.
func TestEngineBackfill(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		for i := range 1500 {
			b.optOut(numbered(t, i))
		}
		e, stop := b.start()
		b.wantUntold(1500)
		c := optoutstore.Change{Pair: optoutstore.Pair{Realm: testRealm}, Source: optoutstore.SourceCLI, Actor: "ann"}
		if err := e.Backfill(t.Context(), c, 10); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if n := b.untold(); n < 1390 || n > 1410 {
			t.Errorf("%d are untold after 10 s", n)
		}
		s := e.Status().Realms[0]
		if s.ReadUntil != 1501 || s.ReadTo == 0 || s.ReadTo > 1200 || s.From != 0 {
			t.Errorf("%+v", s)
		}
		now := numbered(t, 9000)
		b.optOut(now)
		synctest.Wait()
		if b.backend.toldOf(now) != 1 {
			t.Error("what is recorded now waits for the backfill")
		}
		stop()

		e, stop = b.start() // goes on where it was
		time.Sleep(time.Minute)
		b.wantUntold(0)
		for i := range 1500 {
			if b.backend.toldOf(numbered(t, i)) != 1 {
				t.Fatalf("number %d was told %d times", i, b.backend.toldOf(numbered(t, i)))
			}
		}
		c.Realm = "other"
		if err := e.Backfill(t.Context(), c, 0); !errors.Is(err, ErrNotRelayed) {
			t.Error(err)
		}
		stop()
	})
}

// The mark moves behind what is settled and no further, so that a restart need not
// read the journal from its beginning.
func TestEngineMark(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		bad := numbered(t, 60)
		b.o.markStep = 100
		b.backend.set(func(_ context.Context, _ int, _ string, _ phone.Sender, to phone.Number) Answer {
			if to == bad {
				return Answer{Failure, "no"}
			}
			return Answer{Result: Told}
		})
		_, stop := b.start()
		var failed uint64
		for i := range 100 {
			e := b.optOut(numbered(t, i))
			if numbered(t, i) == bad {
				failed = e.Number
			}
			synctest.Wait() // one after the other, so that failures are not in a row
		}
		time.Sleep(2 * markEvery)
		from, set, err := b.store.RelayFrom(t.Context(), testRealm)
		if err != nil || !set || from < 100 || from >= failed {
			t.Errorf("the mark is %d, %v, %v; the one that failed %d", from, set, err, failed)
		}
		stop()
		b.backend.set(nil)
		_, stop = b.start()
		b.wantUntold(0)
		stop()
	})
}

// What is recorded before a new relay can read where it begins was made since it was
// configured, and is told.
func TestEngineBeginsLate(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		before, since := numbered(t, 1), numbered(t, 2)
		b.optOut(before)
		b.store.Set(storetest.Fault{Err: optoutstore.ErrUnavailable}, storetest.MethodRelayFrom)
		_, stop := b.start()
		b.optOut(since)
		b.store.Clear()
		time.Sleep(time.Minute)
		if b.backend.toldOf(since) != 1 || b.backend.toldOf(before) != 0 {
			t.Errorf("the one since then was told %d times, the one before %d times", b.backend.toldOf(since), b.backend.toldOf(before))
		}
		b.wantUntold(1)
		stop()
	})
}

// An error of the list costs time, not an opt-out.
func TestEngineStoreErrors(t *testing.T) {
	for _, m := range []storetest.Method{storetest.MethodStates, storetest.MethodTold, storetest.MethodEvents, storetest.MethodRelayFrom, storetest.MethodSetRelayFrom, storetest.MethodWait} {
		t.Run(fmt.Sprint(m), func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.store.Set(storetest.Fault{Err: optoutstore.ErrUnavailable}, m)
				_, stop := b.start()
				time.Sleep(time.Minute)
				b.store.Clear(m)
				time.Sleep(time.Minute)
				b.optOut(numbered(t, 1))
				synctest.Wait()
				b.store.Set(storetest.Fault{Err: optoutstore.ErrUnavailable}, m)
				b.optOut(numbered(t, 2))
				time.Sleep(time.Minute)
				b.store.Clear(m)
				time.Sleep(2 * maxPause)
				b.wantUntold(0)
				stop()
			})
		})
	}
}

// Waiting for days, as where a disk is full, keeps nothing of each wait. Not parallel:
// it looks at the memory of the process.
func TestEngineWaitsForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.store.SetHealth(&optoutstore.Health{Readable: true, Reason: "no space"})
		_, stop := b.start()
		before := heapInUse()
		time.Sleep(50_000 * unwritable)
		if after := heapInUse(); after > before+4<<20 {
			t.Errorf("%d KiB are kept", (after-before)>>10)
		}
		stop()
		b.store.Close()
	})
}

// heapInUse is how many bytes are in use.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
