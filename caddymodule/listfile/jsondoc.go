package listfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// jsonReader reads the elements of an array in one JSON document, as programs
// print what an API answered. An element is an object, or a phone as a text.
type jsonReader struct {
	l     *Reader
	in    *boundedReader
	lines lineCounter
	d     *json.Decoder
	open  bool // in the array
}

// ahead is how far a json.Decoder may have read, in bytes.
const ahead = 4 * MaxRow

func newJSONReader(br *bufio.Reader, l *Reader) *jsonReader {
	j := &jsonReader{l: l}
	j.in = &boundedReader{r: io.TeeReader(br, &j.lines), most: ahead}
	j.d = json.NewDecoder(j.in)
	return j
}

func (j *jsonReader) next(f *fields) error {
	j.in.most = j.d.InputOffset() + ahead
	if !j.open {
		if err := j.enter(); err != nil {
			return j.fault(err)
		}
		j.open = true
	}
	if !j.d.More() {
		if _, err := j.d.Token(); err != nil {
			return j.fault(err)
		}
		return io.EOF
	}
	var raw json.RawMessage
	if err := j.d.Decode(&raw); err != nil {
		return j.fault(err)
	}
	f.line = j.lines.at(j.d.InputOffset() - int64(len(raw)))
	if len(raw) > MaxRow {
		return broken(f.line, errLong)
	}
	if raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return &RowError{f.line, errNotObject}
		}
		f.names, f.values = plainNames, []string{text}
		return nil
	}
	if err := j.l.decode(raw, f); err != nil {
		return &RowError{f.line, err}
	}
	return nil
}

// enter reads up to the first element: of the document itself, or of the member
// that the preset names.
func (j *jsonReader) enter() error {
	t, err := j.d.Token()
	if err != nil || t == json.Delim('[') {
		return err
	}
	if t != json.Delim('{') {
		return errNotObject
	}
	for j.d.More() {
		name, err := j.d.Token()
		if err != nil {
			return err
		}
		if n, _ := name.(string); slices.Contains(j.l.preset.lists, n) {
			t, err := j.d.Token()
			if err == nil && t != json.Delim('[') {
				err = errors.New("the list in the document is no list")
			}
			return err
		}
		var skipped json.RawMessage
		if err := j.d.Decode(&skipped); err != nil {
			return err
		}
	}
	return errors.New("the document has no list of opt-outs")
}

func (j *jsonReader) fault(err error) error {
	switch {
	case errors.Is(err, errLong):
		return broken(j.lines.at(j.d.InputOffset()), errLong)
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		return broken(j.lines.at(j.lines.seen), errCut)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		rest, _ := io.ReadAll(j.d.Buffered()) // from memory
		blank := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
		return broken(j.lines.at(j.d.InputOffset()+int64(blank)), errors.New("the document is not JSON"))
	}
	return broken(j.lines.at(j.d.InputOffset()), err)
}

// lineCounter says on which line an offset is. Offsets only grow.
type lineCounter struct {
	seen  int64   // bytes
	ends  []int64 // offsets of the line ends seen that at has not passed
	count int     // of those that it has
}

func (c *lineCounter) Write(b []byte) (int, error) {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			break
		}
		i += n
		c.ends = append(c.ends, c.seen+int64(i))
	}
	c.seen += int64(len(b))
	return len(b), nil
}

func (c *lineCounter) at(offset int64) int {
	passed := 0
	for passed < len(c.ends) && c.ends[passed] < offset {
		passed++
	}
	c.ends = append(c.ends[:0], c.ends[passed:]...)
	c.count += passed
	return c.count + 1
}
