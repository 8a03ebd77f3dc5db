package operate

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/optoutstore"
)

// Report says what became of a file.
type Report struct {
	// Rows is how many rows were read. It is the sum of the others.
	Rows uint64 `json:"rows"`
	// Imported is how many opt-outs were recorded, or would be in a dry run.
	Imported uint64 `json:"imported"`
	// Known is how many the list had already, or that were lifted later.
	Known uint64 `json:"known"`
	// Rejected is how many rows could not be read.
	Rejected uint64 `json:"rejected"`
	// Skipped is how many rows of another system's log are no opt-outs.
	Skipped uint64 `json:"skipped"`
	DryRun  bool   `json:"dry_run"`
	// NotRead are columns of the file that mean nothing here.
	NotRead []string `json:"columns_not_read"`
	// Rejects are the first rejected rows.
	Rejects []Reject `json:"rejects"`
	// New are, of a dry run of at most optoutstore.MaxImport rows, the fingerprints of
	// the pairs that would be recorded: who sends a file in pieces counts each once.
	New []string `json:"new,omitempty"`
}

// MaxRejects is how many rejected rows a report shows.
const MaxRejects = 1000

// Importer brings a file into a list, in chunks.
type Importer struct {
	// Into is where chunks go: [Verbs].ImportChunk.
	Into func(ctx context.Context, rows []listfile.Row, dry bool) (Chunk, error)
	// DryRun writes nothing.
	DryRun bool
	// Reject, unless it is nil, gets each rejected row.
	Reject func(Reject) error
	// Progress, unless it is nil, is called before each chunk is read.
	Progress func(Report)

	report  Report
	pairs   distinct
	chunk   []listfile.Row
	rejects []Reject // of the chunk, found by the reader
}

// Run reads all rows. With an error the report says what was done until then; all
// of it is whole, and running it again goes on from there.
func (im *Importer) Run(ctx context.Context, r *listfile.Reader) (Report, error) {
	im.report = Report{DryRun: im.DryRun, NotRead: []string{}, Rejects: []Reject{}}
	defer im.pairs.close()
	err := im.run(ctx, r)
	if unread := r.Unread(); unread != nil {
		im.report.NotRead = unread
	}
	if im.DryRun {
		pairs, countErr := im.pairs.count()
		im.report.Known += im.report.Imported - pairs
		im.report.Imported = pairs
		if err == nil {
			err = countErr
		}
		if im.report.Rows > optoutstore.MaxImport {
			im.report.New = nil
		}
	}
	return im.report, err
}

func (im *Importer) run(ctx context.Context, r *listfile.Reader) error {
	for {
		if im.Progress != nil {
			im.Progress(im.report)
		}
		more, readErr := im.read(r)
		if readErr != nil && len(im.chunk)+len(im.rejects) == 0 {
			return readErr
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := im.flush(ctx); err != nil {
			return err
		}
		if readErr != nil || !more {
			return readErr
		}
	}
}

// read reads a chunk, and reports whether there may be more behind it.
func (im *Importer) read(r *listfile.Reader) (more bool, err error) {
	im.chunk, im.rejects = im.chunk[:0], im.rejects[:0]
	for len(im.chunk)+len(im.rejects) < optoutstore.MaxImport {
		row, err := r.Next()
		if err == io.EOF {
			return false, nil
		}
		if fault, ok := errors.AsType[*listfile.RowError](err); ok {
			if errors.Is(err, listfile.ErrNotOptOut) {
				im.report.Rows++
				im.report.Skipped++
				continue
			}
			im.rejects = append(im.rejects, Reject{Line: fault.Line, Reason: fault.Err.Error(), Row: row})
			continue
		}
		if err != nil {
			return false, err
		}
		im.chunk = append(im.chunk, row)
	}
	return true, nil
}

// flush hands a chunk over and counts what became of it.
func (im *Importer) flush(ctx context.Context) error {
	var c Chunk
	if len(im.chunk) > 0 {
		var err error
		if c, err = im.Into(ctx, im.chunk, im.DryRun); err != nil {
			return err
		}
	}
	im.report.Rows += uint64(len(im.chunk) + len(im.rejects))
	im.report.Imported += c.Imported
	im.report.Known += c.Known
	for _, print := range c.New {
		if err := im.pairs.add(print); err != nil {
			return err
		}
	}
	if len(im.report.New) < optoutstore.MaxImport {
		im.report.New = append(im.report.New, c.New...)
	}
	rejects := append(im.rejects, c.Rejects...)
	slices.SortFunc(rejects, func(a, b Reject) int { return cmp.Compare(a.Line, b.Line) })
	for _, r := range rejects {
		im.report.Rejected++
		if len(im.report.Rejects) < MaxRejects {
			im.report.Rejects = append(im.report.Rejects, r)
		}
		if im.Reject != nil {
			if err := im.Reject(r); err != nil {
				return err
			}
		}
	}
	return nil
}
