package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

func relayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "relay <verb>",
		Short: "Asks and steers what the backend is told of the opt-outs",
		Long: `
Asks and steers the relay, which tells the backend of the opt-outs so that sends to
all subscribers of a sender can pass. It needs a running Caddy.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(relayStatusCommand(), relayPauseCommand(), relayResumeCommand(), relayRetryCommand(), relayDropCommand(), relayBackfillCommand())
	return cmd
}

// serverFlags adds the flags that choose a running Caddy, and --json.
func serverFlags(cmd *cobra.Command) {
	cmd.Flags().String("address", "", "The address of the running Caddy's admin API")
	cmd.Flags().StringP("config", "c", "", "The configuration file that names the admin API's address")
	cmd.Flags().String("adapter", "", "The configuration's format, if it is not JSON or a Caddyfile")
	cmd.Flags().Bool("json", false, "Print JSON, for machines")
}

func relayVerb(use, short, long, example string, run func(v *verbRun) (int, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: "\n" + long, Example: example, Args: cobra.NoArgs}
	serverFlags(cmd)
	runs(cmd, run)
	return cmd
}

func relayStatusCommand() *cobra.Command {
	return relayVerb("status", "Says what the relay does", `Says whether the backend answers, and for each realm how many opt-outs it has not
been told of, since when, and why.

Exit status: 0 the relay tells, or there is none; 1 an error; 10 something keeps it
from telling: it is paused, the backend does not answer, or a password seems wrong.`,
		"  caddy sms-optout relay status", func(v *verbRun) (int, error) { return v.relay(http.MethodGet, "relay", nil) })
}

func relayPauseCommand() *cobra.Command {
	return relayVerb("pause", "Tells nobody until resume", `Lets no further delivery begin until 'relay resume', over reloads as well. A restart
of Caddy ends it. What is recorded meanwhile is told afterwards; fan-outs of its
senders stay blocked.

Exit status: 0 it is paused, 1 an error.`, "", func(v *verbRun) (int, error) {
		return v.steer("relay/pause", operate.RelayOrder{})
	})
}

func relayResumeCommand() *cobra.Command {
	return relayVerb("resume", "Ends a pause", `Ends a pause.

Exit status: 0 it is ended, 1 an error.`, "", func(v *verbRun) (int, error) {
		return v.steer("relay/resume", operate.RelayOrder{})
	})
}

func relayRetryCommand() *cobra.Command {
	cmd := relayVerb("retry [--realm <realm>]", "Tells at once what waits for a further try", `Tells at once what the backend has failed or not answered, and reads the passwords
anew, such as after one has been put right. It does not wait for that.

Exit status: 0 it is begun, 1 an error.`, "  caddy sms-optout relay retry --realm myrealm", func(v *verbRun) (int, error) {
		return v.steer("relay/retry", operate.RelayOrder{Realm: v.fl.String("realm")})
	})
	cmd.Flags().String("realm", "", "Only this realm")
	return cmd
}

func relayDropCommand() *cobra.Command {
	cmd := relayVerb("drop --realm <realm> (--sender <sender> | --phone <phone> | --all) --reason <text>", "Notes that the backend knows opt-outs already", `Notes that the backend knows opt-outs although the relay has not told it, such as
those that were entered there by hand, and those of every sender ('*'), for which
its API has no words. Fan-outs may then reach these phones if the backend does not
know after all. Who noted it and why stays in the journal.

Exit status: 0 it is noted, 1 an error.`, `  caddy sms-optout relay drop --realm myrealm --sender '*' --reason "entered in the backend's blacklist"`, relayDropRun)
	cmd.Flags().String("realm", "", "The realm, or '*' for what was recorded for every realm; required")
	cmd.Flags().String("sender", "", "Only this sender; '*' for what was recorded for every sender")
	cmd.Flags().String("phone", "", "Only this phone")
	cmd.Flags().Bool("all", false, "All that the backend was not told of in the realm")
	cmd.Flags().String("reason", "", "How the backend knows; required")
	return cmd
}

func relayDropRun(v *verbRun) (int, error) {
	o := operate.RelayOrder{
		Realm: v.fl.String("realm"), Sender: v.fl.String("sender"), Phone: v.fl.String("phone"), All: v.fl.Bool("all"),
		Reason: v.fl.String("reason"),
	}
	server, err := v.server()
	if err != nil {
		return 0, err
	}
	defer server.Close()
	var answer dropped
	if err := server.ask(v, http.MethodPost, "relay/drop", o, &answer); err != nil {
		return 0, err
	}
	if v.wantsJSON() {
		return 0, v.json(answer)
	}
	v.printf("noted as known to the backend: %d\n", answer.Dropped)
	return 0, nil
}

func relayBackfillCommand() *cobra.Command {
	cmd := relayVerb("backfill --realm <realm> [--rate <n>]", "Tells of the opt-outs from before the relay", `Tells the backend of a realm's opt-outs from before the relay was configured, and
shows how far it is. New opt-outs are told in between. The server does the work:
an interrupt ends the display alone.

Exit status: 0 all are told, 1 an error, 10 some are left that the backend fails.`, "  caddy sms-optout relay backfill --realm myrealm --rate 20", relayBackfillRun)
	cmd.Flags().String("realm", "", "The realm; required")
	cmd.Flags().Float64("rate", 0, "The most in a second, beside the relay's own rate, until Caddy is restarted")
	cmd.Flags().Bool("no-wait", false, "Begin it and do not wait for it")
	return cmd
}

func relayBackfillRun(v *verbRun) (int, error) {
	server, err := v.server()
	if err != nil {
		return 0, err
	}
	defer server.Close()
	rate, err := v.cmd.Flags().GetFloat64("rate")
	if err != nil {
		return 0, err
	}
	var s relayStatus
	if err := server.ask(v, http.MethodPost, "relay/backfill", operate.RelayOrder{Realm: v.fl.String("realm"), Rate: rate}, &s); err != nil {
		return 0, err
	}
	if v.fl.Bool("no-wait") {
		return v.showRelay(s)
	}
	r, err := v.awaitBackfill(server, s)
	if err != nil {
		return 0, err
	}
	if v.wantsJSON() {
		return exitIf(r.NotTold > 0), v.json(r)
	}
	v.printf("done: %d opt-outs of realm %s are left untold, %d of them failed by the backend\n", r.NotTold, r.Realm, r.Failing)
	return exitIf(r.NotTold > 0), nil
}

// backfillLook is how often the server is asked how far it is.
const backfillLook = 500 * time.Millisecond

// awaitBackfill shows how far a backfill is until nothing is left but what the
// backend fails.
func (v *verbRun) awaitBackfill(server *adminClient, s relayStatus) (relayRealmStatus, error) {
	order := operate.RelayOrder{Realm: v.fl.String("realm")}
	name, err := (&operate.List{}).RelayRealm(order)
	if err != nil {
		return relayRealmStatus{}, err
	}
	var bar *progress
	var begun uint64
	t := time.NewTicker(backfillLook)
	defer t.Stop()
	for {
		var r *relayRealmStatus
		for i := range s.Realms {
			if s.Realms[i].Realm == name {
				r = &s.Realms[i]
			}
		}
		if r == nil {
			return relayRealmStatus{}, errors.New("the relay was changed meanwhile; see 'relay status'")
		}
		if bar == nil {
			begun = r.NotTold
			bar = v.newProgress("telling", "opt-outs", int64(begun))
			defer bar.close()
		}
		bar.at(int64(begun - min(begun, r.NotTold)))
		if r.ReadUntil == 0 && r.Waiting+r.Telling+r.Held+r.Retrying == 0 || r.NotTold == 0 {
			return *r, nil
		}
		select {
		case <-t.C:
		case <-v.Done():
			return relayRealmStatus{}, fmt.Errorf("%w; the server goes on", v.Err())
		}
		if err := server.ask(v, http.MethodGet, "relay", nil, &s); err != nil {
			return relayRealmStatus{}, err
		}
	}
}

// server is the running Caddy that the flags choose.
func (v *verbRun) server() (*adminClient, error) {
	d, err := v.open()
	if err != nil {
		return nil, err
	}
	client, ok := d.(*adminClient)
	if !ok {
		return nil, errors.Join(errors.New("the relay is a running Caddy's"), d.Close())
	}
	return client, nil
}

// relay carries out a verb whose answer is the status.
func (v *verbRun) relay(method, path string, body any) (int, error) {
	server, err := v.server()
	if err != nil {
		return 0, err
	}
	defer server.Close()
	var s relayStatus
	if err := server.ask(v, method, path, body, &s); err != nil {
		return 0, err
	}
	return v.showRelay(s)
}

// steer carries out an order, and shows the status behind it. What that says is no
// answer to whether the order was carried out.
func (v *verbRun) steer(path string, o operate.RelayOrder) (int, error) {
	_, err := v.relay(http.MethodPost, path, o)
	return 0, err
}

func exitIf(trouble bool) int {
	if trouble {
		return exitMayNot
	}
	return 0
}

// showRelay prints a status.
func (v *verbRun) showRelay(s relayStatus) (int, error) {
	status := exitIf(len(s.trouble()) > 0)
	if v.wantsJSON() {
		return status, v.json(s)
	}
	if s.State == relayNone {
		v.printf("no relay is configured; %d opt-outs are not told to the backend\n", s.NotRelayed)
		return status, nil
	}
	v.printf("relay to %s: %s\n", s.URL, s.State)
	for _, line := range s.trouble() {
		v.printf("  %s\n", line)
	}
	if s.NextProbe != nil {
		v.printf("  next probe at %s\n", s.NextProbe)
	}
	for _, r := range s.Realms {
		v.printf("realm %s: %s, %d not told", r.Realm, r.State, r.NotTold)
		if r.Oldest != nil {
			v.printf(" (of those due %d wait, %d got no answer, %d failed; the oldest from %s)", r.Waiting+r.Telling+r.Held, r.Retrying, r.Failing, r.Oldest)
		}
		if r.ReadUntil > 0 {
			v.printf("; older events are read up to %d of %d", r.ReadTo, r.ReadUntil)
		}
		v.printf("\n")
		if r.Failure != "" {
			v.printf("  last failure at %s: %s\n", r.FailureAt, r.Failure)
		}
	}
	if s.NotRelayed > 0 {
		v.printf("not relayed: %d opt-outs of other realms, or of every sender ('*'), which block fan-outs; see 'relay drop --help'\n", s.NotRelayed)
	}
	return status, nil
}
