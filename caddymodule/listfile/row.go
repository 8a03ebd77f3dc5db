package listfile

import (
	"errors"
	"fmt"
)

// Row is one opt-out as a file has it. Only what the file's columns say is set.
type Row struct {
	Realm  string `json:"realm,omitempty"`
	Sender string `json:"sender,omitempty"`
	Phone  string `json:"phone,omitempty"`
	At     string `json:"at,omitempty"`
	Source string `json:"source,omitempty"`
	Reason string `json:"reason,omitempty"`

	// Line is the line of the file on which the row begins, from 1.
	Line int `json:"-"`
}

// Names are the names of a row's fields: the header of a CSV, the members of an
// NDJSON line. The last three may be missing.
var Names = []string{"realm", "sender", "phone", "at", "source", "reason"}

// Format is how a file is written.
type Format string

const (
	CSV    Format = "csv"
	NDJSON Format = "ndjson"
)

// MaxRow is the longest row that is read, in bytes: a row has fields of some 1,500
// bytes at most, and other systems put a message into theirs.
const MaxRow = 64 << 10

// FileError is something that is wrong with a file as a whole, so that nothing
// behind it can be read.
type FileError struct {
	// Line is where it is wrong, from 1; 0 if nowhere in particular.
	Line int
	Err  error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

func broken(line int, err error) error { return &FileError{Line: line, Err: err} }

// RowError is something that is wrong with one row. The next can be read.
type RowError struct {
	Line int
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *RowError) Unwrap() error { return e.Err }

// ErrNotOptOut means a row of another system's log that is about something else.
// It is no fault.
var ErrNotOptOut = errors.New("is no opt-out")

// The faults of files. Their texts hold nothing of what a file holds.
var (
	errEmpty  = errors.New("the file is empty")
	errGzip   = errors.New("the file is compressed with gzip; unpack it: gunzip -c FILE | caddy sms-optout import -")
	errZip    = errors.New("the file is a zip archive or a spreadsheet (xlsx, ods); save it as CSV in UTF-8")
	errUTF16  = errors.New("the file is UTF-16; save it as UTF-8")
	errBinary = errors.New("the file is not text")
	errCut    = errors.New("the file ends amid a row; is it whole?")
	errNoEOL  = errors.New("the file ends here without a line end, so the row may be cut off; if it is whole, add a line end")
	errLong   = fmt.Errorf("the row is longer than %d bytes; is a quotation mark not closed?", MaxRow)
	errUTF8   = errors.New("is not UTF-8")
	errQuote  = errors.New("a quotation mark stands where none belongs")
)
