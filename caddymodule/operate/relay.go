package operate

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stopgate/stopgate/optoutstore"
)

// RelayOrder asks for something about what the backend is told, in an operator's
// writing.
type RelayOrder struct {
	Realm  string `json:"realm,omitempty"`
	Sender string `json:"sender,omitempty"`
	Phone  string `json:"phone,omitempty"`
	// All is of a drop: every opt-out of the realm. An order that only leaves the
	// others out, as where a program's variable is empty, is not understood so.
	All    bool   `json:"all,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Rate is the most that a backfill tells in a second; zero is no limit of its own.
	Rate float64 `json:"rate,omitempty"`
}

// dropsAtOnce is how many drops are written at a time, so that they share syncs.
const dropsAtOnce = 64

var errWhich = errors.New("has to be true where neither a sender nor a phone is named, and nowhere else: say which opt-outs the backend knows")

// Drop records that the backend knows opt-outs although nobody has told it, and
// returns how many: those of one sender or phone of a realm, of one sender and phone,
// or all of it. Sender "*" selects those that were recorded for every sender.
func (l *List) Drop(ctx context.Context, o RelayOrder) (dropped uint64, err error) {
	var f optoutstore.Filter
	if f.Realm, err = realm(o.Realm); err != nil {
		return 0, err
	}
	if o.All == (o.Sender != "" || o.Phone != "") {
		return 0, wrong("all", errWhich)
	}
	if o.Sender != "" {
		if f.Sender, err = l.sender(o.Sender); err != nil {
			return 0, err
		}
	}
	if o.Phone != "" {
		if f.Phone, err = l.phone(o.Phone); err != nil {
			return 0, err
		}
	}
	if strings.TrimSpace(o.Reason) == "" {
		return 0, wrong("reason", errors.New("is missing: it stays in the journal for those who ask later how the backend was told"))
	}
	if err := text("reason", o.Reason, MaxReason); err != nil {
		return 0, err
	}
	c := optoutstore.Change{Source: l.By.Source, Remote: l.By.Remote, RequestID: l.By.RequestID, Actor: l.By.Actor, Reason: lineEnds(o.Reason)}

	var n atomic.Uint64
	var failed atomic.Pointer[error]
	var drops sync.WaitGroup
	slots := make(chan struct{}, dropsAtOnce)
	err = l.Store.States(ctx, f, func(s optoutstore.State) error {
		if s.Told {
			return nil
		}
		if err := failed.Load(); err != nil {
			return *err
		}
		slots <- struct{}{}
		drops.Go(func() {
			defer func() { <-slots }()
			c := c
			c.Pair = s.Pair
			switch _, err := l.Store.Told(ctx, c, s.Last); {
			case errors.Is(err, optoutstore.ErrChanged), errors.Is(err, optoutstore.ErrNotOptedOut):
				// Not what was to be dropped any more.
			case err != nil:
				failed.Store(&err)
			default:
				n.Add(1)
			}
		})
		return nil
	})
	drops.Wait()
	if first := failed.Load(); err == nil && first != nil {
		err = *first
	}
	return n.Load(), err
}

// BackfillChange is the change that a backfill of a realm records.
func (l *List) BackfillChange(o RelayOrder) (optoutstore.Change, error) {
	name, err := l.RelayRealm(o)
	if err == nil && name == "" {
		err = wrong("realm", errMissing)
	}
	if o.Rate < 0 {
		err = wrong("rate", errors.New("is below zero"))
	}
	return optoutstore.Change{
		Pair:   optoutstore.Pair{Realm: name},
		Source: l.By.Source, Remote: l.By.Remote, RequestID: l.By.RequestID, Actor: l.By.Actor, Reason: "backfill",
	}, err
}

// RelayRealm reads the realm of an order; empty means all.
func (l *List) RelayRealm(o RelayOrder) (string, error) {
	if strings.TrimSpace(o.Realm) == "" {
		return "", nil
	}
	name, err := realm(o.Realm)
	if err == nil && name == optoutstore.AnyRealm {
		err = wrong("realm", errOneName)
	}
	return name, err
}
