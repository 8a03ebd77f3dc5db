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

	caddy sms-optout accept-loss --help`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(acceptLossCommand())
		},
	})
}
