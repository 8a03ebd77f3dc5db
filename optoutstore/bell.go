package optoutstore

import "sync"

// bell wakes all who wait for something. Ringing it costs nothing to speak of
// while nobody does.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // nil while nobody waits
}

// next is closed when the bell is rung next.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
