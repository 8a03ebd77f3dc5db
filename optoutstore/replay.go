package optoutstore

import (
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
)

const (
	arenaChunk = 1 << 20 // bytes of keys and values allocated at once

	// maxReplayRows bounds the rows that a replayer remembers, some 150 bytes each.
	maxReplayRows = 1 << 17
)

// replayer writes events into an index, in their order. The index may hold some of
// them already, and newer ones than it is given, in any selection that is whole
// for each row: each row holds what all events of its pair up to row.last made.
type replayer struct {
	d     *Durable
	ix    *index
	whole bool // from event 1 into an empty index
	upTo  chain
	seen  int
	told  time.Time
	room  func(need uint64) error

	before *badger.Txn // the index before what is in wb
	wb     *badger.WriteBatch
	arena  []byte
	rows   map[Pair]row // what is in wb
}

func newReplayer(d *Durable, ix *index, from, to chain) *replayer {
	return &replayer{d: d, ix: ix, whole: from.number == 0, upTo: to, told: time.Now(), room: d.room(false), rows: map[Pair]row{}}
}

// begin begins a batch. After it, and whatever else, finish must be called.
func (p *replayer) begin() {
	p.before, p.wb = p.ix.db.NewTransaction(false), p.ix.db.NewWriteBatch()
}

// finish drops the batch, unless it was flushed.
func (p *replayer) finish() {
	p.wb.Cancel()
	p.before.Discard()
}

// event writes one event.
func (p *replayer) event(position uint64, r *record, _ Hash) error {
	if p.seen++; p.seen%lookEvery == 0 {
		if err := p.look(r.Number); err != nil {
			return err
		}
	}
	var state row
	skip := false
	switch {
	case r.Kind.aboutPair():
		var err error
		if state, skip, err = p.state(r, position); err != nil {
			return err
		}
	case r.Kind != RelayFrom:
		return nil
	}
	o := outcomeOf(r, state)
	if !skip {
		if err := p.set(&o); err != nil {
			return fmt.Errorf("%w: badger does not take it: %s", errIndex, scrub(err))
		}
	}
	if _, err := p.ix.countEvent(p.before, nil, &o); err != nil {
		return fmt.Errorf("%w: a count cannot be read", errIndex)
	}
	return nil
}

// state is the row of r's pair after r, or skip where the index holds that row, or
// a newer one, already.
//
// An event that stands alone is written without a look: where the index has a
// newer row, the events that made it come again and make it anew. One that does
// not needs the row before. If the pair had an event in this replay, that is the
// one. Else the row is in the index, as the checkpoint is behind it, or a newer
// one is, which has this event in it.
func (p *replayer) state(r *record, position uint64) (state row, skip bool, err error) {
	s := stepOf(r, position)
	var was row
	if !r.Kind.standsAlone() {
		var known bool
		if was, known = p.rows[r.Pair]; !known {
			var buf keyBuffer
			if was, _, err = pairIn(p.before, &buf, r.Phone, r.Realm, r.Sender); err != nil {
				return row{}, false, fmt.Errorf("%w: a row cannot be read", errIndex)
			}
		}
		switch {
		case was.last >= r.Number:
			return row{}, true, nil
		case was.last != 0 && was.position == r.prev:
		case p.whole:
			return row{}, false, fmt.Errorf("%w: event %d notes something on an opt-out that is not there", ErrDamaged, r.Number)
		default:
			return row{}, false, fmt.Errorf("%w: it lacks what came before event %d", errIndex, r.Number)
		}
	}
	return s.fold(was), false, nil
}

// set writes the row that an event made.
func (p *replayer) set(o *outcome) error {
	if cap(p.arena)-len(p.arena) < maxKey+pairRowSize {
		p.arena = make([]byte, 0, arenaChunk)
	}
	var err error
	if p.arena, err = setRow(p.wb, p.arena, o); err != nil || o.kind == RelayFrom {
		return err
	}
	p.rows[o.pair] = o.state
	if len(p.rows) < p.d.o.replayRows {
		return nil
	}
	// Put into the index, where they can be looked up, they need not be remembered.
	if err := p.wb.Flush(); err != nil {
		return err
	}
	clear(p.rows)
	p.finish()
	p.begin()
	return nil
}

// look reports progress, and looks at the disk.
func (p *replayer) look(number uint64) error {
	if time.Since(p.told) >= progressEvery {
		p.told = time.Now()
		p.d.log.Info("building the index", "event", number, "of", p.upTo.number)
	}
	return p.room(0)
}
