package caddymodule

import (
	"bufio"

	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

func listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [--realm <realm>] [--sender <sender>] [--since <time>]",
		Short: "Prints the opt-outs in force",
		Long: `
Prints the opt-outs in force, each on a line, as they are found: phone, realm,
sender, when the person said it, and the source. For a file that can be read in
again there is 'export'.

With --json each opt-out is a line.`,
		Example: `  caddy sms-optout list --realm myrealm
  caddy sms-optout list --since 2026-05-01 --json`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().String("realm", "", "Only this realm; '*' for those that were recorded for every realm")
	cmd.Flags().String("sender", "", "Only this sender; '*' for those that were recorded for every sender")
	cmd.Flags().String("since", "", "Only what was recorded at this time or later, such as 2026-05-01T00:00:00Z")
	doorFlags(cmd)
	runs(cmd, list)
	return cmd
}

func list(v *verbRun) (int, error) {
	from, err := v.open()
	if err != nil {
		return 0, err
	}
	defer from.Close()
	out := bufio.NewWriterSize(v.out, 64<<10)
	v.out = out
	err = from.List(v, operate.Filter{Realm: v.fl.String("realm"), Sender: v.fl.String("sender"), Since: v.fl.String("since")}, func(o operate.Optout) error {
		if v.wantsJSON() {
			return v.json(o)
		}
		v.printf("%-15s  %s  %s  %s  %s\n", o.Phone, o.Realm, o.Sender, o.At, o.Source)
		return v.Err()
	})
	if flush := out.Flush(); err == nil {
		err = flush
	}
	return 0, err
}
