package caddymodule

import (
	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
)

func addCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add PHONE --realm <realm> --sender <sender> [--reason <text>] [--at <time>]",
		Short: "Records an opt-out",
		Long: `
Records that a sender must not message a phone any more. It is on disk when the
command ends. Adding one that is there already is noted in its history.

The sender '*' covers every sender of the realm, the realm '*' every realm. These
ask on a terminal, and need --yes elsewhere.

Exit status: 0 it is recorded, 1 an error.`,
		Example: `  caddy sms-optout add 12065551212 --realm myrealm --sender 120162701555 --reason "letter of 3 May"
  caddy sms-optout add 12065551212 --realm myrealm --sender '*' --at 2026-05-03T09:30:00Z --yes`,
		Args: cobra.ExactArgs(1),
	}
	orderFlags(cmd)
	cmd.Flags().String("at", "", "When the person said it, such as 2026-05-03T09:30:00Z (default: now)")
	cmd.Flags().String("reason", "", "Why, for the history")
	runs(cmd, add)
	return cmd
}

// orderFlags adds the flags of a change.
func orderFlags(cmd *cobra.Command) {
	cmd.Flags().String("realm", "", "The realm, or '*' for every realm; required")
	cmd.Flags().String("sender", "", "The sender code, or '*' for every sender; required")
	cmd.Flags().Bool("yes", false, "Do not ask whether '*' is meant")
	doorFlags(cmd)
}

// order is the change that the flags ask for.
func (v *verbRun) order() operate.Order {
	return operate.Order{
		Question: operate.Question{Realm: v.fl.String("realm"), Sender: v.fl.String("sender"), Phone: v.args[0]},
		Reason:   v.fl.String("reason"),
	}
}

func add(v *verbRun) (int, error) {
	if err := v.confirmWide("opts the phone out of"); err != nil {
		return 0, err
	}
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	o := v.order()
	o.At = v.fl.String("at")
	e, err := list.Add(v, o)
	if err != nil {
		return 0, err
	}
	if v.wantsJSON() {
		return 0, v.json(e)
	}
	did := "recorded"
	if e.Kind == optoutstore.OptedOutAgain.String() {
		did = "had opted out already; noted again"
	}
	v.printf("%s: %s and sender %s of realm %s, event %d\n", did, e.Phone, e.Sender, e.Realm, e.Event)
	return 0, nil
}
