package caddymodule

import (
	"context"
	"crypto/hmac"
	"runtime"
	"sync"
	"time"
)

// verdict is the outcome of checking a realm and password.
type verdict uint8

const (
	wrong verdict = iota
	right
	// busy: too many other passwords are waiting to be hashed.
	busy
)

// hashers limits password hashing for the whole process. A hash takes 70 ms to
// more than a second of a core and up to 46 MiB, and anyone may ask for one: a
// flood of guesses must neither slow the sends nor fill the memory.
var hashers = newHashing(max(1, runtime.GOMAXPROCS(0)/4))

const (
	// maxWaiting is how many different passwords may wait for a hasher, and
	// maxWaitingRemote how many of them may come from one address, so that one
	// guesser leaves room for others.
	maxWaiting       = 64
	maxWaitingRemote = 16
	// maxWait is how long one waits before the answer is "busy".
	maxWait = 5 * time.Second
	// maxRest bounds the rest of a hasher after a wrong password.
	maxRest = time.Second
)

type hashing struct {
	slots chan struct{}

	mu      sync.Mutex
	waiting int
	remotes map[string]int // waiting, by remote address
}

func newHashing(slots int) *hashing {
	return &hashing{slots: make(chan struct{}, slots), remotes: make(map[string]int)}
}

// queue takes a place among the waiting, if there is one.
func (h *hashing) queue(remote string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting >= maxWaiting || h.remotes[remote] >= maxWaitingRemote {
		return false
	}
	h.waiting++
	h.remotes[remote]++
	return true
}

func (h *hashing) unqueue(remote string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting--
	if h.remotes[remote]--; h.remotes[remote] == 0 {
		delete(h.remotes, remote)
	}
}

// flight is one password being checked, and all who wait for the outcome.
type flight struct {
	done    chan struct{}
	verdict verdict
}

// verify checks a password that came from a remote address. Known and unknown
// realms take the same way and the same work.
func (as *accounts) verify(ctx context.Context, realm, password, remote string) verdict {
	a, known := as.forRealm(realm)
	if a == nil {
		return wrong
	}
	d := a.digest(realm, password)

	a.mu.Lock()
	if v, ok := a.remembered(d); ok {
		a.mu.Unlock()
		return v
	}
	f := a.flights[d]
	if f == nil {
		if !as.hashing.queue(remote) {
			a.mu.Unlock()
			return busy
		}
		f = &flight{done: make(chan struct{})}
		a.flights[d] = f
		// Not in this goroutine: the request may end before its turn comes, and
		// others may be waiting for the same password by then.
		own := []byte(password)
		go func() {
			v := as.hashing.compare(a, own, remote)
			if v == right && !known {
				v = wrong // a decoy's password opens nothing
			}
			a.land(f, d, v)
		}()
	}
	a.mu.Unlock()

	select {
	case <-f.done:
		return f.verdict
	case <-ctx.Done():
		return busy
	}
}

// remembered returns what is known of a digest. The caller holds a.mu.
func (a *account) remembered(d digest) (verdict, bool) {
	if hmac.Equal(a.verified[:], d[:]) {
		return right, true
	}
	for i := range a.rejected {
		if hmac.Equal(a.rejected[i][:], d[:]) {
			return wrong, true
		}
	}
	return wrong, false
}

// land ends a flight: what was found is remembered, and told to all who wait.
func (a *account) land(f *flight, d digest, v verdict) {
	f.verdict = v

	a.mu.Lock()
	switch v {
	case right:
		a.verified = d
	case wrong:
		a.rejected[a.next] = d
		a.next = (a.next + 1) % len(a.rejected)
	}
	delete(a.flights, d)
	a.mu.Unlock()
	close(f.done)
}

// compare hashes a password once it is its turn. The caller has queued.
func (h *hashing) compare(a *account, password []byte, remote string) verdict {
	turn := time.NewTimer(maxWait)
	defer turn.Stop()
	select {
	case h.slots <- struct{}{}:
		h.unqueue(remote)
	case <-turn.C:
		h.unqueue(remote)
		return busy
	}

	begin := time.Now()
	ok, err := a.comparer.Compare(a.hash, password)
	if ok && err == nil {
		<-h.slots
		return right
	}
	// A hasher that met a wrong password rests as long as it has worked, so that
	// guessing takes at most half of what is set aside for hashing.
	time.AfterFunc(min(time.Since(begin), maxRest), func() { <-h.slots })
	return wrong
}
