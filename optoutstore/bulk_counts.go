package optoutstore

import (
	"bytes"
	"context"
	"encoding/binary"
)

// countSums adds up the counts of an index that is being built. However many
// senders there are, it keeps a bounded number of sums in memory: beyond that
// they are sorted outside of it.
type countSums struct {
	most   int
	sums   map[string]*countRow
	key    []byte
	sorted *sorter
	spills uint64
}

// countMemory is what the sorter of the counts may take, in bytes.
const countMemory = 16 << 20

func newCountSums(dir string, most int, room func(need uint64) error) *countSums {
	return &countSums{most: most, sums: map[string]*countRow{}, sorted: newSorter(dir, countMemory, room)}
}

// add counts a pair whose row is r.
func (c *countSums) add(p Pair, r row) error {
	if len(c.sums)+2 > c.most {
		if err := c.spill(); err != nil {
			return err
		}
	}
	c.key = appendCountKey(c.key[:0], p.Realm, p.Sender)
	c.count(r)
	c.key = appendTotalKey(c.key[:0], p.Realm)
	c.count(r)
	return nil
}

// count adds r to the sum of c.key.
func (c *countSums) count(r row) {
	sum, ok := c.sums[string(c.key)]
	if !ok {
		sum = &countRow{}
		c.sums[string(c.key)] = sum
	}
	sum.pairs++
	if r.inForce {
		sum.inForce++
	}
	if r.untold() {
		sum.untold++
	}
	sum.asOf = max(sum.asOf, r.last)
}

// spill hands the sums to the sorter.
func (c *countSums) spill() error {
	c.spills++
	var payload [32]byte
	for key, sum := range c.sums {
		binary.BigEndian.PutUint64(payload[:], sum.inForce)
		binary.BigEndian.PutUint64(payload[8:], sum.untold)
		binary.BigEndian.PutUint64(payload[16:], sum.pairs)
		binary.BigEndian.PutUint64(payload[24:], sum.asOf)
		if err := c.sorted.add([]byte(key), c.spills, payload[:]); err != nil {
			return err
		}
	}
	clear(c.sums)
	return nil
}

// each calls fn for all counts in the order of their keys, and ends the adding.
func (c *countSums) each(fn func(key []byte, r countRow) error) error {
	if err := c.spill(); err != nil {
		return err
	}
	var key []byte
	var sum countRow
	err := c.sorted.each(context.Background(), func(e sortEntry) error {
		if len(key) > 0 && !bytes.Equal(key, e.key) {
			if err := fn(key, sum); err != nil {
				return err
			}
			sum = countRow{}
		}
		key = append(key[:0], e.key...)
		sum.inForce += binary.BigEndian.Uint64(e.payload)
		sum.untold += binary.BigEndian.Uint64(e.payload[8:])
		sum.pairs += binary.BigEndian.Uint64(e.payload[16:])
		sum.asOf = max(sum.asOf, binary.BigEndian.Uint64(e.payload[24:]))
		return nil
	})
	if err != nil || len(key) == 0 {
		return err
	}
	return fn(key, sum)
}

func (c *countSums) close() error { return c.sorted.close() }
