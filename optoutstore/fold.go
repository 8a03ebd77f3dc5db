package optoutstore

import "fmt"

// What an event does stands here, once. The writer, the replay at open and the
// building of an index all go through it, so that an index is the same whichever
// of them made it. Nothing here reads or writes anything.

// step is an event as the row of its pair takes it in.
type step struct {
	kind      Kind
	number    uint64
	position  uint64 // of its record
	effective int64  // microseconds since 1970 UTC
	recorded  int64
}

// stepOf is the step of the event in r, whose record stands at position.
func stepOf(r *record, position uint64) step {
	return step{
		kind:      r.Kind,
		number:    r.Number,
		position:  position,
		effective: r.EffectiveAt.UnixMicro(),
		recorded:  r.RecordedAt.UnixMicro(),
	}
}

// standsAlone reports whether the row after an event of this kind is the same
// whatever the row before: it makes the state, rather than noting something on it.
func (k Kind) standsAlone() bool { return k == OptedOut || k == OptedOutAgain || k == Lifted }

// fold is the row of a pair after s, given the row before; the zero row stands for
// a pair without events. All of a pair's events in their order, folded one by one
// onto the zero row, make its row.
func (s step) fold(was row) row {
	if s.kind.standsAlone() {
		return row{
			inForce:   s.kind != Lifted,
			number:    s.number,
			effective: s.effective,
			recorded:  s.recorded,
			last:      s.number,
			position:  s.position,
		}
	}
	was.told = was.inForce && s.kind == Told
	was.last, was.position = s.number, s.position
	return was
}

// delta is by how much an event changes the counts: -1, 0 or 1.
type delta struct{ inForce, untold, pairs int8 }

// deltaOf is the delta of an event, which follows from its record alone: its kind,
// whether the pair was untold before, and where the pair's event before stands.
func deltaOf(kind Kind, wasUntold bool, prev uint64) delta {
	var d delta
	switch kind {
	case OptedOut:
		d = delta{inForce: 1, untold: 1}
		if prev == 0 {
			d.pairs = 1 // the first of the pair
		}
	case OptedOutAgain, Untold:
		d.untold = 1
	case Lifted:
		d.inForce = -1
	}
	if wasUntold {
		d.untold--
	}
	return d
}

// verb is what a change asks for.
type verb uint8

const (
	doOptOut verb = iota
	doLift
	doTold
	doUntell
	doRelayFrom
	doImport
)

// decide is the kind of the event that a change of one pair becomes, given the
// pair's row; zero if there is nothing to record. seen is what the caller has
// seen: of a lift the number of the state, or zero; of a told, the newest event.
// Its errors are ErrNotOptedOut and ErrChanged.
func decide(do verb, was row, seen uint64) (Kind, error) {
	switch {
	case do == doOptOut && was.inForce:
		return OptedOutAgain, nil
	case do == doOptOut:
		return OptedOut, nil
	case !was.inForce:
		return 0, fmt.Errorf("%w", ErrNotOptedOut)
	case do == doLift && seen != 0 && seen != was.number,
		do == doTold && seen != was.last:
		return 0, fmt.Errorf("%w", ErrChanged)
	case do == doLift:
		return Lifted, nil
	case do == doTold && !was.told:
		return Told, nil
	case do == doUntell && was.told:
		return Untold, nil
	}
	return 0, nil
}

// knows reports whether an import of an opt-out, effective then or now if it is
// zero, has nothing to say about a pair: it is in force already, or was lifted
// at that time or later.
func (r row) knows(c *Change) bool {
	if r.last == 0 || r.inForce {
		return r.inForce
	}
	return !c.EffectiveAt.IsZero() && r.effective >= c.EffectiveAt.UnixMicro()
}
