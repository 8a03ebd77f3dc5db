package optoutstore

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/stopgate/stopgate/phone"
)

// summary is the set of all phones that have a row in an index, as 42 bits of a
// hash of each, in memory. Most sends go to phones that have none, and the set
// answers them without a look at the index: a phone that it does not have was
// never added. One that it has may be another whose bits are the same, with ten
// million phones about once in 400,000 questions; then the index is asked.
//
// Phones are added and never removed, as rows are. A reader takes no lock and
// allocates nothing.
//
// The set grows by moving one of many small tables at a time, so that neither the
// pause nor the memory for the move depends on how many phones there are. It is
// not kept on disk: reading it back would have to be proved as right as making it.
type summary struct {
	seed   maphash.Seed // random, so that nobody can choose phones that collide
	shards [summaryShards]summaryShard
}

const (
	// summaryShardBits of the hash choose a table, and 32 others are in it.
	summaryShardBits = 10
	summaryShards    = 1 << summaryShardBits

	// summaryFirst is how many slots the smallest table begins with.
	summaryFirst = 64
)

// summaryShard is a table, of which a larger copy may take the place.
type summaryShard struct {
	slots atomic.Pointer[[]uint32] // written to by who holds mu, read by all

	mu   sync.Mutex
	used int // slots that hold a tag

	_ [40]byte // each shard has a cache line of its own
}

// newSummary returns an empty set.
func newSummary() *summary {
	s := &summary{seed: maphash.MakeSeed()}
	for i := range s.shards {
		// The shards fill evenly. As each table is a fourth larger than the one
		// before, tables that begin with sizes from n to 1.25 n grow one after the
		// other and not all at once, and at any time have the same mean load.
		slots := make([]uint32, summaryFirst+i*summaryFirst/4/summaryShards)
		s.shards[i].slots.Store(&slots)
	}
	return s
}

// hash is the hash of a phone's digits.
func (s *summary) hash(digits []byte) uint64 { return maphash.Bytes(s.seed, digits) }

// lacks reports whether n was certainly never added.
func (s *summary) lacks(n phone.Number) bool {
	var buf [phone.MaxDigits]byte
	return !s.has(s.hash(n.AppendDigits(buf[:0])))
}

// add adds n. Whoever asks after it has returned finds n.
func (s *summary) add(n phone.Number) {
	var buf [phone.MaxDigits]byte
	s.addHash(s.hash(n.AppendDigits(buf[:0])))
}

// tagOf is what a table holds of a hash. Zero is an empty slot.
func tagOf(hash uint64) uint32 { return max(1, uint32(hash)) }

// slotOf is the slot where the search for a tag begins. A larger tag never begins
// before a smaller one, so that a table is copied into a larger one from front to
// back.
func slotOf(tag uint32, slots int) int { return int(uint64(tag) * uint64(slots) >> 32) }

func (s *summary) has(hash uint64) bool {
	slots := *s.shards[hash>>(64-summaryShardBits)].slots.Load()
	tag := tagOf(hash)
	// A table always has an empty slot, so the search ends.
	for i := slotOf(tag, len(slots)); ; i++ {
		if i == len(slots) {
			i = 0
		}
		switch atomic.LoadUint32(&slots[i]) {
		case tag:
			return true
		case 0:
			return false
		}
	}
}

func (s *summary) addHash(hash uint64) {
	sh := &s.shards[hash>>(64-summaryShardBits)]
	tag := tagOf(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	slots := *sh.slots.Load()
	i, there := findTag(slots, tag)
	if there {
		return
	}
	if 5*(sh.used+1) > 4*len(slots) { // fuller than 0.8 the searches get long
		slots = grown(slots)
		i, _ = findTag(slots, tag)
		slots[i] = tag
		sh.slots.Store(&slots)
	} else {
		// A reader sees the slot empty or filled.
		atomic.StoreUint32(&slots[i], tag)
	}
	sh.used++
}

// findTag returns the slot that holds tag, or the empty one that it belongs into.
// Nobody writes to the table meanwhile.
func findTag(slots []uint32, tag uint32) (slot int, there bool) {
	for i := slotOf(tag, len(slots)); ; i++ {
		if i == len(slots) {
			i = 0
		}
		switch slots[i] {
		case tag:
			return i, true
		case 0:
			return i, false
		}
	}
}

// grown is a table a fourth larger that holds the same tags. Readers go on with
// the old one, which nobody changes any more.
func grown(slots []uint32) []uint32 {
	larger := make([]uint32, len(slots)+len(slots)/4)
	for _, tag := range slots {
		if tag != 0 {
			i, _ := findTag(larger, tag)
			larger[i] = tag
		}
	}
	return larger
}

// size is how many different hashes the set holds, and the bytes of its tables.
func (s *summary) size() (phones, bytes int) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		phones += sh.used
		bytes += 4 * len(*sh.slots.Load())
		sh.mu.Unlock()
	}
	return phones, bytes
}
