package caddymodule

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
)

// confirmWide asks whether an opt-out that covers every sender or every realm is
// meant, on a terminal; elsewhere --yes has to say so.
func (v *verbRun) confirmWide(does string) error {
	realm, sender := strings.TrimSpace(v.fl.String("realm")), strings.TrimSpace(v.fl.String("sender"))
	if realm != "*" && sender != "*" || v.fl.Bool("yes") {
		return nil
	}
	what := "every sender of realm " + realm
	switch {
	case realm == "*" && sender == "*":
		what = "every sender of every realm"
	case realm == "*" && sender == "":
		what = "their senders of every realm"
	case sender == "*" && realm == "":
		what = "every sender of their realms"
	case realm == "*":
		what = "sender " + sender + " of every realm"
	}
	in := v.cmd.InOrStdin()
	if !isTerminal(in) {
		return fmt.Errorf("this %s %s; add --yes if it is meant", does, what)
	}
	fmt.Fprintf(v.cmd.ErrOrStderr(), "This %s %s. Go on? [y/N] ", does, what)
	answer, _ := bufio.NewReader(in).ReadString('\n') // an end of input is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("not confirmed; nothing was done")
}
