package listfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
)

// Writer writes rows that a Reader reads back as they were.
type Writer struct {
	csv  *csv.Writer
	out  io.Writer
	json *json.Encoder
}

// NewWriter returns a writer of a format, and writes the header of a CSV: header,
// or Names where it is nil. NDJSON has none.
func NewWriter(w io.Writer, format Format, header []string) (*Writer, error) {
	if header == nil {
		header = Names
	}
	switch format {
	case CSV:
		l := &Writer{csv: csv.NewWriter(w), out: w}
		return l, l.csv.Write(header)
	case NDJSON:
		l := &Writer{json: json.NewEncoder(w), out: w}
		l.json.SetEscapeHTML(false)
		return l, nil
	}
	return nil, fmt.Errorf("there is no format '%s'; use csv or ndjson", format)
}

// Write writes a row: values in the order of the header for CSV, object for NDJSON.
func (l *Writer) Write(values []string, object any) error {
	if l.csv != nil {
		return l.csv.Write(values)
	}
	return l.json.Encode(object)
}

// Flush writes what is held back.
func (l *Writer) Flush() error {
	if l.csv == nil {
		return nil
	}
	l.csv.Flush()
	return l.csv.Error()
}

// Values are the row's fields in the order of Names.
func (r *Row) Values() []string {
	return []string{r.Realm, r.Sender, r.Phone, r.At, r.Source, r.Reason}
}

// AppendNDJSON appends the row as a line of NDJSON.
func (r *Row) AppendNDJSON(dst []byte) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(r)
	return append(dst, b.Bytes()...), err
}
