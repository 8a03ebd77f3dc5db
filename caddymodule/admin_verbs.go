package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

// adminCheck answers whether a sender may message a phone.
func adminCheck(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	q, err := question(r)
	if err != nil {
		return err
	}
	answer, err := l.Check(r.Context(), q)
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, answer)
}

// question reads realm, sender and phone.
func question(r *http.Request) (operate.Question, error) {
	args, err := arguments(r, "realm", "sender", "phone")
	if err != nil {
		return operate.Question{}, err
	}
	return operate.Question{Realm: args["realm"], Sender: args["sender"], Phone: args["phone"]}, nil
}

// adminHistory answers with everything that is known about a phone.
func adminHistory(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	q, err := question(r)
	if err != nil {
		return err
	}
	s := newStream(w, "application/json", `{"events":[`, ",", "]}\n")
	return s.end(l.History(r.Context(), q, func(e operate.Event) error { return s.json(e) }))
}

// adminAdd records an opt-out.
func adminAdd(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	return ordered(w, r, l.Add)
}

// adminLift ends an opt-out.
func adminLift(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	return ordered(w, r, l.Lift)
}

// ordered carries an order out. It is done once it is durable, whether or not the
// client is still there to hear so.
func ordered(w http.ResponseWriter, r *http.Request, do func(context.Context, operate.Order) (operate.Event, error)) error {
	if _, err := queryArguments(r); err != nil {
		return err
	}
	var o operate.Order
	if err := jsonBody(r, &o); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), recordTimeout)
	defer cancel()
	event, err := do(ctx, o)
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusCreated, event)
}

// answerJSON answers with v.
func answerJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone
	return nil
}
