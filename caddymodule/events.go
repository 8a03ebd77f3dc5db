package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// The events on Caddy's events app. Caddy compares names in lower case.
const (
	eventOptedOut       = "sms_optout.opted_out"
	eventLifted         = "sms_optout.lifted"
	eventBlocked        = "sms_optout.blocked"
	eventStoreDegraded  = "sms_optout.store_degraded"
	eventStoreRecovered = "sms_optout.store_recovered"
)

// eventSource emits on the events app of one configuration.
type eventSource struct {
	ctx caddy.Context // its module is the events' origin
	app *caddyevents.App
}

func newEventSource(ctx caddy.Context) (eventSource, error) {
	app, err := ctx.App("events")
	if err != nil {
		return eventSource{}, err
	}
	return eventSource{ctx, app.(*caddyevents.App)}, nil
}

// emit tells whoever listens of an event. Caddy calls the handlers before it
// returns. data is called only if somebody listens; it holds no phone in full and
// no password, for Caddy writes it to its debug log.
func (a *App) emit(name string, data func() map[string]any) {
	a = a.current()
	if a == nil || a.events.app == nil {
		return
	}
	source := a.events
	if !source.app.ShouldEmit(name) {
		return
	}
	// A handler of another's making must not change what was decided.
	defer func() {
		if v := recover(); v != nil {
			meters.panics.Inc()
			logPanic(a.logger, "panic in a handler of the event "+name, v)
		}
	}()
	source.app.Emit(source.ctx, name, data())
}

// current is the app itself, or, once its configuration has ended, that of the one
// that runs: nobody listens to the old one any more, and its logs are closed.
func (a *App) current() *App {
	if a == nil || a.events.app != nil && a.events.ctx.Err() == nil {
		return a
	}
	return activeApp()
}

// announce makes a change of the list known: as an event, and, unless it came by a
// request of which the handler writes a line, in the log.
func (s *sharedStore) announce(e optoutstore.Event) {
	a := s.app.Load().current()
	if a == nil {
		return
	}
	name, message := eventOptedOut, "opt-out recorded"
	if e.Kind == optoutstore.Lifted {
		name, message = eventLifted, "opt-out lifted"
	}
	if e.Source != optoutstore.SourceAPIWeb {
		a.logger.Info(message, a.eventFields(e)...)
	}
	a.emit(name, func() map[string]any {
		return map[string]any{
			"kind":     e.Kind.String(),
			"event":    e.Number,
			"realm":    e.Realm,
			"sender":   maskedSender(e.Sender),
			"phone":    e.Phone.String(),
			"scope":    operate.ScopeOf(e.Pair),
			"source":   string(e.Source),
			"decision": e.RequestID,
		}
	})
}

// announceBlock emits that a request was not forwarded because of an opt-out.
func (x *exchange) announceBlock(d decision) {
	x.h.app.emit(eventBlocked, func() map[string]any {
		data := map[string]any{
			"call":     x.call.Kind.String(),
			"code":     d.code,
			"decision": x.decisionID(),
			"scope":    x.scope(),
		}
		if x.h.app.accounts.knows(x.call.Realm) {
			data["realm"] = x.call.Realm
		}
		to := x.subject()
		if len(to.Phones) > 0 {
			data["phone"] = to.Phones[0].String()
		}
		if len(to.Senders) > 0 {
			data["sender"] = maskedSender(to.Senders[0])
		}
		return data
	})
}

// maskedSender is a sender code as it may be shown. One that could be somebody's
// phone is masked like one, also with an extension or a name beside it: clients mix
// the two arguments up.
func maskedSender(s phone.Sender) string {
	digits := 0
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			digits++
		}
	}
	if digits < minPhone {
		return string(s)
	}
	if n, err := phone.ParseNumber(string(s)); err == nil {
		return n.String()
	}
	masked := []byte(s)
	seen := 0
	for i, c := range masked {
		if '0' <= c && c <= '9' {
			if seen++; seen > 4 && seen <= digits-2 {
				masked[i] = '*'
			}
		}
	}
	return string(masked)
}

// minPhone is how many digits of a sender are taken for a phone. Short codes have up
// to 6, subscriber numbers 7 and more.
const minPhone = 7
