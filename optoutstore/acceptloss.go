package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/dgraph-io/badger/v4"
)

// AcceptLoss goes on with a store that Open refuses with ErrLoss. It makes an
// empty store where there is none, takes over what the index still knows of the
// lost events, notes in the journal what was missing, who accepted it and why,
// and lets the witness begin anew. The next Open builds the index again.
//
// Where nothing is missing it returns ErrInvalid. Its other errors are Open's,
// but for ErrLoss; a journal that is damaged in its middle stays ErrDamaged.
func AcceptLoss(o Options, actor, reason string) error {
	if len(actor) > maxActor {
		return fmt.Errorf("%w: the actor has %d bytes, at most %d are stored", ErrInvalid, len(actor), maxActor)
	}
	b, err := openBase(o, true)
	if err != nil {
		return err
	}
	defer b.close()
	salvaged, err := b.salvage()
	if err != nil {
		return err
	}
	if b.loss == "" {
		return fmt.Errorf("%w: nothing is missing from %s", ErrInvalid, o.Dir)
	}
	if err := b.journal.trim(); err != nil {
		return err
	}
	if err := b.journal.settle(); err != nil {
		return err
	}
	if err := b.forgetCheckpoint(); err != nil {
		return err
	}
	what := b.loss
	if len(salvaged) > 0 {
		what += fmt.Sprintf("; the index still knew of %s pairs in them", grouped(uint64(len(salvaged))))
	}
	events := []record{{Event: Event{Kind: LossAccepted, Change: Change{
		Source: SourceCLI, Actor: actor, Reason: cut(what+"; accepted: "+reason, maxReason),
	}}}}
	for _, r := range salvaged {
		r.Source, r.Actor = SourceCLI, actor
		events = append(events, r)
	}
	if err := b.append(events); err != nil {
		return err
	}
	end := b.journal.end
	if b.o.Witness != nil {
		if err := b.o.Witness.Save(b.o.Dir, Mark{Store: b.id.ID, Number: end.number, Hash: end.hash}); err != nil {
			return unavailable("the witness cannot be saved", err)
		}
	}
	b.o.Logger.Warn("a loss was accepted", "store", b.o.Dir, "missing", what, "actor", actor, "reason", reason,
		"events", end.number)
	return nil
}

// forgetCheckpoint removes the checkpoint, so that the index is built again. It
// may be what showed the loss: the witness is told first.
func (b *base) forgetCheckpoint() error {
	claimed := max(b.checkpoint.Number, b.indexed)
	if b.o.Witness != nil && (!b.known || b.mark.Store == b.id.ID && b.mark.Number < claimed) && claimed > b.journal.end.number {
		if err := b.o.Witness.Save(b.o.Dir, Mark{Store: b.id.ID, Number: claimed}); err != nil {
			return unavailable("the witness cannot be saved", err)
		}
	}
	err := b.o.fs.Remove(b.o.path(checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = b.o.fs.SyncDir(b.o.Dir)
	}
	if err != nil {
		return unavailable("the checkpoint cannot be removed", err)
	}
	return nil
}

// append writes events, which lack their numbers and times, to the journal.
func (b *base) append(events []record) error {
	now := microTime(b.o.Now().UnixMicro())
	for len(events) > 0 {
		if err := b.journal.ready(); err != nil {
			return err
		}
		n := min(len(events), maxBatch)
		for i := range events[:n] {
			r := &events[i]
			r.RecordedAt = now
			if r.EffectiveAt.IsZero() {
				r.EffectiveAt = now
			}
			b.journal.stage(r)
		}
		if err := b.journal.commit(); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// salvage returns, as events to append, the states that the index has from events
// that the journal lacks: those behind its end, or all, if it is the index of the
// store that was lost. An index that is ahead is a sign of loss by itself.
func (b *base) salvage() ([]record, error) {
	if there, err := exists(b.o.fs, b.o.path(indexName)); err != nil || !there {
		return nil, nil
	}
	// It is deleted afterwards: what cannot be read now would be gone for good.
	unread := func(err error) error {
		return fmt.Errorf("%w; it may know of opt-outs that are lost: restore it, or remove %s to go on without",
			unavailable("the index cannot be read", err), b.o.path(indexName))
	}
	// Badger deletes all tables where its MANIFEST is missing.
	if _, err := os.Stat(filepath.Join(b.o.path(indexName), badger.ManifestFilename)); err != nil {
		return nil, unread(err)
	}
	ix, err := b.openIndexFiles()
	if errors.Is(err, ErrLocked) {
		return nil, err
	}
	if err != nil {
		return nil, unread(err)
	}
	defer ix.close()
	at, found, err := ix.applied()
	if err != nil {
		return nil, unread(err)
	}
	if !found {
		return nil, nil
	}
	other := at.store != b.id.ID
	if other && !(b.known && at.store == b.mark.Store) {
		return nil, nil
	}
	if !other && at.number > b.journal.end.number {
		b.indexed = at.number
		if b.loss == "" {
			b.loss = b.shorter(at.number)
		}
	}
	if b.loss == "" {
		return nil, nil
	}
	lost := map[Pair]row{}
	var order []Pair
	err = ix.each([]byte{pairPrefix}, func(p Pair, r row) error {
		// A lift is not taken over: in doubt the opt-out stands.
		if r.inForce && (other || !b.holds(p, r)) {
			lost[p] = r
			order = append(order, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b.reassert(order, lost)
}

// holds reports whether the journal has the newest event of a row. Not by the
// number alone: an earlier attempt may have appended others in its place.
func (b *base) holds(p Pair, r row) bool {
	if r.last > b.journal.end.number || r.position >= b.journal.end.position {
		return false
	}
	rec, err := b.journal.record(r.position)
	return err == nil && rec.Number == r.last && rec.Pair == p
}

// reassert returns events that opt pairs out again which the journal leaves
// otherwise. That the backend was told of an opt-out is not taken over: it is told
// again. That it has to be told is.
func (b *base) reassert(order []Pair, lost map[Pair]row) ([]record, error) {
	was := make(map[Pair]row, len(lost))
	_, err := b.journal.scan(context.Background(), b.journal.first(), func(position uint64, r *record, _ Hash) error {
		if _, ok := lost[r.Pair]; ok {
			was[r.Pair] = stepOf(r, position).fold(was[r.Pair])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var events []record
	for _, p := range order {
		have, want := was[p], lost[p]
		if have.inForce && (want.told || have.untold()) {
			continue // or taken over already, before this was interrupted
		}
		r := record{prev: have.position, wasUntold: have.untold()}
		r.Kind = OptedOut
		if have.inForce {
			r.Kind = Untold
		}
		r.Pair = p
		r.EffectiveAt = microTime(want.effective)
		r.Reason = fmt.Sprintf("taken over from the index: event %d, recorded at %s, is lost",
			want.number, microTime(want.recorded).Format("2006-01-02T15:04:05Z"))
		events = append(events, r)
	}
	return events, nil
}

// cut shortens s to at most n bytes, between two characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	for len(s) > 0 && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) && len(s) > n-utf8.UTFMax {
		s = s[:len(s)-1]
	}
	return strings.ToValidUTF8(s, "")
}
