package caddymodule

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
)

func importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE [--format csv|ndjson] [--from <system>] [--dry-run] [--rejects <file>]",
		Short: "Records the opt-outs of a file",
		Long: `
Records the opt-outs of a file, or of the standard input where FILE is '-'.

A CSV has a header with the columns realm, sender, phone and perhaps at, source,
reason, in any order; NDJSON has objects with the same names, one a line. --realm
and --sender fill in what a file lacks. --from reads other systems' exports:
` + strings.Join(listfile.PresetNames(), ", ") + `; docs/list.md has the details.

Rows that cannot be read are not guessed at: they are counted, and written to the
file of --rejects with their line and the reason; it can be mended and imported.

Importing a file again records nothing again. A file is read once from end to end
before anything is recorded, so that a broken one changes nothing. If an import is
cut short, what was recorded is whole, and running it again goes on from there.

Exit status: 0 every row is in the list, 1 an error, or rows were rejected.`,
		Example: `  caddy sms-optout import optouts.csv --dry-run --rejects rejects.csv
  caddy sms-optout import optouts.csv
  caddy sms-optout import old.txt --from plain --realm myrealm --sender 120162701555
  caddy sms-optout export - --address other:2019 | caddy sms-optout import -`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().String("format", "", "csv or ndjson (default: by the file's name, else csv)")
	cmd.Flags().String("from", "", "The system that wrote the file: "+strings.Join(listfile.PresetNames(), ", "))
	cmd.Flags().String("realm", "", "The realm of rows that name none")
	cmd.Flags().String("sender", "", "The sender of rows that name none")
	cmd.Flags().String("source", "", "The source of rows that name none (default: import)")
	cmd.Flags().String("rejects", "", "The file for rows that cannot be read")
	cmd.Flags().Bool("dry-run", false, "Say what would be done, and do nothing")
	cmd.Flags().Bool("yes", false, "Do not ask whether '*' is meant")
	doorFlags(cmd)
	runs(cmd, importFile)
	return cmd
}

func importFile(v *verbRun) (int, error) {
	o := listfile.Options{
		Format: listfile.Format(v.fl.String("format")), Preset: v.fl.String("from"),
		Realm: v.fl.String("realm"), Sender: v.fl.String("sender"), Source: v.fl.String("source"),
	}
	name := v.args[0]
	if o.Format == "" {
		switch strings.ToLower(filepath.Ext(name)) {
		case ".ndjson", ".jsonl":
			o.Format = listfile.NDJSON
		}
	}
	if err := v.confirmWide("opts the phones of rows that name no other out of"); err != nil {
		return 0, err
	}
	file, total, err := v.source(name, o)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	rejects, err := newRejects(v.fl.String("rejects"), name)
	if err != nil {
		return 0, err
	}
	defer rejects.close()
	rows, err := listfile.NewReader(file, o)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	bar := v.newProgress("importing", "rows", total)
	var report operate.Report
	if v.cmd.Flags().Changed("store") && !v.fl.Bool("dry-run") {
		report, err = v.importHere(rows, o, rejects, bar)
	} else {
		report, err = v.importThrough(rows, o, rejects, bar)
	}
	bar.close()
	if closeErr := rejects.close(); err == nil {
		err = closeErr
	}
	if err != nil && report.Rows == 0 {
		return 0, err
	}
	if printErr := v.report(name, report); err == nil {
		err = printErr
	}
	switch {
	case errors.Is(err, context.Canceled):
		return 0, errors.New("interrupted; what is reported above was done, and running it again does the rest")
	case err != nil:
		return 0, fmt.Errorf("%s: %w; what is reported above was done, and running it again does the rest", name, err)
	case report.Rejected > 0:
		return 0, fmt.Errorf("%s: %d rows were rejected", name, report.Rejected)
	}
	return 0, nil
}

// importThrough imports chunk by chunk, into a list that is in use.
func (v *verbRun) importThrough(rows *listfile.Reader, fill listfile.Options, rejects *rejects, bar *progress) (operate.Report, error) {
	list, err := v.openOrNone()
	if err != nil {
		return operate.Report{}, err
	}
	defer list.Close()
	if err := checkFill(v, list.ImportChunk, fill); err != nil {
		return operate.Report{}, err
	}
	im := operate.Importer{
		DryRun: v.fl.Bool("dry-run"), Reject: rejects.add,
		Progress: func(r operate.Report) { bar.at(int64(r.Rows)) },
		// A chunk that was begun is written to its end.
		Into: func(ctx context.Context, rows []listfile.Row, dry bool) (operate.Chunk, error) {
			return list.ImportChunk(context.WithoutCancel(ctx), rows, dry)
		},
	}
	return im.Run(v, rows)
}

// importHere imports into a store that nobody has open, sorted and much faster.
func (v *verbRun) importHere(rows *listfile.Reader, fill listfile.Options, rejects *rejects, bar *progress) (operate.Report, error) {
	by, region, store, err := v.here()
	if err != nil {
		return operate.Report{}, err
	}
	o := operate.Offline{List: &operate.List{Region: region, By: by}, Rows: rows, Reject: rejects.add}
	if err := checkFill(v, o.List.ImportChunk, fill); err != nil {
		return operate.Report{}, err
	}
	summary, err := optoutstore.ImportOffline(v, store.options(), o.Next, func(n uint64) { bar.at(int64(n)) })
	return o.Report(summary), v.held(err)
}

// checkFill refuses the flags that fill rows; what is said of one begins with its
// name.
func checkFill(ctx context.Context, into importChunk, fill listfile.Options) error {
	err := operate.CheckFill(ctx, into, fill)
	if fault, ok := errors.AsType[*operate.InputError](err); ok {
		return fmt.Errorf("--%w", fault)
	}
	return err
}

// importChunk is [operate.Verbs].ImportChunk.
type importChunk = func(context.Context, []listfile.Row, bool) (operate.Chunk, error)

// openOrNone opens the door for a dry run. Where --store names a directory without a
// store, it is a list that knows nothing: the import would make one there.
func (v *verbRun) openOrNone() (door, error) {
	if !v.cmd.Flags().Changed("store") {
		return v.open()
	}
	by, region, badger, err := v.here()
	if err != nil {
		return nil, err
	}
	if there, err := optoutstore.Present(badger.dir); err != nil || there {
		return v.open()
	}
	return &here{Verbs: &operate.List{Region: region, By: by}}, nil
}

// report prints what became of a file.
func (v *verbRun) report(name string, r operate.Report) error {
	if v.wantsJSON() {
		r.New = nil
		return v.json(r)
	}
	recorded := "recorded"
	if r.DryRun {
		recorded = "would be recorded"
	}
	v.printf("%s: %d rows\n%10d %s\n%10d known already, or lifted later\n", name, r.Rows, r.Imported, recorded, r.Known)
	if r.Skipped > 0 {
		v.printf("%10d skipped, for they are no opt-outs\n", r.Skipped)
	}
	v.printf("%10d rejected\n", r.Rejected)
	for i, reject := range r.Rejects {
		if i == mostShown {
			v.printf("  and %d more; --rejects writes all of them to a file\n", r.Rejected-mostShown)
			break
		}
		v.printf("  line %d: %s\n", reject.Line, reject.Reason)
	}
	if len(r.NotRead) > 0 {
		v.printf("columns that were not read: %s\n", strings.Join(r.NotRead, ", "))
	}
	return nil
}

// mostShown is how many rejected rows are printed.
const mostShown = 10

// source opens the file, or the standard input. A file is read to its end first, so
// that a broken one changes nothing; then it is known how many rows it has.
func (v *verbRun) source(name string, o listfile.Options) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(v.cmd.InOrStdin()), -1, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", name)
	}
	if err != nil || !info.Mode().IsRegular() {
		if err != nil {
			file.Close()
			return nil, 0, err
		}
		return file, -1, nil
	}
	total, err := v.proofread(file, o)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, 0, fmt.Errorf("%s: %w; nothing was recorded", name, err)
	}
	return file, total, nil
}

// proofread reads a file to its end and counts its rows.
func (v *verbRun) proofread(file io.Reader, o listfile.Options) (rows int64, err error) {
	r, err := listfile.NewReader(file, o)
	if err != nil {
		return 0, err
	}
	for ; ; rows++ {
		_, err := r.Next()
		if _, ofRow := errors.AsType[*listfile.RowError](err); err != nil && !ofRow {
			if err == io.EOF {
				err = nil
			}
			return rows, err
		}
		if rows%4096 == 0 && v.Err() != nil {
			return rows, v.Err()
		}
	}
}

// rejects is the file for rows that cannot be read. A nil one is for none.
type rejects struct {
	file *os.File
	buf  *bufio.Writer
	w    *listfile.Writer
}

func newRejects(name, source string) (*rejects, error) {
	if name == "" {
		return &rejects{}, nil
	}
	if a, err := os.Stat(name); err == nil {
		if b, err := os.Stat(source); err == nil && os.SameFile(a, b) {
			return nil, errors.New("--rejects names the file that is imported")
		}
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--rejects: %w", err)
	}
	r := &rejects{file: file, buf: bufio.NewWriter(file)}
	header := append([]string{"line", "rejected"}, listfile.Names...)
	if r.w, err = listfile.NewWriter(r.buf, listfile.CSV, header); err != nil {
		file.Close()
		return nil, fmt.Errorf("--rejects: %w", err)
	}
	return r, nil
}

func (r *rejects) add(row operate.Reject) error {
	if r.file == nil {
		return nil
	}
	err := r.w.Write(append([]string{strconv.Itoa(row.Line), row.Reason}, row.Row.Values()...), nil)
	if err != nil {
		return fmt.Errorf("--rejects: %w", err)
	}
	return nil
}

// close writes what is held back. A second call does nothing.
func (r *rejects) close() error {
	if r.file == nil {
		return nil
	}
	err := cmp.Or(r.w.Flush(), r.buf.Flush(), r.file.Close())
	r.file = nil
	if err != nil {
		return fmt.Errorf("--rejects: %w", err)
	}
	return nil
}
