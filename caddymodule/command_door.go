package caddymodule

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// door is a way to a list: a running server's, or a store opened here.
type door interface {
	operate.Verbs
	io.Closer
}

// doorFlags adds the flags that choose the door, and --json.
func doorFlags(cmd *cobra.Command) {
	cmd.Flags().String("address", "", "The address of the running Caddy's admin API")
	cmd.Flags().StringP("config", "c", "", "The configuration file that names the admin API's address")
	cmd.Flags().String("adapter", "", "The configuration's format, if it is not JSON or a Caddyfile")
	storeFlags(cmd)
	cmd.Flags().Bool("json", false, "Print JSON, for machines")
}

// storeFlags adds the flags of a list that is opened here.
func storeFlags(cmd *cobra.Command) {
	cmd.Flags().String("store", "", "The list's directory, to work on the list of a Caddy that is stopped")
	cmd.Flags().String("region", defaultRegion, "With --store: the region of numbers without a country code")
}

// open opens the door that the flags choose.
func (v *verbRun) open() (door, error) {
	if v.cmd.Flags().Changed("store") {
		return v.openHere()
	}
	if v.cmd.Flags().Changed("region") {
		return nil, errors.New("--region belongs to --store; a running Caddy has its own default_region")
	}
	address, err := caddycmd.DetermineAdminAPIAddress(v.fl.String("address"), nil, v.fl.String("config"), v.fl.String("adapter"))
	if err != nil {
		return nil, fmt.Errorf("finding the admin API: %w", err)
	}
	return newAdminClient(address, caller())
}

// here is a store that the command opened itself.
type here struct {
	operate.Verbs
	store optoutstore.Store // nil: there is none yet
}

// Close closes the store.
func (h *here) Close() error {
	if h.store == nil {
		return nil
	}
	return h.store.Close()
}

// caller is who runs the command.
func caller() operate.Caller {
	return operate.Caller{Source: optoutstore.SourceCLI, Actor: systemUser(), RequestID: rand.Text()}
}

// here reads the flags of a list that is opened here.
func (v *verbRun) here() (operate.Caller, *phone.Region, *BadgerStore, error) {
	by := caller()
	if v.fl.String("address") != "" || v.fl.String("config") != "" {
		return by, nil, nil, errors.New("--store opens a list without a server; leave --address and --config out")
	}
	region, err := phone.NewRegion(v.fl.String("region"))
	if err != nil {
		return by, nil, nil, fmt.Errorf("--region %w", err)
	}
	store, err := v.storeHere()
	return by, region, store, err
}

// openHere opens the store of --store.
func (v *verbRun) openHere() (*here, error) {
	by, region, badger, err := v.here()
	if err != nil {
		return nil, err
	}
	there, err := optoutstore.Present(badger.dir)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("--store: %s holds no opt-out store", badger.dir)
	}
	store, err := badger.OpenStore()
	if err != nil {
		return nil, v.held(err)
	}
	if err := untilReadable(v, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &here{&operate.List{Store: store, Region: region, By: by}, store}, nil
}

// storeHere is the store that --store names.
func (v *verbRun) storeHere() (*BadgerStore, error) {
	dir := v.fl.String("store")
	if dir == "" {
		return nil, errors.New("--store: the path is empty")
	}
	badger := &BadgerStore{Path: dir}
	if err := badger.Provision(caddy.Context{}); err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return badger, nil
}

// held adds to the error for a store that a running Caddy has the command that
// asks that Caddy.
func (v *verbRun) held(err error) error {
	if !errors.Is(err, optoutstore.ErrLocked) {
		return err // nil among them
	}
	return fmt.Errorf("%w: a running Caddy has it; ask that one: %s (and --address or --config, unless its admin API is at %s)",
		err, v.withoutStore(), caddy.DefaultAdminListen)
}

// withoutStore is this command for the running server. Arguments stand as in its
// help, for one is a phone and the line may be logged.
func (v *verbRun) withoutStore() string {
	words := []string{v.cmd.CommandPath()}
	if !strings.HasPrefix(words[0], "caddy ") {
		words[0] = "caddy sms-optout " + v.cmd.Name()
	}
	if usage := strings.Fields(v.cmd.Use); len(usage) > 1 && !strings.HasPrefix(usage[1], "-") && !strings.HasPrefix(usage[1], "[") {
		words = append(words, usage[1])
	}
	for _, f := range visited(v.cmd.Flags().Visit) {
		switch {
		case f.Name == "store" || f.Name == "region":
		case f.Value.Type() == "bool":
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name, quoted(f.Value.String()))
		}
	}
	return strings.Join(words, " ")
}

// visited is what visit visits.
func visited[F any](visit func(func(F))) (all []F) {
	visit(func(f F) { all = append(all, f) })
	return all
}

// quoted is a word as a shell reads it back.
func quoted(s string) string {
	plain := func(c rune) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("-_./:@,+", c)
	}
	if s != "" && !strings.ContainsFunc(s, func(c rune) bool { return !plain(c) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// untilReadable waits while an index is built again.
func untilReadable(ctx context.Context, store optoutstore.Store) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := store.InForce(ctx, optoutstore.AnyRealm, "")
		if !errors.Is(err, optoutstore.ErrNotReady) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Interface guards
var (
	_ door = (*adminClient)(nil)
	_ door = (*here)(nil)
)
