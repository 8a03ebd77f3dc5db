package caddymodule

import (
	"net/http"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

// adminOptouts answers with opt-outs in force.
func adminOptouts(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	args, err := queryArguments(r, "realm", "sender", "phone", "since")
	if err != nil {
		return err
	}
	f := operate.Filter{Realm: args["realm"], Sender: args["sender"], Phone: args["phone"], Since: args["since"]}
	s := newStream(w, "application/json", `{"optouts":[`, ",", "]}\n")
	return s.end(l.List(r.Context(), f, func(o operate.Optout) error { return s.json(o) }))
}
