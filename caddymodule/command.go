package caddymodule

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sms-optout",
		Usage: "<verb> ...",
		Short: "Works on the list of SMS opt-outs",
		Long: `
Works on the list that the sms_optout handler keeps. Each verb has its own help:

	caddy sms-optout check --help

The verbs ask the running Caddy by its admin API, which is found as Caddy's own
commands find it (--address, --config). With --store they open the list of a
Caddy that is stopped.

Phones are shown in full.

Exit status: 0 done, 1 an error, and 10 where 'check' says that a sender may not
message a phone, or 'relay status' and 'relay backfill' that opt-outs are not told.`,
		CobraFunc: addVerbs,
	})
}

// addVerbs gives the command its verbs.
func addVerbs(cmd *cobra.Command) {
	// Without these a mistyped verb would print the help and count as done.
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(
		checkCommand(),
		addCommand(),
		liftCommand(),
		historyCommand(),
		listCommand(),
		importCommand(),
		exportCommand(),
		backupCommand(),
		restoreCommand(),
		verifyCommand(),
		statsCommand(),
		relayCommand(),
		acceptLossCommand(),
	)
}
