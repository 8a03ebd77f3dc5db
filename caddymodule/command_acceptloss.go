package caddymodule

import (
	"errors"
	"fmt"
	"os/user"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/optoutstore"
)

func acceptLossCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accept-loss --reason <text> [--store <dir>] [--actor <name>]",
		Short: "Goes on with a list that has lost opt-outs",
		Long: `
Goes on with a list that Caddy refuses to open because it is missing, is another
one, or is shorter than it was.

Restore a copy instead if there is one: whoever opted out in what is missing can
be messaged again afterwards, unless the index still knows of them. What was
missing, who accepted it and why is noted in the journal for good.

Run it while Caddy is stopped, as the user that runs Caddy and with that user's
XDG_DATA_HOME: what the list was is remembered in Caddy's data directory.

Exit status: 0 the loss is accepted, 1 it is not, and nothing has changed.`,
		Example: `  caddy sms-optout accept-loss --store /var/lib/caddy/optouts --reason "disk replaced, no copy"`,
		Args:    cobra.NoArgs,
	}
	cmd.Flags().String("store", "", "The list's directory (default: sms_optout in Caddy's data directory)")
	cmd.Flags().String("reason", "", "Why the loss is accepted; required")
	cmd.Flags().String("actor", "", "Who accepts it (default: the user of the operating system)")
	cmd.RunE = caddycmd.WrapCommandFuncForCobra(acceptLoss)
	return cmd
}

func acceptLoss(fl caddycmd.Flags) (int, error) {
	reason := fl.String("reason")
	if reason == "" {
		return caddy.ExitCodeFailedStartup, errors.New("--reason is required: it stays in the journal for those who ask later")
	}
	actor := fl.String("actor")
	if actor == "" {
		actor = "unknown"
		if u, err := user.Current(); err == nil {
			actor = u.Username
		}
	}
	store := &BadgerStore{Path: fl.String("store")}
	if err := store.Provision(caddy.Context{}); err != nil {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("--store: %w", err)
	}
	if err := optoutstore.AcceptLoss(store.options(), actor, reason); err != nil {
		if errors.Is(err, optoutstore.ErrInvalid) {
			err = fmt.Errorf("%w; what the list was is remembered in %s, of the user that runs Caddy", err, witnessDir())
		}
		return caddy.ExitCodeFailedStartup, err
	}
	fmt.Printf("The loss is accepted and noted in the journal of %s.\n", store.dir)
	return caddy.ExitCodeSuccess, nil
}
