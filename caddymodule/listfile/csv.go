package listfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// csvReader reads CSV with a header, as RFC 4180 has it and as spreadsheets write
// it: with commas, semicolons or tabs.
type csvReader struct {
	in    *boundedReader
	r     *csv.Reader
	names []string
	line  int // where the last row began
}

// boundedReader ends a reader that would read a row without end, as behind a
// quotation mark that is not closed.
type boundedReader struct {
	r    io.Reader
	read int64 // so far
	most int64
	last byte
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.read >= b.most {
		return 0, errLong
	}
	n, err := b.r.Read(p)
	b.read += int64(n)
	if n > 0 {
		b.last = p[n-1]
	}
	return n, err
}

// csvBuffer is how far csv.Reader reads ahead, in bytes.
const csvBuffer = 4096

// newCSVReader reads the header.
func newCSVReader(br *bufio.Reader, l *Reader) (*csvReader, error) {
	head, err := firstLine(br)
	if err != nil && err != io.EOF {
		return nil, err
	}
	c := &csvReader{in: &boundedReader{r: br, most: MaxRow + csvBuffer}}
	c.r = csv.NewReader(c.in)
	c.r.Comma = separator(head, l.preset)
	c.r.ReuseRecord = true
	header, err := c.r.Read()
	if err != nil {
		return nil, c.fault(err, &fields{})
	}
	for _, name := range header {
		if !utf8.ValidString(name) {
			return nil, broken(1, errors.New("the header is not UTF-8; save the file as UTF-8"))
		}
		known, ok := l.preset.column(name)
		if !ok {
			l.leave(name)
		}
		if ok && slices.Contains(c.names, known) {
			return nil, broken(1, fmt.Errorf("the header has the column %s twice", known))
		}
		c.names = append(c.names, known)
	}
	if err := l.preset.demand(c.names, l.o); err != nil {
		return nil, broken(1, err)
	}
	return c, nil
}

// short is a column's name as it is shown: it may be anything.
func short(name string) string {
	if name = strings.ToValidUTF8(strings.TrimSpace(name), "?"); len(name) > 32 {
		name = strings.ToValidUTF8(name[:32], "") + "..."
	}
	return name
}

// separator returns the separator with which the first line has most known
// columns.
func separator(head []byte, p *preset) rune {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \r\n"), []byte("\n"))
	best, most := ',', 0
	for _, sep := range []rune{',', ';', '\t'} {
		known := 0
		for _, name := range strings.Split(string(line), string(sep)) {
			if _, ok := p.column(strings.Trim(strings.TrimSpace(name), `"`)); ok {
				known++
			}
		}
		if known > most {
			best, most = sep, known
		}
	}
	return best
}

func (c *csvReader) next(f *fields) error {
	c.in.most = c.r.InputOffset() + MaxRow + csvBuffer
	values, err := c.r.Read()
	if err != nil {
		return c.fault(err, f)
	}
	f.line, _ = c.r.FieldPos(0)
	c.line = f.line
	f.names, f.values = c.names, values
	for i, v := range values {
		if !utf8.ValidString(v) {
			return &RowError{f.line, fmt.Errorf("%s %w", c.named(i), errUTF8)}
		}
		if strings.IndexByte(v, 0) >= 0 {
			return &RowError{f.line, fmt.Errorf("%s holds a byte of value zero", c.named(i))}
		}
	}
	if c.r.InputOffset() == c.in.read && c.in.last != '\n' && c.atEnd() {
		// Only a field that must be whole can be cut off without a trace.
		switch c.names[len(c.names)-1] {
		case "realm", "sender", "phone":
			f.cut = true
		}
	}
	return nil
}

// atEnd reports whether nothing follows.
func (c *csvReader) atEnd() bool {
	br, ok := c.in.r.(*bufio.Reader)
	if !ok {
		return false
	}
	_, err := br.Peek(1)
	return err == io.EOF
}

// named is what an error calls a column.
func (c *csvReader) named(i int) string {
	if i < len(c.names) && c.names[i] != "" {
		return c.names[i]
	}
	return fmt.Sprintf("column %d", i+1)
}

// fault makes an error of csv.Reader one of ours.
func (c *csvReader) fault(err error, f *fields) error {
	if err == io.EOF {
		return io.EOF
	}
	if errors.Is(err, errLong) || c.in.read >= c.in.most {
		return broken(c.line+1, errLong)
	}
	e, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return err
	}
	f.line = e.StartLine
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		f.line, _ = c.r.FieldPos(0)
		if c.r.InputOffset() == c.in.read && c.in.last != '\n' && c.atEnd() {
			return broken(f.line, errCut)
		}
		return &RowError{f.line, fmt.Errorf("the row has another number of fields than the header's %d", len(c.names))}
	case errors.Is(err, csv.ErrQuote) && c.r.InputOffset() == c.in.read && c.atEnd():
		return broken(e.StartLine, errCut)
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote):
		return broken(e.Line, errQuote)
	}
	return broken(e.Line, e.Err)
}
