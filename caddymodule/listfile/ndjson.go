package listfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ndjsonReader reads a JSON object a line.
type ndjsonReader struct {
	lines
	l *Reader
}

func (n *ndjsonReader) next(f *fields) error {
	line, ended, err := n.lines.next()
	f.line = n.line
	if err != nil {
		return err
	}
	if err := n.l.decode(line, f); err != nil {
		if !ended && !json.Valid(line) {
			return broken(f.line, errCut)
		}
		return &RowError{f.line, err}
	}
	return nil
}

// errNotObject means a line or an element that is no JSON object.
var errNotObject = errors.New("the row is not a JSON object")

// decode reads an object whose members are texts, numbers, booleans or null, under
// the names that the preset has for them.
func (l *Reader) decode(object []byte, f *fields) error {
	if !utf8.Valid(object) {
		return errors.New("the row is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	t, err := d.Token()
	if err != nil || t != json.Delim('{') {
		return errNotObject
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errNotObject
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return errNotObject
		}
		var text string
		switch v := v.(type) {
		case nil:
		case string:
			text = v
		case json.Number:
			text = v.String()
		case bool:
			text = fmt.Sprint(v)
		default:
			continue // a list or an object is nothing that is read
		}
		if strings.IndexByte(text, 0) >= 0 {
			return errors.New("the row holds a character of value zero")
		}
		written, _ := name.(string)
		n, known := l.preset.column(written)
		if !known {
			l.leave(written)
			continue
		}
		if slices.Contains(f.names, n) {
			return fmt.Errorf("the row has the member %s twice", n)
		}
		f.names, f.values = append(f.names, n), append(f.values, text)
	}
	if _, err := d.Token(); err != nil {
		return errNotObject
	}
	if d.InputOffset() != int64(len(object)) {
		return errors.New("there is more on the line than one JSON object")
	}
	return nil
}

// mostUnread is how many names of unread columns are kept.
const mostUnread = 16

// leave notes that a column is not read.
func (l *Reader) leave(name string) {
	if name = short(name); len(l.unread) < mostUnread && !slices.Contains(l.unread, name) {
		l.unread = append(l.unread, name)
	}
}
