package relay

import (
	"math/rand/v2"
	"time"
)

const (
	// firstPause and maxPause bound the pauses between two tries.
	firstPause = time.Second
	maxPause   = 5 * time.Minute
	// breakAfter is the number of deliveries without an answer, in a row, after
	// which a backend counts as down.
	breakAfter = 5
)

// pause is how long to wait after so many tries: growing, bounded, and jittered so
// that what failed together does not come back together.
func pause(tries int) time.Duration {
	d := maxPause
	if shift := max(tries-1, 0); shift < 16 {
		d = min(maxPause, firstPause<<shift)
	}
	return jitter(d)
}

// jitter takes up to a quarter off.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/4+1) }

// breaker knows whether a backend is down. While it is, one delivery at a time
// probes it. The engine's lock guards it.
type breaker struct {
	failures int // deliveries without an answer since the last that had one
	down     bool
	probing  bool
	next     time.Time // of the next probe
	reason   string    // of the last one
	since    time.Time // that it is down
}

// answered notes an answer in the API, and reports whether the backend is back.
func (b *breaker) answered() (back bool) {
	back = b.down
	*b = breaker{}
	return back
}

// failed notes a delivery without an answer, and reports whether the backend
// counts as down from now on. probe says whether it was one; others were under way
// when it went down, and say nothing new.
func (b *breaker) failed(now time.Time, reason string, probe bool) (down bool) {
	if b.down && !probe {
		return false
	}
	b.failures++
	b.reason = reason
	if b.failures < breakAfter {
		return false
	}
	down = !b.down
	if down {
		b.since = now
	}
	b.down, b.probing = true, false
	b.next = now.Add(pause(b.failures - breakAfter + 1))
	return down
}
