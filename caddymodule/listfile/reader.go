package listfile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Options say how a file is to be read.
type Options struct {
	// Format is CSV or NDJSON; empty means what the preset's files usually are, and
	// CSV without one.
	Format Format
	// Preset is one of Presets, or empty for files with the names of Names.
	Preset string
	// Realm, Sender and Source fill what rows lack. A column that is there but
	// empty is filled as well.
	Realm, Sender, Source string
}

// Reader reads the rows of a file.
type Reader struct {
	o      Options
	preset *preset
	rows   rowReader
	unread []string
}

// rowReader reads rows of one format, with fields by the name that the file has
// for them. Its errors are *RowError, after which it goes on, *FileError, and
// io.EOF behind the last row.
type rowReader interface {
	next(*fields) error
}

// fields are what a row has: values by column.
type fields struct {
	line   int
	names  []string
	values []string
	cut    bool // the file may end amid the last field
}

// get returns the value of a column, without blanks around it.
func (f *fields) get(name string) string { return strings.TrimSpace(f.exact(name)) }

// exact returns the value of a column as it is.
func (f *fields) exact(name string) string {
	if i := slices.Index(f.names, name); i >= 0 && i < len(f.values) {
		return f.values[i]
	}
	return ""
}

// NewReader reads the beginning of a file: what it is, and its header. Errors are
// *FileError and r's.
func NewReader(r io.Reader, o Options) (*Reader, error) {
	p := presets[o.Preset]
	if p == nil {
		return nil, fmt.Errorf("there is no preset '%s'; use one of %s", o.Preset, strings.Join(PresetNames(), ", "))
	}
	switch o.Format {
	case "":
		o.Format = CSV
	case CSV, NDJSON:
	default:
		return nil, fmt.Errorf("there is no format '%s'; use csv or ndjson", o.Format)
	}
	br := bufio.NewReaderSize(r, 64<<10)
	first, err := sniff(br)
	if err != nil {
		return nil, err
	}
	l := &Reader{o: o, preset: p}
	switch {
	case p.plain:
		l.rows = &plainReader{lines: lines{r: br}}
	case first == '[' && (p.lists != nil || o.Format == NDJSON), first == '{' && p.document(br):
		l.rows = newJSONReader(br, l)
	case first == '{' && p.lists != nil, o.Format == NDJSON:
		l.rows = &ndjsonReader{lines: lines{r: br}, l: l}
	default:
		l.rows, err = newCSVReader(br, l)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Next reads the next row. Its errors are *RowError, after which the next row can
// be read, and those of NewReader; io.EOF is behind the last row. A RowError of
// ErrNotOptOut is a row that is about something else.
func (l *Reader) Next() (Row, error) {
	var f fields
	if err := l.rows.next(&f); err != nil {
		return Row{Line: f.line}, err
	}
	row := Row{Line: f.line}
	err := l.preset.row(&f, &row)
	if row.Realm == "" {
		row.Realm = l.o.Realm
	}
	if row.Sender == "" {
		row.Sender = l.o.Sender
	}
	if row.Source == "" {
		row.Source = l.o.Source
	}
	if err == nil && f.cut {
		err = errNoEOL
	}
	if err != nil {
		return row, &RowError{Line: f.line, Err: err}
	}
	return row, nil
}

// Unread returns the columns that the file has and that are not read, so that a
// mistyped one shows.
func (l *Reader) Unread() []string { return l.unread }

// sniff refuses what is no text file, drops a byte order mark, and returns the
// first byte that is not blank.
func sniff(br *bufio.Reader) (byte, error) {
	head, err := firstLine(br)
	if len(head) == 0 {
		if err == io.EOF {
			return 0, broken(0, errEmpty)
		}
		return 0, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return 0, broken(0, errGzip)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return 0, broken(0, errZip)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return 0, broken(0, errUTF16)
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = br.Discard(3) // it is in the buffer
		head = head[3:]
	}
	if bytes.IndexByte(head[:min(len(head), 512)], 0) >= 0 {
		return 0, broken(0, errBinary)
	}
	if rest := bytes.TrimLeft(head, " \t\r\n"); len(rest) > 0 {
		return rest[0], nil
	}
	if err == io.EOF {
		return 0, broken(0, errEmpty)
	}
	return ' ', nil
}

// firstLine returns, without reading on, the beginning of a file up to the end of
// its first line that is not blank, or as much as there is room for. It waits for
// no more, for a file may be a pipe.
func firstLine(br *bufio.Reader) ([]byte, error) {
	for n := 1; ; {
		head, err := br.Peek(n)
		if err == nil {
			head, err = br.Peek(br.Buffered())
		}
		if err == bufio.ErrBufferFull {
			err = nil
		}
		if err != nil || len(head) == br.Size() || bytes.IndexByte(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"), '\n') >= 0 {
			return head, err
		}
		n = len(head) + 1
	}
}
