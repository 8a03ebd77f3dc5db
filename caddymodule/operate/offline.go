package operate

import (
	"errors"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/optoutstore"
)

// Offline brings a file into a store that nobody has open: rows, read one by one,
// for optoutstore.ImportOffline.
type Offline struct {
	// List reads the rows; its Store is not used.
	List *List
	Rows *listfile.Reader
	// Reject gets each rejected row.
	Reject func(Reject) error

	report Report
}

// Next returns the next opt-out, and io.EOF behind the last.
func (o *Offline) Next() (optoutstore.Change, error) {
	for {
		row, err := o.Rows.Next()
		if fault, ok := errors.AsType[*listfile.RowError](err); ok {
			o.report.Rows++
			if errors.Is(err, listfile.ErrNotOptOut) {
				o.report.Skipped++
				continue
			}
			if err := o.reject(Reject{Line: fault.Line, Reason: fault.Err.Error(), Row: row}); err != nil {
				return optoutstore.Change{}, err
			}
			continue
		}
		if err != nil {
			return optoutstore.Change{}, err // io.EOF among them
		}
		o.report.Rows++
		change, err := o.List.imported(row)
		if err == nil {
			return change, nil
		}
		if err := o.reject(Reject{Line: row.Line, Reason: err.Error(), Row: row}); err != nil {
			return optoutstore.Change{}, err
		}
	}
}

func (o *Offline) reject(r Reject) error {
	o.report.Rejected++
	if len(o.report.Rejects) < MaxRejects {
		o.report.Rejects = append(o.report.Rejects, r)
	}
	return o.Reject(r)
}

// Report says what became of the rows, of which the import recorded so many.
func (o *Offline) Report(s optoutstore.ImportSummary) Report {
	r := o.report
	r.Imported, r.Known = s.Recorded, s.Known
	r.NotRead, r.Rejects = append([]string{}, o.Rows.Unread()...), append([]Reject{}, r.Rejects...)
	return r
}
