package caddymodule

import (
	"context"
	"crypto/hmac"
)

// verdict is the outcome of checking a realm and password.
type verdict uint8

const (
	wrong verdict = iota
	right
	// busy: the password could not be checked in time.
	busy
)

// String is the verdict's name in metrics.
func (v verdict) String() string {
	switch v {
	case right:
		return "right"
	case busy:
		return "busy"
	default:
		return "wrong"
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
	v, hashed := as.check(ctx, realm, password, remote)
	meters.checked(v, hashed)
	return v
}

// check verifies, and says whether a hash was asked for.
func (as *accounts) check(ctx context.Context, realm, password, remote string) (v verdict, hashed bool) {
	v, hashed, f := as.begin(realm, password, remote)
	if f != nil {
		v = f.wait(ctx)
	}
	return v, hashed
}

// remembers reports whether a password is known to be right for a configured realm,
// without waiting for a hash. If nothing is known of it, it is hashed on the side.
func (as *accounts) remembers(realm, password, remote string) bool {
	v, _, _ := as.begin(realm, password, remote)
	return v == right
}

// begin returns what is known of a password, or else the flight that finds it out, and
// whether a hash was asked for.
func (as *accounts) begin(realm, password, remote string) (v verdict, hashed bool, f *flight) {
	a, known := as.forRealm(realm)
	if a == nil {
		return wrong, false, nil
	}
	d := a.digest(realm, password)

	a.mu.Lock()
	defer a.mu.Unlock()
	if v, ok := a.remembered(d); ok {
		return v, false, nil
	}
	f = a.flights[d]
	if f == nil {
		turn := as.hashing.queue(remote)
		if turn == nil {
			return busy, true, nil
		}
		f = &flight{done: make(chan struct{})}
		a.flights[d] = f
		own := []byte(password)
		// Not in this goroutine: the request may end before its turn comes, and
		// others may be waiting for the same password by then.
		go func() {
			v := as.hashing.compare(a, own, turn)
			if v == right && !known {
				v = wrong // a decoy's password opens nothing
			}
			a.land(f, d, v)
		}()
	}
	return wrong, true, f
}

// wait waits for the outcome until ctx ends.
func (f *flight) wait(ctx context.Context) verdict {
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
