package optoutstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// scrubJournal reads the whole journal as it lies on the disk, by the names of its
// segments and not through the files that are open, and says what of it is damaged.
// Its errors are errInterrupted and the context's: damage is no error, for the
// index is whole, and what it knows is enforced. Stops are recorded as well: an
// event that is appended is as durable as ever. Only the store will not build the
// index again, and not open where the damage is in its newest segment.
func (d *Durable) scrubJournal(ix *index) error {
	p := &pacer{ctx: d.ctx, rate: d.o.scrubRate, alarm: ix.alarm}
	segs, last := d.journal.segments()
	var damage []error
	for i, s := range segs {
		size, next := last, (*segment)(nil)
		if i < len(segs)-1 {
			size, next = s.size, segs[i+1]
		}
		err := d.journal.scrubSegment(p, s, size, next)
		switch {
		case err == nil:
			continue
		case !errors.Is(err, ErrDamaged):
			return err
		}
		damage = append(damage, err)
		if next == nil {
			// What is recorded from now on goes into a file that is whole.
			d.journal.spoiled.Store(true)
		}
	}
	d.reportJournal(damage)
	return nil
}

// reportJournal tells what of the journal is damaged, each finding once.
func (d *Durable) reportJournal(damage []error) {
	if d.journal.damage != nil {
		damage = append([]error{d.journal.damage}, damage...)
	}
	if len(damage) == 0 {
		if d.journalFault.get() != nil {
			d.journalFault.set(nil)
			d.log.Info("the journal is whole again")
		}
		clear(d.damage)
		return
	}
	now := damage[0]
	if n := len(damage); n > 1 {
		now = fmt.Errorf("%w (the first of %d findings)", now, n)
	}
	d.journalFault.set(now)
	for _, err := range damage {
		if d.damage[err.Error()] {
			continue
		}
		d.damage[err.Error()] = true
		d.log.Error("the journal is damaged; every opt-out stays enforced, and stops are recorded; "+
			"put the file back from a copy of the store and restart", "error", err)
	}
}

// segments are the journal's segments, and the size of the last.
func (j *journal) segments() ([]*segment, int64) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.segs, j.segs[len(j.segs)-1].size
}

// scrubSegment reads a segment up to size, and checks that next follows it. Its
// errors are ErrDamaged and the pacer's.
func (j *journal) scrubSegment(p *pacer, s *segment, size int64, next *segment) error {
	lost := func(what string, behind uint64) error {
		to := "the end"
		if next != nil {
			to = grouped(next.first - 1)
		}
		return fmt.Errorf("%w: %s %s: events %s to %s cannot be read", ErrDamaged, s.name, what, grouped(behind+1), to)
	}
	f, err := j.fs.OpenFile(s.name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return lost("is missing", s.first-1)
	}
	if err != nil {
		return lost("cannot be opened", s.first-1)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return lost("cannot be read", s.first-1)
	}
	var head [segmentHeader]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return lost("has no whole header", s.first-1)
	}
	if h, err := parseSegmentHead(head[:]); err != nil || h.id != s.id || h.first != s.first || h.start != s.start || h.before != s.before {
		return lost("is another file than it was", s.first-1)
	}
	at, err := scanFrames(p.reader(f), s, s.begin(), min(size, info.Size()), nil)
	switch {
	case p.stopped != nil:
		return p.stopped
	case info.Size() < size:
		return lost(fmt.Sprintf("has %d bytes, %d were written", info.Size(), size), at.number)
	case err != nil:
		return lost(fmt.Sprintf("is damaged at byte %d", at.position-s.start), at.number)
	case next != nil && (at.number+1 != next.first || at.hash != next.before):
		return lost("does not lead to "+filepath.Base(next.name), at.number)
	}
	return nil
}
