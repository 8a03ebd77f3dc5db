package caddymodule

import (
	"crypto/rand"
	"encoding/base32"
	"net/http"
	"time"
)

// decisionHeader tells the sender which decision it was, on each answer of the
// gateway's own. Whoever asks the operator about one can name it.
const decisionHeader = "X-Optout-Decision"

// settle makes a decision known to whoever counts and asks, before it is carried
// out.
func (x *exchange) settle(w http.ResponseWriter, d decision) {
	kind := kindIndex(x.call.Kind)
	meters.decisions[kind].Observe(time.Since(x.began).Seconds())
	passes := d.outcome == outcomeForwarded || d.outcome == outcomeWouldBlock
	if !x.refused || !passes { // else it was counted for its head
		x.h.app.tally(x.call.Realm)[kind][d.outcome].Add(1)
	}
	if d.action == answer {
		w.Header().Set(decisionHeader, x.decisionID())
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
