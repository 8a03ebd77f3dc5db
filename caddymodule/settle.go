package caddymodule

import (
	"crypto/rand"
	"encoding/base32"
	"net/http"
	"time"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/smsapi"
)

// decisionHeader tells the sender which decision it was, on each answer of the
// gateway's own. Whoever asks the operator about one can name it.
const decisionHeader = "X-Optout-Decision"

// settle makes a decision known to whoever counts and asks, before it is carried
// out.
func (x *exchange) settle(w http.ResponseWriter, d decision) {
	kind := kindIndex(x.call.Kind)
	meters.decisions[kind].Observe((time.Since(x.h.provisioned) - x.began).Seconds())
	if !x.refused || d.action == answer { // else it was counted for its head
		x.h.app.tally(x.call.Realm)[kind][d.outcome].Add(1)
	}
	x.setPlaceholders(d)
	x.endSpan(d)
	switch {
	case d.action == answer:
		w.Header().Set(decisionHeader, x.decisionID())
	case d.outcome == outcomeWouldBlock && x.h.ObserveHeader != "":
		x.showObserved(w.Header(), d)
	}
}

// showObserved adds the header that says what enforcing would have done. What the
// list holds is shown only to those whom a block would tell: who knows the
// password. It must not be hashed first, for that would take the longer; the next
// request finds it remembered.
func (x *exchange) showObserved(header http.Header, d decision) {
	does := outcomeRefused
	if d.fromList {
		does = outcomeBlocked
		accounts := x.h.app.accounts
		if accounts.knows(x.call.Realm) && !accounts.remembers(x.call.Realm, x.call.Password, clientIP(x.r)) {
			return
		}
	}
	header.Set(x.h.ObserveHeader, does.String()+"; code="+d.code+"; decision="+x.decisionID())
}

// passes reports whether there is nothing to say about a request but that it was
// forwarded.
func (d *decision) passes() bool {
	return d.action == forward && d.outcome == outcomeForwarded && d.code == ""
}

// scope says what the opt-out covers that is in the way, if there is one.
func (x *exchange) scope() string {
	if !x.held.InForce {
		return ""
	}
	return operate.ScopeOf(x.held.Pair)
}

// subject is whom the request is about: the first recipient that is blocked, or
// the first.
func (x *exchange) subject() smsapi.Recipient {
	to := x.call.Recipients
	switch {
	case len(to) == 0:
		return smsapi.Recipient{}
	case len(x.blocked) > 0:
		return to[x.blocked[0]]
	default:
		return to[0]
	}
}

// decisionID names the decision in the log, in the answer and in the history. It
// is made when somebody asks for it: a send that passes needs none.
func (x *exchange) decisionID() string {
	if x.id == "" {
		var b [10]byte
		rand.Read(b[:]) // never fails; see crypto/rand
		x.id = decisionEncoding.EncodeToString(b[:])
	}
	return x.id
}

// decisionEncoding has no letters that look like others, for an ID is read out over
// the phone as well.
var decisionEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
