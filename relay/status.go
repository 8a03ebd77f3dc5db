package relay

import "time"

// Status is what an engine does at present.
type Status struct {
	Paused bool
	// Down: the backend does not answer, since when, why, and when it is probed next.
	Down      bool
	DownSince time.Time
	NextProbe time.Time
	Reason    string
	// Store is why the list cannot be written, for then nobody is told.
	Store  string
	Realms []RealmStatus
}

// RealmStatus is what it does for one realm.
type RealmStatus struct {
	Realm string
	// Ready is false until the list has been read.
	Ready bool
	// Waiting, Retrying, Failing, Held and Flying count the opt-outs in memory:
	// those that were not tried yet; got no answer; got a FAILURE; wait for a
	// subscribe of the phone; are being told.
	Waiting, Retrying, Failing, Held, Flying int
	// Oldest is when the oldest of them was recorded.
	Oldest time.Time
	// Suspect: every stop fails, as with a wrong password, or the password cannot be
	// read.
	Suspect   bool
	NextProbe time.Time
	// Failures counts the FAILUREs in a row, Failure is the reason of the last one, or
	// why the password cannot be read.
	Failures  int
	Failure   string
	FailureAt time.Time
	// From is the number of the event behind which opt-outs are relayed.
	From uint64
	// ReadTo and ReadUntil are event numbers: how far what was recorded before the
	// relay began is read, and where that ends. Both are zero when it is read.
	ReadTo, ReadUntil uint64
	// Results counts the deliveries since the engine began.
	Results [Results]uint64
}

// Status reports what the engine does.
func (e *Engine) Status() Status {
	health := e.o.Store.Health()
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Status{Paused: e.paused}
	if !health.Writable {
		s.Store = health.Reason
	}
	if b := e.breaker; b.down {
		s.Down, s.DownSince, s.NextProbe, s.Reason = true, b.since, b.next, b.reason
	}
	for _, l := range e.lanes {
		s.Realms = append(s.Realms, l.status())
	}
	return s
}

func (l *lane) status() RealmStatus {
	s := RealmStatus{
		Realm:     l.realm.Name,
		Ready:     l.opened,
		Waiting:   l.waiting[live].len() + l.waiting[old].len(),
		Retrying:  len(l.unheard),
		Failing:   len(l.failed),
		Held:      l.held,
		Flying:    l.flying,
		Oldest:    l.oldest(),
		Suspect:   l.suspect,
		Failures:  l.failures,
		Failure:   l.reason,
		FailureAt: l.reasonAt,
		From:      l.mark,
		Results:   l.results,
	}
	if l.suspect {
		s.NextProbe = l.probeAt
	}
	if sc := l.scanners[old]; l.opened && !sc.done {
		s.ReadTo, s.ReadUntil = sc.scanned.Load(), sc.to
	}
	return s
}
