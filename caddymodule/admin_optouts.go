package caddymodule

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
)

// How many opt-outs a page has, by default and at most.
const (
	defaultPage = 100
	maxPage     = 1000
)

// adminOptouts answers with a page of the opt-outs in force, and with a cursor if
// there are more.
func adminOptouts(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	args, err := queryArguments(r, "realm", "sender", "phone", "since", "limit", "cursor")
	if err != nil {
		return err
	}
	limit := defaultPage
	if text, given := args["limit"]; given {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return adminError(http.StatusBadRequest, errors.New("limit is not a number from 1 to 1000"))
		}
	}
	var after optoutstore.Pair
	if text, given := args["cursor"]; given {
		if after, err = cursors.open(text); err != nil {
			return adminError(http.StatusBadRequest, err)
		}
	}
	f := operate.Filter{Realm: args["realm"], Sender: args["sender"], Phone: args["phone"], Since: args["since"]}
	page := struct {
		Optouts []operate.Optout `json:"optouts"`
		Cursor  string           `json:"cursor,omitempty"`
	}{Optouts: []operate.Optout{}}
	last, more, err := l.Page(r.Context(), f, after, limit, func(o operate.Optout) error {
		page.Optouts = append(page.Optouts, o)
		return nil
	})
	if err != nil {
		return err
	}
	if more {
		page.Cursor = cursors.seal(last)
	}
	return answerJSON(w, http.StatusOK, page)
}

// adminStats describes the list.
func adminStats(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	if _, err := queryArguments(r); err != nil {
		return err
	}
	stats, err := l.Stats(r.Context())
	if err != nil {
		return err
	}
	if slot, err := relayOf(l); err == nil {
		if status, err := slot.status(r.Context()); err == nil {
			stats.Relay = status.trouble()
		}
	}
	return answerJSON(w, http.StatusOK, stats)
}

// verification is a line of the answer to verify: how far it is, or, in the last
// line, whether the store is whole.
type verification struct {
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
	OK    *bool  `json:"ok,omitempty"`
	Error string `json:"error,omitempty"`
}

// adminVerify checks the store, and answers with a line for each step.
func adminVerify(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	if _, err := queryArguments(r); err != nil {
		return err
	}
	s := newStream(w, "application/x-ndjson", "", "\n", "\n")
	var last verification
	err := l.Verify(r.Context(), func(done, total uint64) {
		last = verification{Done: done, Total: total}
		if s.json(last) == nil {
			s.flush()
		}
	})
	if r.Context().Err() != nil {
		return s.end(err)
	}
	// That the store is damaged is the answer, not a failure to give one.
	ok := err == nil
	last.OK = &ok
	if err != nil {
		last.Error = err.Error()
	}
	return s.end(s.json(last))
}
