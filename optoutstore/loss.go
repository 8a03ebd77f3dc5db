package optoutstore

import (
	"fmt"
	"strconv"
)

// findLoss compares the store with what the witness and the checkpoint say that
// it held.
func (b *base) findLoss() error {
	end := b.journal.end
	switch {
	case b.loss != "":
		return nil // there was no store at all
	case b.known && b.mark.Store != b.id.ID:
		b.loss = fmt.Sprintf("%s holds the store %s with %s events; the store %s, which was there, had acknowledged %s",
			b.o.Dir, b.id.ID, grouped(end.number), b.mark.Store, grouped(b.mark.Number))
		return nil
	case b.known && b.mark.Number > end.number:
		b.loss = b.shorter(b.mark.Number)
		return nil
	case b.hasCheckpoint && b.checkpoint.Number > end.number:
		b.loss = b.shorter(b.checkpoint.Number)
		return nil
	}
	if b.known && b.mark.Number > 0 {
		hash, err := b.journal.hashOf(b.mark.Number)
		if err != nil {
			return err
		}
		if hash != b.mark.Hash {
			b.loss = fmt.Sprintf("event %s in %s is not the one that was acknowledged; it is the copy of a store that went another way",
				grouped(b.mark.Number), b.o.Dir)
		}
	}
	return nil
}

// shorter says that the journal ends in front of an acknowledged event.
func (b *base) shorter(acknowledged uint64) string {
	return fmt.Sprintf("%s holds events up to %s; %s were acknowledged",
		b.o.Dir, grouped(b.journal.end.number), grouped(acknowledged))
}

// lossError is ErrLoss with what is missing and the ways on.
func (b *base) lossError() error {
	return fmt.Errorf("%w: %s; mount or restore the directory with all of its events, "+
		"or accept the loss, which leaves a mark in the journal", ErrLoss, b.loss)
}

// grouped is n with a comma between each three digits.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
