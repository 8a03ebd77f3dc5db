package operate

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/optoutstore"
)

// List implements [Verbs].
func (l *List) List(ctx context.Context, f Filter, fn func(Optout) error) error {
	filter, err := l.filter(f)
	if err != nil {
		return err
	}
	return l.states(ctx, filter, func(_ optoutstore.Pair, o Optout) error { return fn(o) })
}

func (l *List) states(ctx context.Context, f optoutstore.Filter, fn func(optoutstore.Pair, Optout) error) error {
	return l.Store.States(ctx, f, func(s optoutstore.State) error {
		e, err := l.Store.Detail(ctx, s)
		if err != nil {
			return err
		}
		return fn(s.Pair, l.optout(s, e))
	})
}

// Page calls fn for at most limit of the opt-outs that List lists, behind the pair
// after, and returns the last of them if there are more.
func (l *List) Page(ctx context.Context, f Filter, after optoutstore.Pair, limit int, fn func(Optout) error) (last optoutstore.Pair, more bool, err error) {
	filter, err := l.filter(f)
	if err != nil {
		return last, false, err
	}
	filter.After = after
	n := 0
	err = l.states(ctx, filter, func(p optoutstore.Pair, o Optout) error {
		if n == limit {
			return errFull
		}
		n++
		last = p
		return fn(o)
	})
	if err == errFull {
		return last, true, nil
	}
	return last, false, err
}

// errFull ends a page.
var errFull = errors.New("the page is full")

// filter reads what is to be listed.
func (l *List) filter(f Filter) (filter optoutstore.Filter, err error) {
	if strings.TrimSpace(f.Realm) != "" {
		if filter.Realm, err = realm(f.Realm); err != nil {
			return filter, err
		}
	}
	if strings.TrimSpace(f.Sender) != "" {
		if filter.Sender, err = l.sender(f.Sender); err != nil {
			return filter, err
		}
	}
	if strings.TrimSpace(f.Phone) != "" {
		if filter.Phone, err = l.phone(f.Phone); err != nil {
			return filter, err
		}
	}
	filter.Since, err = l.moment("since", f.Since)
	return filter, err
}

// Export says what goes into a file, and how.
type Export struct {
	Format        listfile.Format
	Realm, Sender string
	// History writes every event in the order of their numbers, instead of the
	// opt-outs in force. Import does not read that.
	History bool
}

// historyNames is the header of a history: that of an export, and the rest.
var historyNames = append(listfile.Names[:len(listfile.Names):len(listfile.Names)],
	"kind", "event", "recorded_at", "actor", "remote", "request_id")

// Export implements [Verbs].
func (l *List) Export(ctx context.Context, w io.Writer, e Export) (rows uint64, err error) {
	filter, err := l.filter(Filter{Realm: e.Realm, Sender: e.Sender})
	if err != nil {
		return 0, err
	}
	switch e.Format {
	case "":
		e.Format = listfile.CSV
	case listfile.CSV, listfile.NDJSON:
	default:
		return 0, wrong("format", errors.New("is neither csv nor ndjson"))
	}
	var header []string
	if e.History {
		header = historyNames
	}
	out, err := listfile.NewWriter(w, e.Format, header)
	if err != nil {
		return 0, err
	}
	if e.History {
		_, err = l.Store.Events(ctx, optoutstore.Place{}, func(ev optoutstore.Event, _ optoutstore.Place) error {
			if filter.Realm != "" && filter.Realm != ev.Realm || filter.Sender != "" && filter.Sender != ev.Sender {
				return nil
			}
			rows++
			shown := l.event(ev)
			return out.Write([]string{
				shown.Realm, shown.Sender, shown.Phone, shown.At.String(), shown.Source, shown.Reason,
				shown.Kind, strconv.FormatUint(shown.Event, 10), shown.Recorded.String(), shown.Actor, shown.Remote, shown.RequestID,
			}, shown)
		})
	} else {
		err = l.states(ctx, filter, func(_ optoutstore.Pair, o Optout) error {
			rows++
			r := listfile.Row{Realm: o.Realm, Sender: o.Sender, Phone: o.Phone, At: o.At.String(), Source: o.Source, Reason: o.Reason}
			return out.Write(r.Values(), r)
		})
	}
	if err != nil {
		return rows, err
	}
	return rows, out.Flush()
}
