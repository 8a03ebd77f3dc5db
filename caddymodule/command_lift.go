package caddymodule

import "github.com/spf13/cobra"

func liftCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lift PHONE --realm <realm> --sender <sender> --reason <text>",
		Short: "Ends an opt-out",
		Long: `
Ends an opt-out: the sender may message the phone again, unless a wider opt-out
covers it. The opt-out and its end stay in the history for good, with the reason.

An opt-out of sender '*' or realm '*' is lifted by the same '*'.

Exit status: 0 it is lifted, 1 an error; that there is no such opt-out is one.`,
		Example: `  caddy sms-optout lift 12065551212 --realm myrealm --sender 120162701555 --reason "asked for it on the phone, ticket 812"`,
		Args:    cobra.ExactArgs(1),
	}
	orderFlags(cmd)
	cmd.Flags().String("reason", "", "Why the phone may be messaged again; required")
	runs(cmd, lift)
	return cmd
}

func lift(v *verbRun) (int, error) {
	if err := v.confirmWide("ends the phone's opt-out of"); err != nil {
		return 0, err
	}
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	e, err := list.Lift(v, v.order())
	if err != nil {
		return 0, err
	}
	if v.wantsJSON() {
		return 0, v.json(e)
	}
	v.printf("lifted: %s and sender %s of realm %s, event %d\n", e.Phone, e.Sender, e.Realm, e.Event)
	return 0, nil
}
