package caddymodule

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/caddymodule/operate"
)

// headerRows is the trailer that says how many rows an export has.
const headerRows = "X-Sms-Optout-Rows"

// adminExport answers with the list as a file, while it is read.
func adminExport(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	args, err := queryArguments(r, "format", "realm", "sender", "history")
	if err != nil {
		return err
	}
	e := operate.Export{Format: listfile.Format(args["format"]), Realm: args["realm"], Sender: args["sender"]}
	if text, given := args["history"]; given {
		if e.History, err = strconv.ParseBool(text); err != nil {
			return adminError(http.StatusBadRequest, errors.New("history is neither true nor false"))
		}
	}
	kind := "text/csv; charset=utf-8; header=present"
	if e.Format == listfile.NDJSON {
		kind = "application/x-ndjson"
	}
	s := newStream(w, kind, "", "", "")
	w.Header().Set("Trailer", headerRows)
	rows, err := l.Export(r.Context(), s, e)
	if err == nil {
		w.Header().Set(headerRows, strconv.FormatUint(rows, 10))
	}
	return s.end(err)
}
