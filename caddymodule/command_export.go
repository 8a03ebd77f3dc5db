package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/caddymodule/operate"
)

func exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export [FILE] [--format csv|ndjson] [--realm <realm>] [--sender <sender>] [--history]",
		Short: "Writes the opt-outs to a file",
		Long: `
Writes the opt-outs in force to a file, or to the standard output where FILE is '-'
or left out. 'import' reads it back as it was: realm, sender, phone, when the
person said it, the source and the reason. Rows are ordered by phone.

A file is there when it is whole: until then it is called FILE.part. It can be read
by its owner only.

With --history every event is written, in the order in which they were recorded,
with all that is known of it. Import does not read that.`,
		Example: `  caddy sms-optout export optouts.csv
  caddy sms-optout export - --format ndjson --realm myrealm | gzip >optouts.ndjson.gz
  caddy sms-optout export history.csv --history`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().String("format", "", "csv or ndjson (default: by the file's name, else csv)")
	cmd.Flags().String("realm", "", "Only this realm")
	cmd.Flags().String("sender", "", "Only this sender")
	cmd.Flags().Bool("history", false, "Every event, not only the opt-outs in force")
	doorFlags(cmd)
	runs(cmd, exportFile)
	return cmd
}

func exportFile(v *verbRun) (int, error) {
	name := "-"
	if len(v.args) > 0 {
		name = v.args[0]
	}
	e := operate.Export{
		Format: listfile.Format(v.fl.String("format")),
		Realm:  v.fl.String("realm"), Sender: v.fl.String("sender"), History: v.fl.Bool("history"),
	}
	if e.Format == "" {
		switch ext := strings.ToLower(filepath.Ext(name)); {
		case ext == ".ndjson", ext == ".jsonl", name == "-" && v.wantsJSON():
			e.Format = listfile.NDJSON
		}
	}
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	var rows uint64
	err = v.into(name, func(w io.Writer) error {
		if name == "-" && isTerminal(v.out) { // a bar would stand amid the rows
			rows, err = list.Export(v, w, e)
			return err
		}
		bar := v.newProgress("exporting", "bytes", -1)
		defer bar.close()
		rows, err = list.Export(v, &countedWriter{w: w, p: bar}, e)
		return err
	})
	if err != nil || name == "-" {
		return 0, err
	}
	if v.wantsJSON() {
		return 0, v.json(map[string]any{"file": name, "rows": rows})
	}
	v.printf("%s: %d rows\n", name, rows)
	return 0, nil
}

// into has write fill a file, or the standard output. A file gets its name when it
// is whole and on disk.
func (v *verbRun) into(name string, write func(io.Writer) error) error {
	if name == "-" {
		out := bufio.NewWriterSize(v.out, 64<<10)
		err := write(out)
		if flush := out.Flush(); err == nil {
			err = flush
		}
		return err
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is there, and no file", name)
	}
	part := name + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 64<<10)
	err = write(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}

// countedWriter is a writer that shows how much was written.
type countedWriter struct {
	w io.Writer
	p *progress
	n int64
}

func (c *countedWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	c.p.at(c.n)
	return n, err
}
