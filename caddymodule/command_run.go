package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"syscall"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// exitMayNot is the exit status of a check whose answer is no.
const exitMayNot = 10

// verbRun is one run of a verb.
type verbRun struct {
	context.Context
	cmd  *cobra.Command
	args []string
	fl   caddycmd.Flags
	out  io.Writer
}

// runs makes f what the command does. Its first interrupt ends the context, so that
// f can say what was done; a second one ends the process.
func runs(cmd *cobra.Command, f func(v *verbRun) (status int, err error)) {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cmd.SilenceUsage, cmd.SilenceErrors = true, true // Caddy logs the error
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop)
		return caddycmd.WrapCommandFuncForCobra(func(fl caddycmd.Flags) (int, error) {
			if err := textFlags(cmd); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			status, err := f(&verbRun{Context: ctx, cmd: cmd, args: args, fl: fl, out: cmd.OutOrStdout()})
			if errors.Is(err, context.Canceled) {
				err = errors.New("interrupted")
			}
			if err != nil && status == 0 {
				status = caddy.ExitCodeFailedStartup
			}
			return status, err
		})(cmd, args)
	}
}

// textFlags refuses flags that are not UTF-8: on the way to a server JSON would
// replace what is not, and so change it. Names of files are as they are.
func textFlags(cmd *cobra.Command) error {
	for _, f := range visited(cmd.Flags().Visit) {
		switch f.Name {
		case "store", "config", "rejects":
			continue
		}
		if !utf8.ValidString(f.Value.String()) {
			return fmt.Errorf("--%s is not UTF-8", f.Name)
		}
	}
	return nil
}

// json prints v on a line.
func (v *verbRun) json(value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = v.out.Write(append(b, '\n'))
	return err
}

func (v *verbRun) printf(format string, args ...any) { fmt.Fprintf(v.out, format, args...) }

// wantsJSON reports whether the output is for a machine.
func (v *verbRun) wantsJSON() bool { return v.fl.Bool("json") }

// systemUser is who runs the command, as the operating system knows them.
func systemUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// isTerminal reports whether f is a terminal.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
