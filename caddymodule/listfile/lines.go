package listfile

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// lines reads a file line by line.
type lines struct {
	r    *bufio.Reader // its buffer is as long as the longest row
	line int
}

// next returns the next line that is not blank, without its end, and whether it
// had one. The line is valid until the next call.
func (l *lines) next() (line []byte, ended bool, err error) {
	for {
		line, err = l.r.ReadSlice('\n')
		if len(line) > 0 {
			l.line++
		}
		switch {
		case err == bufio.ErrBufferFull:
			return nil, false, broken(l.line, errLong)
		case err == io.EOF && len(line) == 0:
			return nil, false, io.EOF
		case err != nil && err != io.EOF:
			return nil, false, err
		}
		line, ended = bytes.CutSuffix(line, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, ended, nil
		}
	}
}

// plainReader reads one phone a line. What follows a # is a remark.
type plainReader struct{ lines }

func (p *plainReader) next(f *fields) error {
	for {
		line, ended, err := p.lines.next()
		f.line = p.line
		if err != nil {
			return err
		}
		if !utf8.Valid(line) {
			return &RowError{f.line, errUTF8}
		}
		text, _, remark := strings.Cut(string(line), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		f.names, f.values, f.cut = plainNames, []string{text}, !ended && !remark
		return nil
	}
}

var plainNames = []string{"phone"}
