package relay

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// window is the most items of one source that wait for their first try.
	window = 1024
	// failureGap is the least time between two further tries of what the backend
	// has failed, in one realm.
	failureGap = time.Second
	// suspectAfter is the number of failures in a row after which a realm's
	// password counts as possibly wrong; provenAfter where it has been right.
	suspectAfter = 5
	provenAfter  = 20
)

// source is where an item came from.
type source uint8

const (
	// live: the opt-out was recorded while the relay ran.
	live source = iota
	// old: it was recorded before, and is found by catching up.
	old
	sources
)

// maxItems is the most that a realm has in memory, those that wait for a further
// try among them, before a source is read further. About 200 bytes each. What was
// recorded long ago leaves room for what is recorded now.
var maxItems = [sources]int{live: 80 << 10, old: 64 << 10}

// lane is what is to be told of one realm. The engine's lock guards it, but for
// what says otherwise.
type lane struct {
	realm Realm

	opened   bool
	items    map[key]*item
	waiting  [sources]queue
	scanners [sources]*scanner
	unheard  later // no answer came
	failed   later // the answer was FAILURE
	flying   int
	held     int // items that wait for a subscribe
	picks    int
	slowly   *rate.Limiter // of source old; nil: no limit of its own

	password string
	unread   bool // it could not be read the last time; the lane is suspect meanwhile

	failures  int // in a row
	proven    bool
	suspect   bool
	probeAt   time.Time // while suspect
	failureAt time.Time // of the next try of what failed
	reason    string    // of the last failure, or why the password cannot be read
	reasonAt  time.Time
	results   [Results]uint64

	marking sync.Mutex // held while the mark is moved; taken before the engine's
	mark    uint64     // RelayFrom, as recorded
}

func newLane(r Realm) *lane {
	l := &lane{realm: r, items: make(map[key]*item)}
	for s := range l.scanners {
		l.scanners[s] = &scanner{room: make(chan struct{}, 1)}
	}
	return l
}

// pick takes an item whose turn it is, or tells how long until there may be one;
// zero means until something happens. probe asks for any, due or not.
func (l *lane) pick(now time.Time, probe bool) (*item, time.Duration) {
	if l.suspect {
		if l.flying > 0 {
			return nil, 0
		}
		if wait := l.probeAt.Sub(now); wait > 0 {
			return nil, wait
		}
		probe = true
	}
	if probe {
		// What was never tried before what has failed already.
		for _, take := range []func() *item{l.waiting[live].pop, l.waiting[old].pop, l.unheard.any, l.failed.any} {
			if it := take(); it != nil {
				return it, 0
			}
		}
		return nil, 0
	}
	turns := []func(time.Time) (*item, time.Duration){l.dueUnheard, l.nextLive, l.dueFailed, l.nextOld}
	if l.picks++; l.picks%4 == 0 {
		// What is recorded now comes first, but leaves some room to the rest.
		turns = []func(time.Time) (*item, time.Duration){l.nextOld, l.dueFailed, l.dueUnheard, l.nextLive}
	}
	var wait time.Duration
	for _, turn := range turns {
		it, w := turn(now)
		if it != nil {
			return it, 0
		}
		wait = sooner(wait, w)
	}
	return nil, wait
}

func (l *lane) nextLive(time.Time) (*item, time.Duration) { return l.waiting[live].pop(), 0 }

func (l *lane) nextOld(now time.Time) (*item, time.Duration) {
	if l.waiting[old].len() == 0 {
		return nil, 0
	}
	if l.slowly != nil && !l.slowly.AllowN(now, 1) {
		missing := 1 - l.slowly.TokensAt(now)
		return nil, max(time.Millisecond, time.Duration(missing/float64(l.slowly.Limit())*float64(time.Second)))
	}
	return l.waiting[old].pop(), 0
}

func (l *lane) dueUnheard(now time.Time) (*item, time.Duration) { return l.unheard.due(now) }

func (l *lane) dueFailed(now time.Time) (*item, time.Duration) {
	if len(l.failed) == 0 {
		return nil, 0
	}
	if wait := l.failureAt.Sub(now); wait > 0 {
		return nil, wait
	}
	it, wait := l.failed.due(now)
	if it != nil {
		l.failureAt = now.Add(failureGap)
	}
	return it, wait
}

// sooner is the shorter of two waits, where zero is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// told notes that the backend has taken an opt-out of the realm.
func (l *lane) told(now time.Time) (cleared bool) {
	cleared = l.suspect
	l.failures, l.suspect, l.proven = 0, false, true
	if cleared {
		l.failed.rush(now)
	}
	return cleared
}

// fail notes a FAILURE, and reports whether the realm's password is suspected from
// now on.
func (l *lane) fail(it *item, now time.Time, reason string) (suspected bool) {
	l.failures++
	l.reason, l.reasonAt = reason, now
	l.failed.add(it, now.Add(jitter(maxPause)))
	limit := suspectAfter
	if l.proven {
		limit = provenAfter
	}
	if l.failures < limit {
		return false
	}
	suspected = !l.suspect
	l.suspect = true
	l.probeAt = now.Add(jitter(maxPause))
	return suspected
}

// noPassword notes that the realm's password cannot be read, and reports whether that
// is news. One item at a time finds out whether it can.
func (l *lane) noPassword(it *item, now time.Time, reason string) (news bool) {
	news = !l.suspect || l.reason != reason
	l.unread, l.suspect = true, true
	l.reason, l.reasonAt = reason, now
	l.probeAt = now.Add(jitter(maxPause))
	l.failed.add(it, l.probeAt)
	return news
}

// read notes the realm's password. What waits for it is due.
func (l *lane) read(password string, now time.Time) {
	l.password = password
	if l.unread {
		l.unread, l.suspect = false, false
		l.failed.rush(now)
	}
}

// settle takes an item off the list if nothing has happened to its pair since the
// event of that number; else it is due again.
func (l *lane) settle(it *item, number uint64) {
	if it.newest > number {
		it.tries = 0
		l.waiting[it.source].push(it)
		return
	}
	delete(l.items, it.key)
	l.makeRoom()
}

// isFull reports whether a scanner has to wait.
func (l *lane) isFull(s source) bool {
	return l.waiting[s].len() >= window || len(l.items) >= maxItems[s]
}

// makeRoom lets scanners go on that wait for room, once there is enough.
func (l *lane) makeRoom() {
	for s, sc := range l.scanners {
		if sc.waits && l.waiting[s].len() <= window/2 && len(l.items) < maxItems[s] {
			sc.waits = false
			sc.room <- struct{}{} // has room for the one
		}
	}
}

// rush makes everything due that waits for a further try.
func (l *lane) rush(now time.Time) {
	l.suspect, l.failures, l.failureAt = false, 0, time.Time{}
	for _, heap := range []*later{&l.unheard, &l.failed} {
		for it := heap.any(); it != nil; it = heap.any() {
			it.tries = 0
			l.waiting[it.source].push(it)
		}
	}
}

// settled is the number of the event up to which nothing is left to tell.
func (l *lane) settled() uint64 {
	n := l.scanners[live].scanned.Load()
	if sc := l.scanners[old]; !sc.done {
		n = min(n, sc.scanned.Load())
	}
	for _, it := range l.items {
		n = min(n, it.first-1)
	}
	return n
}

// oldest is when the oldest opt-out was recorded that is still to be told, and the
// zero time if there is none.
func (l *lane) oldest() (t time.Time) {
	for _, it := range l.items {
		if t.IsZero() || it.since.Before(t) {
			t = it.since
		}
	}
	return t
}
