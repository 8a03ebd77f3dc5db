package caddymodule

import "github.com/spf13/cobra"

func verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Checks the whole store",
		Long: `
Reads the whole journal and the whole index and checks all there is to check: every
checksum, the chain of hashes from the first event to the last, that the index has
each pair's newest event, and that its counts are right. The server goes on
meanwhile.

Exit status: 0 all is well, 1 an error; what is wrong is one.`,
		Example: `  caddy sms-optout verify
  caddy sms-optout verify --store /backup/optouts`,
		Args: cobra.NoArgs,
	}
	doorFlags(cmd)
	runs(cmd, verify)
	return cmd
}

func verify(v *verbRun) (int, error) {
	list, err := v.open()
	if err != nil {
		return 0, err
	}
	defer list.Close()
	var bar *progress
	err = list.Verify(v, func(done, total uint64) {
		if bar == nil {
			bar = v.newProgress("verifying", "events", int64(total))
		}
		bar.at(int64(done))
	})
	if bar != nil {
		bar.close()
	}
	if err != nil {
		return 0, err
	}
	s, err := list.Stats(v)
	if err != nil {
		return 0, err
	}
	if v.wantsJSON() {
		return 0, v.json(map[string]any{"ok": true, "events": s.Events, "in_force": s.InForce})
	}
	v.printf("OK: %d events, %d opt-outs in force\n", s.Events, s.InForce)
	return 0, nil
}
