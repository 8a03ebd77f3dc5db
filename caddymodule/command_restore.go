package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
)

func restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE --store <dir>",
		Short: "Makes a store of a backup",
		Long: `
Makes a store of a backup, or of the standard input where FILE is '-', in a
directory that is empty or not there. All of it is verified before the store is
there; whatever fails leaves nothing behind.

Run it as the user that runs Caddy. If the store that was in the directory had
acknowledged more than the backup holds, Caddy does not start with it and says what
is missing: see 'caddy sms-optout accept-loss --help'.`,
		Example: `  caddy sms-optout restore /backup/optouts.tar --store /var/lib/caddy/optouts`,
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().String("store", "", "The directory of the store; required")
	cmd.Flags().Bool("json", false, "Print JSON, for machines")
	runs(cmd, restore)
	return cmd
}

func restore(v *verbRun) (int, error) {
	if !v.cmd.Flags().Changed("store") {
		return 0, errors.New("--store is required: the directory that the store is made in")
	}
	store, err := v.storeHere()
	if err != nil {
		return 0, err
	}
	name := v.args[0]
	in, total := v.cmd.InOrStdin(), int64(-1)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return 0, err
		}
		if info.IsDir() {
			return 0, fmt.Errorf("%s is a directory", name)
		}
		in, total = file, info.Size()
	}
	bar := v.newProgress("restoring", "bytes", total)
	summary, err := optoutstore.Restore(v, store.options(), &countedReader{r: in, p: bar})
	bar.close()
	if errors.Is(err, optoutstore.ErrLocked) {
		return 0, fmt.Errorf("%w: a running Caddy has it; stop that first, and move its store aside", err)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	b := operate.BackupOf(summary)
	if v.wantsJSON() {
		return 0, v.json(b)
	}
	v.printf("%s: %d events of store %s, verified\n", store.dir, b.Events, b.Store)
	return 0, nil
}

// countedReader is a reader that shows how much was read.
type countedReader struct {
	r io.Reader
	p *progress
	n int64
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	c.p.at(c.n)
	return n, err
}
