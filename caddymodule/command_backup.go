package caddymodule

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copies the whole store to a file",
		Long: `
Copies the whole store, with its history, to a file, or to the standard output
where FILE is '-'. The copy is consistent, the server goes on meanwhile, and what
is copied is verified on the way. 'restore' makes a store of it.

A file is there when it is whole: until then it is called FILE.part. It can be read
by its owner only. It is a tar file.`,
		Example: `  caddy sms-optout backup /backup/optouts.tar
  caddy sms-optout backup - | ssh backup 'cat >optouts.tar'`,
		Args: cobra.ExactArgs(1),
	}
	doorFlags(cmd)
	runs(cmd, backup)
	return cmd
}

func backup(v *verbRun) (int, error) {
	name := v.args[0]
	if name == "-" && isTerminal(v.out) {
		return 0, errors.New("a backup is a tar file and is not written to a terminal; name a file, or a pipe behind '-'")
	}
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	var b operate.Backup
	err = v.into(name, func(w io.Writer) error {
		bar := v.newProgress("copying", "bytes", -1)
		defer bar.close()
		b, err = list.Backup(v, &countedWriter{w: w, p: bar})
		return err
	})
	if err != nil || name == "-" {
		return 0, err
	}
	if v.wantsJSON() {
		return 0, v.json(b)
	}
	v.printf("%s: %d events of store %s\n", name, b.Events, b.Store)
	return 0, nil
}
