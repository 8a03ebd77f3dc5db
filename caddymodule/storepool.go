package caddymodule

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/stopgate/stopgate/optoutstore"
)

// StoreOpener is what a module in the namespace sms_optout.stores implements.
type StoreOpener interface {
	// StoreKey names the resource, so that two configurations that mean the same
	// store share it, however each has written it.
	StoreKey() string

	// OpenStore opens the store. It is not called while the same StoreKey is open.
	OpenStore() (optoutstore.Store, error)

	// Reconfigure brings this opener's settings to a store that an opener of the
	// same StoreKey has opened.
	Reconfigure(optoutstore.Store)
}

// storePool holds the open stores of the process. A reload provisions the new
// configuration while the old one runs, so that a store stays open throughout.
var storePool = caddy.NewUsagePool()

// drainTimeout is how long the last user of a store waits for the requests that
// are still using it. Those that come later find it closed, and get a 503.
const drainTimeout = 10 * time.Second

// sharedStore is an open store and the requests that use it.
type sharedStore struct {
	optoutstore.Store

	mu      sync.Mutex
	openers []StoreOpener // whose configurations share the store, oldest first

	watch *storeWatch         // nil in tests
	app   atomic.Pointer[App] // of the configuration that came last

	relay *relaySlot

	inside    atomic.Int64
	closing   atomic.Bool
	drained   chan struct{}
	drainOnce sync.Once
}

func newSharedStore(s optoutstore.Store) *sharedStore {
	shared := &sharedStore{Store: s, drained: make(chan struct{})}
	shared.relay = newRelaySlot(shared)
	return shared
}

// join notes that a configuration shares the store, and brings its settings to it.
func (s *sharedStore) join(o StoreOpener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openers = append(s.openers, o)
	o.Reconfigure(s.Store)
}

// part notes that a configuration no longer shares the store. If that was the
// newest, as after a load that failed, the settings before it count again.
func (s *sharedStore) part(o StoreOpener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.openers, o)
	if i < 0 {
		return
	}
	newest := i == len(s.openers)-1
	s.openers = slices.Delete(s.openers, i, i+1)
	if newest && len(s.openers) > 0 {
		s.openers[len(s.openers)-1].Reconfigure(s.Store)
	}
}

// reserve is the free space, in bytes, that the newest configuration keeps, if its
// store's module says so.
func (s *sharedStore) reserve() (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.openers) == 0 {
		return 0, false
	}
	o, ok := s.openers[len(s.openers)-1].(interface{ Reserve() uint64 })
	if !ok {
		return 0, false
	}
	return o.Reserve(), true
}

// openStore opens a store for the pool. A panic must not get past it: the pool
// would keep the entry locked for ever.
func openStore(o StoreOpener) (d caddy.Destructor, err error) {
	defer func() {
		if v := recover(); v != nil {
			d, err = nil, fmt.Errorf("opening the opt-out store panicked: %T", v)
		}
	}()
	store, err := o.OpenStore()
	if err != nil {
		return nil, err
	}
	s := newSharedStore(store)
	s.watch = newStoreWatch(s)
	go s.watch.run(watchEvery)
	return s, nil
}

// enter begins a use of the store. Without an error it is ended by leave.
func (s *sharedStore) enter() error {
	s.inside.Add(1)
	if s.closing.Load() {
		s.leave()
		return optoutstore.ErrClosed
	}
	return nil
}

func (s *sharedStore) leave() {
	if s.inside.Add(-1) == 0 && s.closing.Load() {
		s.drainOnce.Do(func() { close(s.drained) })
	}
}

// Destruct closes the store once the requests inside have left it.
func (s *sharedStore) Destruct() error {
	s.closing.Store(true)
	if s.inside.Load() > 0 {
		t := time.NewTimer(drainTimeout)
		defer t.Stop()
		select {
		case <-s.drained:
		case <-t.C:
			caddy.Log().Named(appName).Warn("requests were still using the opt-out store when it was closed; they get a 503")
		}
	}
	if s.watch != nil {
		s.watch.end(drainTimeout)
	}
	s.relay.close()
	if err := s.Store.Close(); err != nil {
		return fmt.Errorf("closing the opt-out store: %w", err)
	}
	return nil
}

// Interface guards
var _ caddy.Destructor = (*sharedStore)(nil)
