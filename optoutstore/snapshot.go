package optoutstore

import (
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

// snapshot is a read transaction that many readers share: the index as the
// newest applied frame left it. A transaction of its own for each lookup would
// wait for a commit that is under way (badger v4.9.6, txn.go, readTs), for as
// long as Badger's memtables are full; and it costs a lock and a message to a
// goroutine that all readers share. Reading in a read-only transaction changes
// nothing in it, so sharing is safe.
type snapshot struct {
	txn *badger.Txn
	// refs counts the readers, and one for being the newest. Once zero it stays
	// zero, and the transaction is over.
	refs atomic.Int64
	held *gate // left when it is over
}

// refresh makes what is committed visible to readers that come from now on. The
// goroutine that writes calls it.
func (ix *index) refresh() {
	ix.held.enter()
	s := &snapshot{txn: ix.db.NewTransaction(false), held: ix.held}
	s.refs.Store(1)
	if old := ix.newest.Swap(s); old != nil {
		old.release()
	}
}

// read returns the newest snapshot, which the caller releases.
func (ix *index) read() *snapshot {
	for {
		s := ix.newest.Load()
		// Zero means that a newer one has taken its place since.
		for n := s.refs.Load(); n > 0; n = s.refs.Load() {
			if s.refs.CompareAndSwap(n, n+1) {
				return s
			}
		}
	}
}

func (s *snapshot) release() {
	if s.refs.Add(-1) == 0 {
		s.txn.Discard()
		s.held.leave()
	}
}
