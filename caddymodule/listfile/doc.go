// Package listfile reads and writes opt-out lists as files: CSV as spreadsheets
// write it, NDJSON, the exports of some other systems, and one phone a line. It
// hands out rows as they were written, with the line on which each begins, and
// judges no phone: what a row means is the reader's business. It needs memory for
// one row at a time.
package listfile
