package optoutstore

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"
)

// DefaultMaxPending is how many changes may wait to be written. At 10,000 a
// second it is less than half a second of work, and below 8 MiB.
const DefaultMaxPending = 4096

// Options say where a store is and how it behaves. Only Dir is required.
type Options struct {
	// Dir is the store's directory, absolute and clean. Two names of one directory
	// are two stores to the witness: resolve symbolic links first.
	Dir string

	// Witness remembers outside of Dir what the store holds. Without one a store
	// that has lost events, or is missing, is not noticed; nil is for tests.
	Witness Witness

	// Logger gets what an operator should know. Nil drops it.
	Logger *slog.Logger

	// MinFree is the reserve of free space in bytes: below it changes get
	// ErrNoSpace, and below half of it the store does not open. Zero means
	// DefaultMinFree.
	MinFree uint64

	// FreeSpace is how much space the file system of a directory has left, in
	// bytes. An error means that nobody can say; then the reserve is not kept. Nil
	// asks the operating system.
	FreeSpace func(dir string) (uint64, error)

	// Now is the clock for RecordedAt. Nil means time.Now.
	Now func() time.Time

	// MaxPending is how many changes may wait to be written before further ones
	// get ErrBusy. Zero means DefaultMaxPending.
	MaxPending int

	// OnCommit is called when a frame is on the disk, with its events, its bytes and
	// the time that writing and syncing took, by the goroutine that writes: it must
	// not wait. Nil for nothing.
	OnCommit func(events, bytes int, took time.Duration)

	// What follows is for tests.

	fs              fsys
	segmentSize     int64         // 0: defaultSegmentSize
	checkpointEvery time.Duration // 0: a second
	inlineRebuild   int64         // 0: inlineRebuild; negative: never
	memTableSize    int64         // 0: memTableSize
	replayRows      int           // 0: maxReplayRows
	scrubSoon       time.Duration // 0: scrubSoon
	scrubEvery      time.Duration // 0: scrubEvery
	scrubRate       int64         // 0: scrubRate
	sortMemory      int           // 0: sortMemory
	importFrame     int           // 0: importFrame
	closeWait       time.Duration // 0: closeWait
}

// inlineRebuild is the size of a journal up to which Open itself rebuilds a
// missing index, in bytes: some 20,000 events, a fraction of a second.
const inlineRebuild = 4 << 20

// withDefaults checks o and fills in what is not set.
func (o Options) withDefaults() (Options, error) {
	if !filepath.IsAbs(o.Dir) || filepath.Clean(o.Dir) != o.Dir {
		return o, fmt.Errorf("%w: the directory %q is not an absolute, clean path", ErrUnavailable, o.Dir)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.FreeSpace == nil {
		o.FreeSpace = freeSpace
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxPending <= 0 {
		o.MaxPending = DefaultMaxPending
	}
	if o.fs == nil {
		o.fs = osFS{}
	}
	if o.segmentSize == 0 {
		o.segmentSize = defaultSegmentSize
	}
	if o.checkpointEvery == 0 {
		o.checkpointEvery = time.Second
	}
	if o.scrubSoon == 0 {
		o.scrubSoon = scrubSoon
	}
	if o.scrubEvery == 0 {
		o.scrubEvery = scrubEvery
	}
	if o.scrubRate == 0 {
		o.scrubRate = scrubRate
	}
	if o.replayRows == 0 {
		o.replayRows = maxReplayRows
	}
	if o.memTableSize == 0 {
		o.memTableSize = memTableSize
	}
	if o.sortMemory == 0 {
		o.sortMemory = sortMemory
	}
	if o.importFrame == 0 {
		o.importFrame = importFrame
	}
	if o.closeWait == 0 {
		o.closeWait = closeWait
	}
	if o.inlineRebuild == 0 {
		o.inlineRebuild = inlineRebuild
	}
	return o, nil
}

func (o *Options) path(name string) string { return filepath.Join(o.Dir, name) }
