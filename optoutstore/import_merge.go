package optoutstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"runtime/debug"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

const (
	// importFrame is the size from which on an import's frame is written, in bytes.
	// A frame is synced as a whole, as any: of several that wait for one sync a
	// power cut could leave the last and not the first, which is damage. So frames
	// are large, and there is one sync for some 40,000 events.
	importFrame = 8 << 20

	// importBatch is how many pairs are handed on at once, and importQueue how many
	// batches wait: the merging, the journal and the index work side by side.
	importBatch = 512
	importQueue = 8
)

// importItem is a pair's row for the new index: as it was, or as a new event will
// make it.
type importItem struct {
	pair   Pair
	was    row
	change Change // of the event, where there is one
	fresh  bool
}

// merge appends the events to the journal and writes the rows, old and new, to n.
func (im *importer) merge(ctx context.Context, s *sorter, n *bulkIndex) error {
	if err := im.keepRelays(n); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	joined := make(chan []importItem, importQueue)
	recorded := make(chan []importItem, importQueue)
	step := func(out chan []importItem, work func() error) {
		wg.Go(func() {
			if out != nil {
				defer close(out)
			}
			if err := work(); err != nil {
				cancel(err)
			}
		})
	}
	step(joined, func() error { return im.join(ctx, s, joined) })
	step(recorded, func() error { return im.record(ctx, joined, recorded) })
	step(nil, func() error { return im.index(ctx, recorded, n) })
	wg.Wait()
	return context.Cause(ctx)
}

// keepRelays takes over what the index has that is not about pairs.
func (im *importer) keepRelays(n *bulkIndex) (err error) {
	defer im.ix.guarded(debug.SetPanicOnFault(true), &err)
	at := im.ix.read()
	defer at.release()
	n.relays, err = relaysIn(at.txn)
	return err
}

// hand gives a batch to the next step.
func hand(ctx context.Context, to chan<- []importItem, batch []importItem) error {
	select {
	case to <- batch:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// batches collects items for the next step.
type batches struct {
	ctx  context.Context
	to   chan<- []importItem
	next []importItem
}

func (b *batches) put(i importItem) error {
	if b.next == nil {
		b.next = make([]importItem, 0, importBatch)
	}
	if b.next = append(b.next, i); len(b.next) < importBatch {
		return nil
	}
	return b.flush()
}

func (b *batches) flush() error {
	full := b.next
	b.next = nil
	return hand(b.ctx, b.to, full)
}

// join goes through the rows and the index side by side, in the order of their
// keys, and decides what is recorded.
func (im *importer) join(ctx context.Context, s *sorter, to chan<- []importItem) (err error) {
	defer im.ix.guarded(debug.SetPanicOnFault(true), &err)
	at := im.ix.read()
	defer at.release()
	out := batches{ctx: ctx, to: to}
	old := newPairCursor(at.txn)
	defer old.close()
	var key []byte
	var now importItem
	err = s.each(ctx, func(e sortEntry) error {
		if !bytes.Equal(key, e.key) {
			if key != nil {
				if err := out.put(now); err != nil {
					return err
				}
			}
			key = append(key[:0], e.key...)
			var err error
			if now, err = old.upTo(key, out.put); err != nil {
				return err
			}
		}
		c, ok := parseImport(e.payload)
		if !ok {
			return errRun
		}
		c.Pair = now.pair
		if now.fresh || now.was.knows(&c) {
			im.known++
			return nil
		}
		now.change, now.fresh = c, true
		im.recorded++
		return nil
	})
	if err == nil && key != nil {
		err = out.put(now)
	}
	if err == nil {
		err = old.rest(out.put)
	}
	if err == nil {
		err = out.flush()
	}
	if err == nil {
		err = old.complete()
	}
	return err
}

// record appends the events to the journal, and makes the rows that they leave.
func (im *importer) record(ctx context.Context, from <-chan []importItem, to chan<- []importItem) error {
	j := im.b.journal
	if err := j.ready(); err != nil {
		return err
	}
	for batch := range from {
		now := microTime(im.b.o.Now().UnixMicro())
		for i := range batch {
			if !batch[i].fresh {
				continue
			}
			rec := record{Event: Event{Change: batch[i].change, Kind: OptedOut, RecordedAt: now}, prev: batch[i].was.position}
			if rec.EffectiveAt.IsZero() {
				rec.EffectiveAt = now
			}
			position := j.stage(&rec)
			batch[i].was = stepOf(&rec, position).fold(batch[i].was)
			if len(j.buf) >= im.b.o.importFrame {
				if err := im.commit(); err != nil {
					return err
				}
				if err := j.ready(); err != nil {
					return err
				}
			}
		}
		if err := hand(ctx, to, batch); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // the last frame is not needed any more
	}
	return im.commit()
}

// commit writes and syncs the frame.
func (im *importer) commit() error {
	if im.b.journal.count == 0 {
		return nil
	}
	if err := im.room(importFrame); err != nil {
		return err
	}
	if !im.forgotten {
		// From here on the index is behind, perhaps far. It is built again, unless
		// this import comes to its end and puts a new one in its place.
		if err := im.b.forgetCheckpoint(); err != nil {
			return err
		}
		im.forgotten = true
	}
	return im.b.journal.commit()
}

// index writes the rows to the new index.
func (im *importer) index(ctx context.Context, from <-chan []importItem, n *bulkIndex) error {
	var buf keyBuffer
	for batch := range from {
		for i := range batch {
			p := batch[i].pair
			if err := n.add(appendPairKey(buf[:0], p.Phone, p.Realm, p.Sender), p, batch[i].was); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// relaysIn returns from where on each realm's opt-outs are relayed.
func relaysIn(txn *badger.Txn) (map[string]relayRow, error) {
	relays := map[string]relayRow{}
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{relayPrefix}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()
		err := it.Item().Value(func(v []byte) error {
			r, err := parseRelayRow(key, v)
			relays[string(key[1:])] = r
			return err
		})
		if err != nil {
			return nil, rowError(err)
		}
	}
	return relays, nil
}

// pairCursor goes through the pairs of an index once, in the order of their keys.
type pairCursor struct {
	txn  *badger.Txn
	it   *badger.Iterator
	seen tally
}

func newPairCursor(txn *badger.Txn) *pairCursor {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{pairPrefix}})
	it.Rewind()
	return &pairCursor{txn: txn, it: it}
}

func (c *pairCursor) close() { c.it.Close() }

// take is the pair at the cursor, which moves on.
func (c *pairCursor) take() (i importItem, err error) {
	item := c.it.Item()
	err = item.Value(func(v []byte) error {
		if i.pair, err = parsePairKey(item.Key()); err == nil {
			i.was, err = parsePairRow(item.Key(), v)
		}
		return err
	})
	if err != nil {
		return i, rowError(err)
	}
	c.seen.pairs++
	if i.was.inForce {
		c.seen.inForce++
	}
	c.it.Next()
	return i, nil
}

// upTo puts all pairs in front of key, and returns that of key: as it is in the
// index, or one without an event.
func (c *pairCursor) upTo(key []byte, put func(importItem) error) (importItem, error) {
	for c.it.Valid() {
		order := bytes.Compare(c.it.Item().Key(), key)
		if order > 0 {
			break
		}
		i, err := c.take()
		if err != nil || order == 0 {
			return i, err
		}
		if err := put(i); err != nil {
			return i, err
		}
	}
	p, err := parsePairKey(key)
	if err != nil {
		return importItem{}, errRun
	}
	return importItem{pair: p}, nil
}

// rest puts all pairs that are left.
func (c *pairCursor) rest(put func(importItem) error) error {
	for c.it.Valid() {
		i, err := c.take()
		if err == nil {
			err = put(i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// complete checks that as many pairs came by, and in force, as the index counts: Badger
// ends a scan without an error where a table is damaged (docs/storage.md, 12, "bad
// block").
func (c *pairCursor) complete() error {
	want, err := totals(c.txn)
	if err == nil && (c.seen.pairs != want.pairs || c.seen.inForce != want.inForce) {
		err = errCounts
	}
	return err
}

// appendImport appends what is sorted with a row's pair: the time of effect, the
// least number if none was given, and the texts, each with its length in two bytes.
func appendImport(dst []byte, c *Change) []byte {
	effective := int64(math.MinInt64)
	if !c.EffectiveAt.IsZero() {
		effective = c.EffectiveAt.UnixMicro()
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(effective))
	for _, s := range [...]string{string(c.Source), c.Remote, c.RequestID, c.Actor, c.Reason} {
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
	}
	return dst
}

// parseImport reads what appendImport wrote, but for the pair.
func parseImport(b []byte) (c Change, ok bool) {
	if len(b) < 8 {
		return c, false
	}
	if us := int64(binary.BigEndian.Uint64(b)); us != math.MinInt64 {
		c.EffectiveAt = microTime(us)
	}
	f := fields{rest: string(b[8:])} // one allocation for all
	var texts [5]string
	for i := range texts {
		texts[i] = f.take(int(f.byte())<<8|int(f.byte()), maxReason)
	}
	c.Source, c.Remote, c.RequestID, c.Actor, c.Reason = Source(texts[0]), texts[1], texts[2], texts[3], texts[4]
	return c, !f.bad && f.rest == ""
}
