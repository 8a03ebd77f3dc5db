package caddymodule

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// hashers limits password hashing for the whole process. A hash takes 70 ms to
// seconds of a core and tens of MiB, and anyone may ask for one: a flood of guesses
// must neither slow the sends nor fill the memory, nor keep others from logging in.
var hashers = newHashing(max(1, runtime.GOMAXPROCS(0)/4))

const (
	// maxWaiting is how many different passwords may wait for a hasher, and
	// maxWaitingRemote how many of them may come from one network.
	maxWaiting       = 64
	maxWaitingRemote = 16
	// maxWait is how long one waits before the answer is "busy".
	maxWait = 5 * time.Second
	// maxRest bounds the rest of a hasher after a wrong password.
	maxRest = time.Second
)

// hashing hands a number of hashers out. Networks take turns, so that who has many
// passwords waiting stands in nobody else's way.
type hashing struct {
	mu      sync.Mutex
	free    int
	waiting int
	queues  map[string][]*turn // by network
	order   []string           // of the networks with a queue
}

// turn is a place in a queue.
type turn struct {
	network string
	come    chan struct{} // closed when a hasher is free for it
}

func newHashing(hashers int) *hashing {
	return &hashing{free: hashers, queues: make(map[string][]*turn)}
}

// queue takes a place, or returns nil if there is none.
func (h *hashing) queue(remote string) *turn {
	network := networkOf(remote)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting >= maxWaiting || len(h.queues[network]) >= maxWaitingRemote {
		return nil
	}
	t := &turn{network, make(chan struct{})}
	if h.free > 0 {
		h.free--
		close(t.come)
		return t
	}
	if len(h.queues[network]) == 0 {
		h.order = append(h.order, network)
	}
	h.queues[network] = append(h.queues[network], t)
	h.waiting++
	return t
}

// release gives a hasher to the network whose turn it is.
func (h *hashing) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.order) == 0 {
		h.free++
		return
	}
	network := h.order[0]
	h.order = h.order[1:]
	t := h.queues[network][0]
	h.drop(t)
	if len(h.queues[network]) > 0 {
		h.order = append(h.order, network)
	}
	close(t.come)
}

// leave gives up a place, and reports whether the turn had not come yet.
func (h *hashing) leave(t *turn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.queues[t.network], t) {
		return false
	}
	h.drop(t)
	if len(h.queues[t.network]) == 0 {
		h.order = slices.DeleteFunc(h.order, func(n string) bool { return n == t.network })
	}
	return true
}

// drop takes a turn out of its queue. The caller holds h.mu, and sees to h.order.
func (h *hashing) drop(t *turn) {
	q := h.queues[t.network]
	i := slices.Index(q, t)
	if q = slices.Delete(q, i, i+1); len(q) == 0 {
		delete(h.queues, t.network)
	} else {
		h.queues[t.network] = q
	}
	h.waiting--
}

// compare hashes a password once its turn has come.
func (h *hashing) compare(a *account, password []byte, t *turn) (v verdict) {
	limit := time.NewTimer(maxWait)
	defer limit.Stop()
	select {
	case <-t.come:
	case <-limit.C:
		if h.leave(t) {
			return busy
		}
		<-t.come // it came just now
	}

	begin := time.Now()
	defer func() {
		if p := recover(); p != nil {
			// Its value may hold the hash.
			logHash("a password hash made its module panic", fmt.Errorf("%T", p))
			v = busy
		}
		if v == right {
			h.release()
			return
		}
		// A hasher that met a wrong password rests as long as it has worked, so that
		// guessing takes at most half of what is set aside for hashing.
		time.AfterFunc(min(time.Since(begin), maxRest), h.release)
	}()
	ok, err := a.comparer.Compare(a.hash, password)
	if err != nil {
		a.warn.Do(func() { logHash("a password cannot be compared with its hash", err) })
	}
	if ok && err == nil {
		return right
	}
	return wrong
}

func logHash(message string, err error) {
	caddy.Log().Named(appName).Error(message, zap.Error(err))
}

// networkOf is the part of an address that one user has: all of an IPv4 address,
// the first 64 bits of an IPv6 one.
func networkOf(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if err != nil || addr.Unmap().Is4() {
		return remote
	}
	if prefix, err := addr.WithZone("").Prefix(64); err == nil {
		return prefix.String()
	}
	return remote
}
