package optoutstore

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/ristretto/v2/z"
)

// bulkIndex writes a new index from pairs that come in the order of their keys,
// straight into tables: no memtables, no compaction. That was measured to be six
// to fifteen times as fast as batches of transactions (docs/storage.md, 12, "loading").
type bulkIndex struct {
	db     *badger.DB
	sw     *badger.StreamWriter
	buf    *z.Buffer
	counts *countSums
	relays map[string]relayRow // by realm
	arena  []byte
	room   func(need uint64) error

	pairs uint64
	size  uint64 // bytes since room was asked last
}

const (
	// bulkBaseTable makes the stream writer's tables 16 MiB long: it doubles this
	// for each of five levels (badger v4.9.6, stream_writer.go, newWriter). Its
	// default of 64 MiB takes 2 GiB of memory, as up to 16 tables are under way.
	bulkBaseTable = 512 << 10

	bulkBuffer = 1 << 20  // bytes handed to the stream writer at once
	bulkLook   = 16 << 20 // bytes written between two looks at the disk

	// bulkRoom is what is on its way to the disk when it is looked at: a table that
	// is being filled, and some that are being written.
	bulkRoom = 64 << 20
)

// The streams of a bulk load. Keys are in order within each, and the streams do
// not overlap. The counts are known last, and have keys on either side.
const (
	pairStream uint32 = iota + 1
	countStream
	realmStream
)

// newBulkIndex begins an index in dir, which must not exist. The counts are
// sorted in the store's directory. Room returns an error while the disk is short
// of so many bytes; it may wait. Its errors are ErrUnavailable and room's.
func newBulkIndex(o *Options, dir string, room func(need uint64) error) (b *bulkIndex, err error) {
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("%w: badger stopped in a panic", errIndex)
		}
	}()
	if err := room(bulkRoom); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, dirPerm); err != nil {
		return nil, fmt.Errorf("%w: %s", errIndex, systemCause(err))
	}
	opt := badgerOptions(dir, o.memTableSize, &badgerLog{log: o.Logger}).WithBaseTableSize(bulkBaseTable)
	db, err := openBadger(opt)
	if errors.Is(err, ErrLocked) {
		return nil, lockedError(o.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: badger does not open it: %s", errIndex, scrub(err))
	}
	b = &bulkIndex{
		db:     db,
		sw:     db.NewStreamWriter(),
		buf:    z.NewBuffer(bulkBuffer+bulkBuffer/4, "optout bulk"),
		counts: newCountSums(o.Dir, maxCounts, room),
		relays: map[string]relayRow{},
		room:   room,
	}
	if err := b.sw.Prepare(); err != nil {
		b.abort()
		return nil, bulkError(err)
	}
	return b, nil
}

func bulkError(err error) error {
	return fmt.Errorf("%w: badger does not take it: %s", errIndex, scrub(err))
}

// add writes a pair's row. The keys must ascend.
func (b *bulkIndex) add(key []byte, p Pair, r row) error {
	if err := b.counts.add(p, r); err != nil {
		return err
	}
	b.arena = appendPairRow(b.arena[:0], key, r)
	b.pairs++
	return b.set(pairStream, key, b.arena)
}

// set writes a row.
func (b *bulkIndex) set(stream uint32, key, value []byte) error {
	kv := pb.KV{Key: key, Value: value, Version: 1, StreamId: stream}
	badger.KVToBuffer(&kv, b.buf)
	if b.buf.LenNoPadding() < bulkBuffer {
		return nil
	}
	return b.write()
}

// write hands over what was collected.
func (b *bulkIndex) write() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: badger stopped in a panic", errIndex)
		}
	}()
	if b.size += uint64(b.buf.LenNoPadding()); b.size >= bulkLook {
		b.size = 0
		// Badger would die of a disk that is full.
		if err := b.room(bulkRoom); err != nil {
			return err
		}
	}
	if err := b.sw.Write(b.buf); err != nil {
		return bulkError(err)
	}
	b.buf.Reset()
	return nil
}

// finish writes what is not about a pair, and closes the index: all of it is in
// tables then, and synced.
func (b *bulkIndex) finish(applied appliedRow) error {
	err := b.writeRelays()
	if err == nil {
		err = b.counts.each(func(key []byte, r countRow) error {
			stream := countStream
			if key[0] == totalPrefix {
				stream = realmStream
			}
			b.arena = appendCountRow(b.arena[:0], key, r)
			return b.set(stream, key, b.arena)
		})
	}
	if err == nil {
		// Behind the counts and in front of the pairs.
		err = b.set(countStream, appliedKey, appendAppliedRow(nil, applied))
	}
	if err == nil {
		err = b.write()
	}
	if err != nil {
		b.abort()
		return err
	}
	return b.close(true)
}

// writeRelays writes from where on each realm's opt-outs are relayed: behind the
// pairs and in front of the totals.
func (b *bulkIndex) writeRelays() error {
	for _, realm := range slices.Sorted(maps.Keys(b.relays)) {
		key := appendRelayKey(nil, realm)
		if err := b.set(realmStream, key, appendRelayRow(nil, key, b.relays[realm])); err != nil {
			return err
		}
	}
	return nil
}

// abort gives the index up. Its directory is the caller's to remove.
func (b *bulkIndex) abort() { _ = b.close(false) }

// close ends the stream writer and Badger.
func (b *bulkIndex) close(flush bool) (err error) {
	if b.db == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: badger stopped in a panic", errIndex)
		}
	}()
	db := b.db
	b.db = nil
	if flush {
		err = b.sw.Flush()
	} else {
		b.sw.Cancel()
	}
	if err != nil {
		err = bulkError(err)
	}
	if cerr := db.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("%w: badger does not close: %s", errIndex, scrub(cerr))
	}
	if rerr := b.buf.Release(); err == nil && rerr != nil {
		err = bulkError(rerr)
	}
	return errors.Join(err, b.counts.close())
}
