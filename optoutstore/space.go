package optoutstore

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"
)

// DefaultMinFree is the reserve of free space below which nothing is written, in
// bytes. Badger maps its files into memory and dies of SIGBUS on a full disk, at
// a flush or compaction too, with no write under way. Measured with 3 million
// opt-outs of random phones at 62,000 a second, everything that the store does took
// at most 46 MiB within a second, and a compaction at most 45 MiB that it gave back
// afterwards. 256 MiB leaves room for larger stores, and for other programs to take
// some while a compaction runs.
const DefaultMinFree = 256 << 20

// spaceEvery is how long the disk is taken for full before it is looked at again.
const spaceEvery = time.Second

// errSpaceUnknown: the operating system cannot say how much space is free.
var errSpaceUnknown = errors.New("free space is unknown")

// spaceGuard tells whether the disk has its reserve. One goroutine uses it.
type spaceGuard struct {
	dir     string
	minFree func() uint64
	free    func(dir string) (uint64, error)
	log     *slog.Logger
	left    *atomic.Uint64 // what it saw last, in bytes, 1 for none; 0 where nobody can say

	checked time.Time // when it last looked
	short   error     // nil, or ErrNoSpace with the figures
}

// check returns ErrNoSpace while there is less than the reserve. It looks before
// every frame, which takes two microseconds: somebody else may have filled the disk
// since the last, and what Badger writes to a full one ends the process. It logs
// each change once.
func (g *spaceGuard) check() error {
	if now := time.Now(); g.short == nil || now.Sub(g.checked) >= spaceEvery {
		g.checked = now
		g.look()
	}
	return g.short
}

func (g *spaceGuard) look() {
	was := g.short
	have, err := g.free(g.dir)
	left := max(have, 1) // a full disk is known to be full
	if err != nil {
		left = 0
	}
	g.left.Store(left)
	g.short = shortBy(have, err, g.dir, g.minFree())
	switch {
	case was == nil && g.short != nil:
		g.log.Error("opt-outs cannot be recorded until there is space", "error", g.short)
	case was != nil && g.short == nil:
		g.log.Info("there is space again: opt-outs are recorded", "dir", g.dir)
	}
}

// shortOf returns ErrNoSpace if dir's disk has less than want bytes free. A disk
// that cannot say is taken to have enough.
func shortOf(free func(string) (uint64, error), dir string, want uint64) error {
	have, err := free(dir)
	return shortBy(have, err, dir, want)
}

// shortBy is shortOf once it was asked.
func shortBy(have uint64, err error, dir string, want uint64) error {
	if err != nil || have >= want {
		return nil
	}
	return fmt.Errorf("%w: %s has %d MiB free, %d MiB are needed", ErrNoSpace, dir, have>>20, want>>20)
}

// closeNeeds is the free space, in memtables, without which Badger is not closed:
// it writes up to three of them into tables, and where there is no space for that
// the process ends with SIGBUS (measured: TestDiskFilledByOthers).
const closeNeeds = 4

// closeIndex closes the index, unless there is no space for what that writes. Then
// it is left as a crash would leave it, which costs the next start a moment, and
// its directory stays locked until the process ends. Its errors are ErrNoSpace and
// those of index.close.
func (d *Durable) closeIndex(ix *index) error {
	if short := shortOf(d.o.FreeSpace, d.o.Dir, uint64(closeNeeds*d.o.memTableSize)); short != nil {
		return fmt.Errorf("%w to close the index; nothing is lost, and it is locked until this process ends (%w)",
			short, errStillRunning)
	}
	return ix.close()
}

// isNoSpace reports whether err is a full disk or a full quota.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
