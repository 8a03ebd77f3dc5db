package caddymodule

import (
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

func statsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Prints figures about the list",
		Long: `
Prints how many opt-outs are in force, by realm and sender, how many events there
are and from when, and the sizes and the version of the store.`,
		Example: `  caddy sms-optout stats
  caddy sms-optout stats --store /var/lib/caddy/optouts --json`,
		Args: cobra.NoArgs,
	}
	doorFlags(cmd)
	runs(cmd, stats)
	return cmd
}

func stats(v *verbRun) (int, error) {
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	s, err := list.Stats(v)
	if err != nil {
		return 0, err
	}
	if v.wantsJSON() {
		return 0, v.json(s)
	}
	v.printf("opt-outs in force  %d\n", s.InForce)
	for _, c := range s.Senders {
		v.printf("%17d  sender %s of realm %s\n", c.InForce, c.Sender, c.Realm)
	}
	v.printf("not told           %d\n", s.NotTold)
	for _, line := range s.Relay {
		v.printf("                   %s\n", line)
	}
	v.printf("events             %d\n", s.Events)
	if s.Oldest != nil {
		v.printf("oldest, newest     %s, %s\n", s.Oldest, s.Newest)
	}
	v.printf("journal, index     %s, %s\n", humanize.IBytes(uint64(s.JournalBytes)), humanize.IBytes(uint64(s.IndexBytes)))
	v.printf("store              %s, format %d\n", s.Store, s.Format)
	return 0, nil
}
