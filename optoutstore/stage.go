package optoutstore

import "fmt"

// stage decides what r's change does and puts it into the frame. made has what
// the frame did to its pairs so far.
func (w *writer) stage(r *request, b *batch, made map[Pair]row) result {
	if err := r.ctx.Err(); err != nil {
		return result{err: err}
	}
	switch r.do {
	case doImport:
		return result{err: w.stageImport(r, b, made)}
	case doRelayFrom:
		return w.stageRelayFrom(r, b)
	}
	was, err := w.state(r.change.Pair, made)
	if err != nil {
		return result{err: err}
	}
	kind, err := decide(r.do, was, r.seen)
	if kind == 0 || err != nil {
		return result{err: err}
	}
	return result{event: w.add(&r.change, kind, was, b, made)}
}

// stageImport does all of an import or, after an error, nothing of it.
func (w *writer) stageImport(r *request, b *batch, made map[Pair]row) error {
	// First what can fail.
	found := make([]row, len(r.changes))
	for i := range r.changes {
		var err error
		if found[i], err = w.state(r.changes[i].Pair, made); err != nil {
			return err
		}
	}
	r.imported = make([]Imported, len(r.changes))
	for i := range r.changes {
		c := &r.changes[i]
		was, ok := made[c.Pair] // by a change of this import too
		if !ok {
			was = found[i]
		}
		if was.knows(c) {
			r.imported[i].Known = true
			continue
		}
		kind, err := decide(doOptOut, was, 0)
		if err != nil {
			return err // an opt-out always has a kind
		}
		r.imported[i].Event = w.add(c, kind, was, b, made)
	}
	return nil
}

// stageRelayFrom puts a mark into the frame from where on a realm is relayed.
func (w *writer) stageRelayFrom(r *request, b *batch) result {
	if newest := w.d.journal.next.number; r.seen > newest {
		return result{err: fmt.Errorf("%w: opt-outs are to be relayed from event %d on, and the newest is %d", ErrInvalid, r.seen, newest)}
	}
	if w.d.index.Load() == nil {
		return result{err: w.d.notReady()}
	}
	rec := w.record(&r.change, RelayFrom)
	rec.From = r.seen
	w.d.journal.stage(&rec)
	b.events = append(b.events, outcomeOf(&rec, row{}))
	b.recorded = rec.RecordedAt.UnixMicro()
	return result{event: rec.Event}
}

// add puts an event about a pair into the frame.
func (w *writer) add(c *Change, kind Kind, was row, b *batch, made map[Pair]row) Event {
	rec := w.record(c, kind)
	rec.prev, rec.wasUntold = was.position, was.untold()
	position := w.d.journal.stage(&rec)
	now := stepOf(&rec, position).fold(was)
	b.events = append(b.events, outcomeOf(&rec, now))
	b.recorded = rec.RecordedAt.UnixMicro()
	made[rec.Pair] = now
	return rec.Event
}

// record is the record of a change, which lacks its number and links.
func (w *writer) record(c *Change, kind Kind) record {
	rec := record{Event: Event{Change: *c, Kind: kind, RecordedAt: w.d.now()}}
	if rec.EffectiveAt.IsZero() {
		rec.EffectiveAt = rec.RecordedAt
	} else {
		rec.EffectiveAt = microTime(rec.EffectiveAt.UnixMicro())
	}
	return rec
}
