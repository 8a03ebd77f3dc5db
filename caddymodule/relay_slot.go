package caddymodule

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/relay"
)

// handover is how long a relay that is to end waits for the deliveries that are
// under way. What they were about is told again, if they are broken off.
const handover = 3 * time.Second

// relayUser is a configuration that shares a store, with its relay or without one.
type relayUser struct {
	engine func(s *relaySlot, paused bool) *relay.Engine // nil without a relay
	url    string                                        // as it may be shown
}

// relaySlot is the one place of a store in which a relay runs: that of the newest
// configuration. The one before has ended before it begins, so that no two tell the
// backend of the same opt-out at the same time.
type relaySlot struct {
	store *sharedStore
	order *relay.Order
	id    string // names the list to a gateway that may be itself

	crossing time.Duration // crossingTimeout, but in tests

	mu       sync.Mutex
	users    []*relayUser // the newest last
	current  *relayUser   // whose engine runs
	engine   *relay.Engine
	paused   bool // stays over reloads
	closing  bool
	settling bool
	settled  sync.WaitGroup
}

func newRelaySlot(s *sharedStore) *relaySlot {
	return &relaySlot{store: s, order: relay.NewOrder(), id: rand.Text(), crossing: crossingTimeout}
}

// join lets a configuration have the slot.
func (s *relaySlot) join(u *relayUser) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, u)
	s.settle()
}

// part takes a configuration off. If it was the newest, as after a load that failed,
// the one before has the slot again.
func (s *relaySlot) part(u *relayUser) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.users, u); i >= 0 {
		s.users = slices.Delete(s.users, i, i+1)
	}
	s.settle()
}

// close ends the relay, and waits for that.
func (s *relaySlot) close() {
	s.mu.Lock()
	s.closing = true
	s.settle()
	s.mu.Unlock()
	s.settled.Wait()
}

// newest is who is to have the slot. The caller holds the lock.
func (s *relaySlot) newest() *relayUser {
	if s.closing || len(s.users) == 0 {
		return nil
	}
	return s.users[len(s.users)-1]
}

// settle brings about that the newest has the slot, in the background: a load must
// not wait for a backend that hangs. The caller holds the lock.
func (s *relaySlot) settle() {
	if s.settling || s.newest() == s.current {
		return
	}
	s.settling = true
	s.settled.Go(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for s.newest() != s.current {
			s.change()
		}
		s.settling = false
	})
}

// change ends the engine that runs and begins the one that is to. The caller holds
// the lock, which is let go meanwhile.
func (s *relaySlot) change() {
	before := s.engine
	s.engine, s.current = nil, nil
	if before != nil {
		s.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), handover)
		before.Stop(ctx)
		cancel()
		s.mu.Lock()
	}
	s.current = s.newest()
	if s.current != nil && s.current.engine != nil {
		s.engine = s.current.engine(s, s.paused)
	}
}

// running returns the engine that runs, or nil.
func (s *relaySlot) running() *relay.Engine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine
}

// pause pauses the relay, or ends a pause. It stays so over reloads.
func (s *relaySlot) pause(paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = paused
	switch {
	case s.engine == nil:
	case paused:
		s.engine.Pause()
	default:
		s.engine.Resume()
	}
}

// newRelayUser is this configuration as it shares a store.
func (a *App) newRelayUser() *relayUser {
	r := a.Relay
	if r == nil {
		return new(relayUser)
	}
	shown := phone.Number.String
	if a.LogPhones == logPhonesFull {
		shown = phone.Number.Digits
	}
	return &relayUser{url: shownURL(r.endpoint), engine: func(s *relaySlot, paused bool) *relay.Engine {
		var realms []relay.Realm
		for i, name := range r.realms {
			realms = append(realms, relay.Realm{Name: name, Account: r.accounts[i], Password: func() (string, error) {
				return r.Realms[i].password(caddy.NewReplacer())
			}})
		}
		return relay.New(relay.Options{
			Store: s.store.Store,
			Backend: relay.NewClient(relay.ClientOptions{
				API:         r.api,
				Endpoint:    r.endpoint,
				Timeout:     time.Duration(r.Timeout),
				ToldIf:      r.ToldIf,
				Connections: r.Concurrency,
				List:        s.id,
			}),
			Order:       s.order,
			Realms:      realms,
			Concurrency: r.Concurrency,
			Rate:        r.Rate,
			Paused:      paused,
			Logger:      slog.New(currentLogs{name: appName + ".relay"}),
			Phone:       shown,
			Observe:     meters.relayed,
			Panicked: func(v any) {
				meters.panics.Inc()
				logPanic(caddy.Log().Named(appName+".relay"), "panic while telling the backend; it is told again later", v)
			},
		})
	}}
}
