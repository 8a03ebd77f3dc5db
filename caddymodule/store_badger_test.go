package caddymodule

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/stopgate/stopgate/optoutstore"
)

// The error for a store that has lost events prints a command that a shell reads as
// it is meant, whatever the directory is called.
func TestLossCommand(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, dir, shown string }{
		{"plain", "optouts", "PARENT/optouts"},
		{"a blank", "opt outs", "'PARENT/opt outs'"},
		{"a quote", "ann's", `'PARENT/ann'\''s'`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			parent, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			b := &BadgerStore{Path: filepath.Join(parent, tc.dir)}
			if err := b.Provision(caddy.Context{}); err != nil {
				t.Fatal(err)
			}
			store, err := b.OpenStore()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.OptOut(t.Context(), optoutstore.Change{Pair: pairOf(testRealm, testSender, testPhone), Source: optoutstore.SourceCLI}); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(store.Close(), os.RemoveAll(b.dir)); err != nil {
				t.Fatal(err)
			}
			if _, err = b.OpenStore(); !errors.Is(err, optoutstore.ErrLoss) {
				t.Fatal(err)
			}
			want := "accept-loss --store " + strings.ReplaceAll(tc.shown, "PARENT", parent) + " --reason"
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %s", err, want)
			}
		})
	}
}
