package optoutstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
)

// Stats implements [Store]. It reads one row for each sender that ever had an
// opt-out.
func (d *Durable) Stats(ctx context.Context) (Stats, error) {
	if !d.gate.enter() {
		return Stats{}, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if err := ctx.Err(); err != nil {
		return Stats{}, err
	}
	ix := d.index.Load()
	if ix == nil {
		return Stats{}, d.notReady()
	}
	s := Stats{Format: storeFormat, ID: d.id.String()}
	if err := ix.countsInto(&s, func() error { return d.interrupted(ctx) }); err != nil {
		return Stats{}, err
	}
	end := *d.applied.Load()
	s.Events = end.number
	s.JournalBytes = d.journal.bytes()
	var err error
	if s.Oldest, s.Newest, err = d.span(end); err != nil {
		return Stats{}, err
	}
	if s.IndexBytes, err = indexBytes(ix.dir); err != nil {
		return Stats{}, unavailable("the index's directory cannot be read", err)
	}
	return s, nil
}

// countsInto adds to s what is counted.
func (ix *index) countsInto(s *Stats, interrupted func() error) (err error) {
	defer ix.guarded(debug.SetPanicOnFault(true), &err)
	at := ix.read()
	defer at.release()
	seen := 0
	return eachCount(at.txn, countPrefix, func(key []byte, r countRow) error {
		if seen++; seen%lookEvery == 0 {
			if err := interrupted(); err != nil {
				return err
			}
		}
		realm, sender, err := parseCountKey(key)
		if err != nil {
			return rowError(err)
		}
		if r.inForce > 0 {
			s.Senders = append(s.Senders, SenderCount{Realm: realm, Sender: sender, InForce: r.inForce, Untold: r.untold})
		}
		s.InForce += r.inForce
		s.Untold += r.untold
		return nil
	})
}

// bytes is the size of the journal.
func (j *journal) bytes() int64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return int64(j.active().end())
}

// span is when the first event was recorded, and the newest that is applied.
func (d *Durable) span(end chain) (oldest, newest time.Time, err error) {
	if end.number == 0 {
		return oldest, newest, nil
	}
	first, err := d.journal.record(segmentHeader + frameHeader)
	if err != nil {
		return oldest, newest, err
	}
	if d.newest.Load() == 0 {
		// Nothing was recorded since the store was opened.
		err = d.journal.walk(d.journal.before(end.number-1), end, func(r *record, _ chain) error {
			newest = r.RecordedAt
			return nil
		})
		if err != nil {
			return oldest, newest, err
		}
		d.newest.CompareAndSwap(0, newest.UnixMicro())
	}
	return first.RecordedAt, microTime(d.newest.Load()), nil
}

// indexBytes is what an index's tables take. Badger's logs are files of a fixed
// size with holes, and bounded.
func indexBytes(dir string) (int64, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return 0, err
	}
	var n int64
	for _, name := range names {
		info, err := os.Stat(name)
		if os.IsNotExist(err) {
			continue // compacted meanwhile
		}
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, nil
}
