package optoutstore

import "sync/atomic"

// gate lets calls in until it is shut, and tells when the last has left. Badger
// must not be closed under a reader: its tables are unmapped.
type gate struct {
	n       atomic.Int64 // calls inside, plus gateShut once it is shut
	left    chan struct{}
	closing chan struct{} // closed when it is shut
}

const gateShut = 1 << 62

func newGate() *gate { return &gate{left: make(chan struct{}, 1), closing: make(chan struct{})} }

// enter lets a call in, which must leave, unless the gate is shut.
func (g *gate) enter() bool {
	if g.n.Add(1) < gateShut {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.n.Add(-1) == gateShut {
		select {
		case g.left <- struct{}{}:
		default:
		}
	}
}

// isShut reports whether shut was called: long calls should end early.
func (g *gate) isShut() bool { return g.n.Load() >= gateShut }

// shut lets no more calls in and waits until all have left. It is called once.
func (g *gate) shut() {
	g.n.Add(gateShut)
	close(g.closing)
	for g.n.Load() > gateShut {
		<-g.left
	}
}
