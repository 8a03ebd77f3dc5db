package caddymodule

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
)

// headerBackup is the trailer that says what a backup holds, as JSON.
const headerBackup = "X-Sms-Optout-Backup"

// Backup copies the store, if it is of a kind that can be copied while in use.
func (s *sharedStore) Backup(ctx context.Context, w io.Writer) (optoutstore.BackupSummary, error) {
	return operate.CopyOf(ctx, s.Store, w)
}

// adminBackup answers with a copy of the store, while it is made.
func adminBackup(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	if _, err := queryArguments(r); err != nil {
		return err
	}
	s := newStream(w, "application/x-tar", "", "", "")
	w.Header().Set("Trailer", headerBackup)
	b, err := l.Backup(r.Context(), s)
	if err == nil {
		var summary []byte
		if summary, err = json.Marshal(b); err == nil {
			w.Header().Set(headerBackup, string(summary))
		}
	}
	return s.end(err)
}
