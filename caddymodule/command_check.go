package caddymodule

import (
	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check PHONE --realm <realm> [--sender <sender>]",
		Short: "Says whether a sender may message a phone",
		Long: `
Says whether a sender may message a phone, and if not, which opt-out decides: what
it covers, when the person said it, and where it came from. Without --sender it
asks for any sender of the realm.

The phone may be written as in a send: every reading of it counts.

Exit status: 0 the sender may, 10 it may not, 1 an error.`,
		Example: `  caddy sms-optout check 12065551212 --realm myrealm --sender 120162701555
  caddy sms-optout check '+1 (206) 555-1212' --realm myrealm --json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().String("realm", "", "The realm; required")
	cmd.Flags().String("sender", "", "The sender code")
	doorFlags(cmd)
	runs(cmd, check)
	return cmd
}

func check(v *verbRun) (int, error) {
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	a, err := list.Check(v, operate.Question{Realm: v.fl.String("realm"), Sender: v.fl.String("sender"), Phone: v.args[0]})
	if err != nil {
		return 0, err
	}
	status := 0
	if !a.May {
		status = exitMayNot
	}
	if v.wantsJSON() {
		return status, v.json(a)
	}
	sender := "any sender"
	if a.Sender != "" {
		sender = a.Sender
	}
	if a.May {
		v.printf("yes: %s of %s may message %s\n", sender, a.Realm, a.Phone)
		return status, nil
	}
	o := a.Optout
	v.printf("no: %s of %s may not message %s\n", sender, a.Realm, a.Phone)
	v.printf("  opt-out   of %s from %s\n", o.Phone, scopeText(a.Scope, o.Realm, o.Sender))
	v.printf("  said at   %s\n  recorded  %s, event %d\n  source    %s\n", o.At, o.Recorded, o.Event, o.Source)
	if o.Reason != "" {
		v.printf("  reason    %s\n", o.Reason)
	}
	return status, nil
}

// scopeText says what an opt-out covers.
func scopeText(scope, realm, sender string) string {
	switch scope {
	case operate.ScopeEverything:
		return "every sender of every realm"
	case operate.ScopeEveryRealm:
		return "sender " + sender + " of every realm"
	case operate.ScopeEverySender:
		return "every sender of realm " + realm
	default:
		return "sender " + sender + " of realm " + realm
	}
}
