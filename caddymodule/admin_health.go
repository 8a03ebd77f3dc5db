package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// listHealth is what the list can do at present.
type listHealth struct {
	Readable bool `json:"readable"`
	Writable bool `json:"writable"`
	// Damaged is true where a part of the journal cannot be read. What the index knows
	// is enforced and recorded all the same.
	Damaged bool `json:"damaged"`
	// InMemory is true once lookups of phones that never opted out need no disk.
	InMemory bool `json:"in_memory"`
	// Error says why Readable or Writable is false, or what is damaged.
	Error string `json:"error,omitempty"`
	// Events is the number of the newest event on disk, Applied of the newest one
	// that lookups see.
	Events  uint64 `json:"events"`
	Applied uint64 `json:"applied"`
}

// adminHealth answers 200 if the list can be read and written, else 503 with the
// reason. It is answered where there is no list as well.
func adminHealth(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return notThisMethod(w, map[string]bool{http.MethodGet: true})
	}
	if _, err := queryArguments(r); err != nil {
		return err
	}
	_, shared, err := activeList()
	if api, ok := errors.AsType[caddy.APIError](err); ok {
		return answerJSON(w, http.StatusServiceUnavailable, listHealth{Error: api.Err.Error()})
	}
	h := shared.Health() // it may be closed meanwhile, and then says so
	answer := listHealth{
		Readable: h.Readable, Writable: h.Writable, Damaged: h.Damaged, InMemory: h.InMemory, Error: h.Reason,
		Events: h.Events, Applied: h.Applied,
	}
	if !h.Readable || !h.Writable {
		return answerJSON(w, http.StatusServiceUnavailable, answer)
	}
	return answerJSON(w, http.StatusOK, answer)
}
