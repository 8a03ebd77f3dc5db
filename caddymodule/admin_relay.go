package caddymodule

import (
	"context"
	"errors"
	"net/http"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/relay"
)

// errNoRelay is the answer to an order where nobody could carry it out.
var errNoRelay = errors.New("no relay runs: the configuration has none, or it is just being changed")

// addRelayRoutes adds what can be done about the relay.
func addRelayRoutes(routes map[string]map[string]adminVerb) {
	routes["relay"] = map[string]adminVerb{http.MethodGet: adminRelay}
	for path, do := range map[string]func(context.Context, *operate.List, *relaySlot, operate.RelayOrder) (any, error){
		"relay/pause":    relayPause(true),
		"relay/resume":   relayPause(false),
		"relay/retry":    relayRetry,
		"relay/backfill": relayBackfill,
		"relay/drop":     relayDrop,
	} {
		routes[path] = map[string]adminVerb{http.MethodPost: func(l *operate.List, w http.ResponseWriter, r *http.Request) error {
			if _, err := queryArguments(r); err != nil {
				return err
			}
			var o operate.RelayOrder
			if err := jsonBody(r, &o); err != nil {
				return err
			}
			slot, err := relayOf(l)
			if err != nil {
				return err
			}
			answer, err := do(r.Context(), l, slot, o)
			if err != nil {
				return relayError(err)
			}
			return answerJSON(w, http.StatusOK, answer)
		}}
	}
}

// relayOf is the relay of a list.
func relayOf(l *operate.List) (*relaySlot, error) {
	shared, ok := l.Store.(*sharedStore)
	if !ok {
		return nil, adminError(http.StatusConflict, errNoRelay)
	}
	return shared.relay, nil
}

func relayError(err error) error {
	switch {
	case errors.Is(err, errNoRelay), errors.Is(err, relay.ErrNotYet):
		return adminError(http.StatusConflict, err)
	case errors.Is(err, relay.ErrNotRelayed):
		return adminError(http.StatusNotFound, err)
	default:
		return err
	}
}

// adminRelay says what the relay does.
func adminRelay(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	if _, err := queryArguments(r); err != nil {
		return err
	}
	slot, err := relayOf(l)
	if err != nil {
		return err
	}
	status, err := slot.status(r.Context())
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, status)
}

func relayPause(paused bool) func(context.Context, *operate.List, *relaySlot, operate.RelayOrder) (any, error) {
	return func(ctx context.Context, _ *operate.List, s *relaySlot, _ operate.RelayOrder) (any, error) {
		s.pause(paused)
		return s.status(ctx)
	}
}

// relayRetry makes everything due that waits for a further try.
func relayRetry(ctx context.Context, l *operate.List, s *relaySlot, o operate.RelayOrder) (any, error) {
	realm, err := l.RelayRealm(o)
	if err != nil {
		return nil, err
	}
	engine := s.running()
	switch {
	case engine == nil:
		return nil, errNoRelay
	case !engine.Retry(realm):
		return nil, relay.ErrNotRelayed
	}
	return s.status(ctx)
}

// relayBackfill relays a realm's opt-outs from the beginning of the list on.
func relayBackfill(ctx context.Context, l *operate.List, s *relaySlot, o operate.RelayOrder) (any, error) {
	c, err := l.BackfillChange(o)
	if err != nil {
		return nil, err
	}
	engine := s.running()
	if engine == nil {
		return nil, errNoRelay
	}
	if err := engine.Backfill(ctx, c, o.Rate); err != nil {
		return nil, err
	}
	return s.status(ctx)
}

// dropped is the answer to a drop.
type dropped struct {
	Dropped uint64 `json:"dropped"`
}

// relayDrop notes that the backend knows opt-outs although nobody has told it.
func relayDrop(ctx context.Context, l *operate.List, _ *relaySlot, o operate.RelayOrder) (any, error) {
	n, err := l.Drop(ctx, o)
	return dropped{n}, err
}
