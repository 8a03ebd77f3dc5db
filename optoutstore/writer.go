package optoutstore

import (
	"context"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// maxBatch is how many changes make a frame full. An import is not divided: with
// one at its end a frame has up to MaxImport-1 more.
const maxBatch = 1024

// request is a change that waits to be written.
type request struct {
	ctx    context.Context
	do     verb
	change Change
	seen   uint64      // see decide; of a doRelayFrom, from where on
	done   chan result // has room for the one answer

	changes  []Change   // of a doImport
	imported []Imported // of a doImport: the answer, whole once done has it
}

// size is how many events r becomes at most.
func (r *request) size() int { return max(1, len(r.changes)) }

type result struct {
	event Event
	err   error
}

// waiter is a request and the answer it gets when its batch is done.
type waiter struct {
	req *request
	result
}

// batch is what one frame holds and who waits for it.
type batch struct {
	events   []outcome
	end      chain
	recorded int64 // when the last of events was, in microseconds since 1970 UTC
	waiters  []waiter
}

func (b *batch) answer() {
	for _, w := range b.waiters {
		w.req.done <- w.result
	}
}

// fail answers everybody with err: none of it counts as recorded.
func (b *batch) fail(err error) {
	for _, w := range b.waiters {
		w.req.done <- result{err: err}
	}
}

// overlay is what a frame that may not be in the index yet did to its pairs.
type overlay struct {
	last  uint64 // number of the frame's last event
	pairs map[Pair]row
}

// writer turns changes into events. It is one goroutine, so events have an order,
// and while a frame is being synced the changes that arrive make up the next.
type writer struct {
	d        *Durable
	space    spaceGuard
	overlays []overlay // oldest first
	spare    []overlay // done with; their maps are used again
	reqs     []*request
	failing  bool // the last frame could not be written
}

// run writes until the queue is closed and empty.
func (w *writer) run() {
	defer close(w.d.toApply)
	tick := time.NewTicker(healEvery)
	defer tick.Stop()
	for {
		select {
		case r, ok := <-w.d.queue:
			if !ok {
				return
			}
			w.write(w.collect(r))
		case <-tick.C:
			w.d.writeFault.set(w.writable())
		}
	}
}

// collect adds to first what else waits.
func (w *writer) collect(first *request) []*request {
	w.reqs = append(w.reqs[:0], first)
	for size := first.size(); size < maxBatch; {
		select {
		case r, ok := <-w.d.queue:
			if !ok {
				return w.reqs
			}
			w.reqs = append(w.reqs, r)
			size += r.size()
		default:
			return w.reqs
		}
	}
	return w.reqs
}

// writable makes the journal ready for a frame, or says why it cannot be.
func (w *writer) writable() error {
	if err := w.space.check(); err != nil {
		return err
	}
	if err := w.d.applyFault.get(); err != nil {
		return err
	}
	return w.d.journal.ready()
}

// write records the changes in reqs as one frame and hands it to the applier.
func (w *writer) write(reqs []*request) {
	b := &batch{
		events:  make([]outcome, 0, len(reqs)),
		waiters: make([]waiter, 0, len(reqs)),
	}
	err := w.writable()
	w.d.writeFault.set(err)
	if err != nil {
		for _, r := range reqs {
			r.done <- result{err: err}
		}
		return
	}
	w.prune()
	made := w.overlay()
	for _, r := range reqs {
		b.waiters = append(b.waiters, waiter{r, w.stage(r, b, made.pairs)})
	}
	if len(b.events) == 0 {
		// What they were told of may be in frames that are not applied yet.
		if len(w.overlays) == 0 {
			b.answer()
		} else {
			w.d.toApply <- b
		}
		return
	}
	began := time.Now()
	if err := w.d.journal.commit(); err != nil {
		if !w.failing {
			w.d.log.Error("opt-outs cannot be recorded", "error", err)
		}
		w.failing = true
		w.d.writeFault.set(err)
		b.fail(err)
		return
	}
	if w.failing {
		w.failing = false
		w.d.log.Info("opt-outs are recorded again")
	}
	if w.d.o.OnCommit != nil {
		w.d.o.OnCommit(len(b.events), w.d.journal.committed, time.Since(began))
	}
	w.d.lastWrite.Store(w.d.o.Now().UnixMicro())
	b.end = w.d.journal.end
	made.last = b.end.number
	w.overlays = append(w.overlays, made)
	end := b.end
	w.d.tail.Store(&end)
	w.d.written.Store(b.end.number)
	w.d.toApply <- b
}

// state is where a pair stands after everything written so far: by this frame, by
// one that is not in the index yet, or by the index.
// It is the zero row where nothing was.
func (w *writer) state(p Pair, made map[Pair]row) (row, error) {
	if r, ok := made[p]; ok {
		return r, nil
	}
	for i := len(w.overlays) - 1; i >= 0; i-- {
		if r, ok := w.overlays[i].pairs[p]; ok {
			return r, nil
		}
	}
	ix := w.d.index.Load()
	if ix == nil {
		return row{}, w.d.notReady()
	}
	if ix.absent([]phone.Number{p.Phone}) {
		return row{}, nil // most opt-outs are the first of their phone
	}
	r, _, err := ix.pair(p)
	return r, err
}

// maxSpare is how many overlays are kept for reuse: those that can be under way at
// a time, when the applier keeps up.
const maxSpare = 3

// overlay is an empty one.
func (w *writer) overlay() overlay {
	last := len(w.spare) - 1
	if last < 0 {
		return overlay{pairs: map[Pair]row{}}
	}
	o := w.spare[last]
	w.spare = w.spare[:last]
	clear(o.pairs)
	return o
}

// prune forgets the overlays that the index has by now.
func (w *writer) prune() {
	applied := w.d.applied.Load().number
	for len(w.overlays) > 0 && w.overlays[0].last <= applied {
		if len(w.spare) < maxSpare {
			w.spare = append(w.spare, w.overlays[0])
		}
		w.overlays = w.overlays[1:]
	}
	if len(w.overlays) == 0 {
		w.overlays = nil
	}
}
