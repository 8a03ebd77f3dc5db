package operate

import (
	"context"
	"io"
	"time"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Verbs are what can be done with a list, wherever it is: [List] has them for a
// store of this process, a client of the admin API for a running server's.
type Verbs interface {
	// Check says whether a sender may message a phone.
	Check(ctx context.Context, q Question) (Answer, error)
	// Add records an opt-out.
	Add(ctx context.Context, o Order) (Event, error)
	// Lift ends an opt-out.
	Lift(ctx context.Context, o Order) (Event, error)
	// History calls fn for everything that is known about a phone, oldest first.
	History(ctx context.Context, q Question, fn func(Event) error) error
	// List calls fn for each opt-out in force that f selects, ordered by phone, realm
	// and sender.
	List(ctx context.Context, f Filter, fn func(Optout) error) error
	// ImportChunk records up to optoutstore.MaxImport opt-outs, or with dry only says
	// what would become of them.
	ImportChunk(ctx context.Context, rows []listfile.Row, dry bool) (Chunk, error)
	// Export writes the opt-outs in force, or all events, as a file that begins with
	// the first byte of w. It returns how many rows it has written.
	Export(ctx context.Context, w io.Writer, e Export) (rows uint64, err error)
	// Backup writes a consistent copy of the store.
	Backup(ctx context.Context, w io.Writer) (Backup, error)
	// Stats describes the list.
	Stats(ctx context.Context) (Stats, error)
	// Verify checks everything that can be checked, and calls progress, unless it is
	// nil, every now and then.
	Verify(ctx context.Context, progress func(done, total uint64)) error
}

// List is a store of this process with the region in which its phones are read.
type List struct {
	Store  optoutstore.Store
	Region *phone.Region
	// By is who acts; it is recorded with each change.
	By Caller
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Caller is who acts on a list, and through which door.
type Caller struct {
	// Source is SourceCLI or SourceAdmin.
	Source optoutstore.Source
	// Remote, RequestID and Actor are as in [optoutstore.Change].
	Remote, RequestID, Actor string
}

// Question asks about a phone, in an operator's writing. Where Realm or Sender may
// be left out, an empty one means any.
type Question struct {
	Realm  string `json:"realm,omitempty"`
	Sender string `json:"sender,omitempty"`
	Phone  string `json:"phone"`
}

// Order asks for a change, in an operator's writing.
type Order struct {
	Question
	// At is when the person said it; empty means now.
	At string `json:"at,omitempty"`
	// Reason is why; a lift needs one.
	Reason string `json:"reason,omitempty"`
	// Seen is the number of the event that made a lift's opt-out; if another one
	// about the pair has come since, nothing is lifted. Zero means that any will do.
	Seen uint64 `json:"seen,omitempty"`
}

// Filter selects opt-outs in force, in an operator's writing. Empty fields match
// all. Realm and sender "*" select those that were recorded for all.
type Filter struct {
	Realm, Sender, Phone string
	// Since is the time before which what was recorded is left out.
	Since string
}

// Interface guards
var _ Verbs = (*List)(nil)
