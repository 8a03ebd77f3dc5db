package caddymodule

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
)

// adminError is an error as Caddy's admin API gives them: {"error": "..."}. Caddy
// logs it, so it holds no phone.
func adminError(status int, err error) error {
	return caddy.APIError{HTTPStatus: status, Err: err}
}

// adminStatuses say which status fits an error of the list.
var adminStatuses = []struct {
	err    error
	status int
}{
	{optoutstore.ErrInvalid, http.StatusBadRequest},
	{optoutstore.ErrNotOptedOut, http.StatusNotFound},
	{optoutstore.ErrChanged, http.StatusConflict},
	{optoutstore.ErrNoSpace, http.StatusInsufficientStorage},
	{optoutstore.ErrBusy, http.StatusServiceUnavailable},
	{optoutstore.ErrNotReady, http.StatusServiceUnavailable},
	{optoutstore.ErrClosed, http.StatusServiceUnavailable},
	{optoutstore.ErrUnavailable, http.StatusServiceUnavailable},
	{optoutstore.ErrDamaged, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
	{context.Canceled, http.StatusServiceUnavailable},
}

// adminErrorOf gives an error of the list or of its input a status.
func adminErrorOf(err error) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[caddy.APIError](err); ok {
		return api
	}
	if input, ok := errors.AsType[*operate.InputError](err); ok {
		return adminError(http.StatusBadRequest, input)
	}
	return adminError(statusOf(err), err)
}

// statusOf is the status that fits an error of the list.
func statusOf(err error) int {
	for _, s := range adminStatuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}
