package caddymodule

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/relay"
)

// The states of a relay and of its realms.
const (
	relayNone       = "none"         // the configuration has no relay
	relayRunning    = "running"      // it tells
	relayPaused     = "paused"       // an operator has paused it
	relayDown       = "backend_down" // the backend does not answer, and is probed
	relayUnwritable = "unwritable"   // what is told could not be noted
	relayStarting   = "starting"     // the list has not been read yet
	relaySuspect    = "password?"    // every stop of the realm fails, or its password cannot be read
)

// relayStatus is what the relay does, for operators and their programs.
type relayStatus struct {
	State string `json:"state"`
	// URL of the backend, without a query.
	URL string `json:"url,omitempty"`
	// Reason says why the state is not running, Since and NextProbe belong to
	// backend_down.
	Reason    string        `json:"reason,omitempty"`
	Since     *operate.Time `json:"since,omitempty"`
	NextProbe *operate.Time `json:"next_probe,omitempty"`
	// Realms are those that are relayed.
	Realms []relayRealmStatus `json:"realms"`
	// NotRelayed counts the opt-outs in force that the backend was not told of and
	// that nobody tells it of: those of realms without a line in the relay's block,
	// and those of every sender or realm, for which its API has no words.
	NotRelayed uint64 `json:"not_relayed"`
}

// relayRealmStatus is what it does for a realm.
type relayRealmStatus struct {
	Realm string `json:"realm"`
	State string `json:"state"`
	// NotTold counts the opt-outs in force that the backend was not told of; those
	// from before the relay began are among them.
	NotTold uint64 `json:"not_told"`
	// The next five are of those that the relay is about to tell.
	Waiting  int           `json:"waiting"`
	Retrying int           `json:"retrying"`
	Failing  int           `json:"failing"`
	Held     int           `json:"held"`
	Telling  int           `json:"telling"`
	Oldest   *operate.Time `json:"oldest,omitempty"`
	// Failures are the FAILUREs in a row, Failure the reason of the last one, or why
	// the password cannot be read.
	Failures  int           `json:"failures"`
	Failure   string        `json:"failure,omitempty"`
	FailureAt *operate.Time `json:"failure_at,omitempty"`
	NextProbe *operate.Time `json:"next_probe,omitempty"`
	// From is the number of the event behind which opt-outs are relayed.
	From uint64 `json:"from"`
	// ReadTo and ReadUntil are event numbers while older opt-outs are looked for.
	ReadTo    uint64 `json:"read_to,omitempty"`
	ReadUntil uint64 `json:"read_until,omitempty"`
	// Attempts are the deliveries since the relay began, by result.
	Attempts map[string]uint64 `json:"attempts"`
}

// status describes the relay.
func (s *relaySlot) status(ctx context.Context) (relayStatus, error) {
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return relayStatus{}, err
	}
	s.mu.Lock()
	engine, user, paused := s.engine, s.newest(), s.paused
	s.mu.Unlock()

	out := relayStatus{State: relayNone, Realms: []relayRealmStatus{}}
	if user != nil && user.engine != nil {
		out.State, out.URL = relayStarting, user.url
	}
	var now relay.Status
	if engine != nil {
		now = engine.Status()
		out.State = relayRunning
		switch {
		case now.Down:
			out.State, out.Reason = relayDown, now.Reason
			out.Since, out.NextProbe = timeOf(now.DownSince), timeOf(now.NextProbe)
		case now.Store != "":
			out.State, out.Reason = relayUnwritable, now.Store
		}
	}
	if paused && out.State != relayNone {
		out.State = relayPaused
	}
	notTold := make(map[string]uint64)
	for _, c := range stats.Senders {
		if relay.Tellable(optoutstore.Pair{Realm: c.Realm, Sender: c.Sender}) {
			notTold[c.Realm] += c.Untold
		} else {
			out.NotRelayed += c.Untold
		}
	}
	for _, r := range now.Realms {
		out.Realms = append(out.Realms, realmStatus(r, notTold[r.Realm]))
		delete(notTold, r.Realm)
	}
	for _, n := range notTold {
		out.NotRelayed += n
	}
	return out, nil
}

func realmStatus(r relay.RealmStatus, notTold uint64) relayRealmStatus {
	out := relayRealmStatus{
		Realm: r.Realm, State: relayRunning, NotTold: notTold,
		Waiting: r.Waiting, Retrying: r.Retrying, Failing: r.Failing, Held: r.Held, Telling: r.Flying,
		Oldest: timeOf(r.Oldest), Failures: r.Failures, Failure: r.Failure, FailureAt: timeOf(r.FailureAt),
		NextProbe: timeOf(r.NextProbe), From: r.From, ReadTo: r.ReadTo, ReadUntil: r.ReadUntil,
		Attempts: make(map[string]uint64),
	}
	switch {
	case !r.Ready:
		out.State = relayStarting
	case r.Suspect:
		out.State = relaySuspect
	}
	for result := range relay.Results {
		if n := r.Results[result]; n > 0 {
			out.Attempts[result.String()] = n
		}
	}
	return out
}

func timeOf(t time.Time) *operate.Time {
	if t.IsZero() {
		return nil
	}
	return &operate.Time{Time: t}
}

// shownURL is a URL without what may be a secret in it.
func shownURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// trouble is what an operator should see of the relay wherever they look.
func (s relayStatus) trouble() (lines []string) {
	switch s.State {
	case relayPaused:
		lines = append(lines, "the relay is paused; 'caddy sms-optout relay resume' ends that")
	case relayDown:
		lines = append(lines, fmt.Sprintf("the backend does not answer the relay since %s: %s", s.Since, s.Reason))
	case relayUnwritable:
		lines = append(lines, "the relay waits until the list can be written: "+s.Reason)
	}
	for _, r := range s.Realms {
		if r.State == relaySuspect {
			lines = append(lines, fmt.Sprintf("password? nothing is told of realm %s: %s", r.Realm, r.Failure))
		}
	}
	return lines
}
