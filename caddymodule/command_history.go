package caddymodule

import (
	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

func historyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history PHONE [--realm <realm>] [--sender <sender>]",
		Short: "Prints everything known about a phone",
		Long: `
Prints everything that was recorded about a phone, oldest first, with both times:
when the person said it, and when it was recorded. With a realm or a sender, what
was recorded for all of them is shown as well, for it decides, too.

With --json each event is a line.`,
		Example: `  caddy sms-optout history 12065551212
  caddy sms-optout history 12065551212 --realm myrealm --json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().String("realm", "", "Only this realm, and what covers it")
	cmd.Flags().String("sender", "", "Only this sender, and what covers it")
	doorFlags(cmd)
	runs(cmd, history)
	return cmd
}

func history(v *verbRun) (int, error) {
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	n := 0
	err = list.History(v, operate.Question{Realm: v.fl.String("realm"), Sender: v.fl.String("sender"), Phone: v.args[0]}, func(e operate.Event) error {
		n++
		if v.wantsJSON() {
			return v.json(e)
		}
		v.printf("event %d: %s, sender %s of realm %s\n  said at   %s\n  recorded  %s\n  source    %s\n", e.Event, e.Kind, e.Sender, e.Realm, e.At, e.Recorded, e.Source)
		for _, more := range []struct{ name, value string }{
			{"actor     ", e.Actor}, {"address   ", e.Remote}, {"request   ", e.RequestID}, {"reason    ", e.Reason},
		} {
			if more.value != "" {
				v.printf("  %s%s\n", more.name, more.value)
			}
		}
		return nil
	})
	if err == nil && n == 0 && !v.wantsJSON() {
		v.printf("nothing is recorded\n")
	}
	return 0, err
}
