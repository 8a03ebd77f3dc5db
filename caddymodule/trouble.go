package caddymodule

import (
	"sync"
	"time"
)

// troubleEvery is how often trouble that lasts is told of again.
const troubleEvery = 10 * time.Second

// troubleLog keeps trouble that every request meets from filling the log: it is
// told of at once when it begins, and then, with a count, as long as it lasts.
type troubleLog struct {
	every time.Duration

	mu     sync.Mutex
	spells map[string]*spell // by what is wrong: from a fixed set
	closed bool
}

// spell is a time of trouble.
type spell struct {
	repeated uint64
	tell     func(repeated uint64)
	timer    *time.Timer
}

func newTroubleLog(every time.Duration) *troubleLog {
	return &troubleLog{every: every, spells: make(map[string]*spell)}
}

// note calls first, or counts where the same was noted just now. again is called
// later, with how often it was noted since: it must hold on to nothing of a request.
func (l *troubleLog) note(what string, first func(), again func(repeated uint64)) {
	l.mu.Lock()
	s := l.spells[what]
	if s != nil {
		s.repeated++
		l.mu.Unlock()
		return
	}
	if !l.closed {
		s = &spell{tell: again}
		s.timer = time.AfterFunc(l.every, func() { l.again(what, s) })
		l.spells[what] = s
	}
	l.mu.Unlock()
	first()
}

// again tells of what was noted since the last time. If nothing was, the trouble is
// over, and the next will be told of at once.
func (l *troubleLog) again(what string, s *spell) {
	l.mu.Lock()
	n := s.repeated
	s.repeated = 0
	switch {
	case l.closed:
		n = 0
	case n > 0:
		s.timer.Reset(l.every)
	default:
		delete(l.spells, what)
	}
	l.mu.Unlock()
	if n > 0 {
		s.tell(n)
	}
}

// close tells of what was not told of yet. What is noted later is told of at once.
func (l *troubleLog) close() {
	l.mu.Lock()
	spells := l.spells
	l.spells, l.closed = nil, true
	l.mu.Unlock()
	for _, s := range spells {
		s.timer.Stop()
		if s.repeated > 0 {
			s.tell(s.repeated)
		}
	}
}
