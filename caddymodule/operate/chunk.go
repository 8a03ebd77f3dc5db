package operate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// Chunk is what became of some rows.
type Chunk struct {
	// Imported counts the opt-outs that were recorded, or would be; Known those that
	// the list had already, or that were lifted later.
	Imported, Known uint64
	// Rejects are the rows that cannot be read, by the line of the row.
	Rejects []Reject
	// New are, of a dry run, the fingerprints of the pairs that would be recorded.
	New []string
}

// Reject is a row that was not taken.
type Reject struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
	// Row is the row as it was written.
	Row listfile.Row `json:"-"`
}

// importPatience is how long the queue of a busy list may be full.
const importPatience = 30 * time.Second

// ImportChunk implements [Verbs]. What is recorded is recorded whole.
func (l *List) ImportChunk(ctx context.Context, rows []listfile.Row, dry bool) (Chunk, error) {
	var c Chunk
	changes := make([]optoutstore.Change, 0, len(rows))
	for _, row := range rows {
		change, err := l.imported(row)
		if err != nil {
			c.Rejects = append(c.Rejects, Reject{Line: row.Line, Reason: err.Error(), Row: row})
			continue
		}
		changes = append(changes, change)
	}
	if dry {
		return c, l.weigh(ctx, changes, &c)
	}
	if len(changes) == 0 {
		return c, nil
	}
	results, err := l.importPatiently(ctx, changes)
	if err != nil {
		return c, err
	}
	for _, r := range results {
		if r.Known {
			c.Known++
		} else {
			c.Imported++
		}
	}
	return c, nil
}

// imported reads a row.
func (l *List) imported(row listfile.Row) (c optoutstore.Change, err error) {
	c = optoutstore.Change{
		Source: optoutstore.Source(row.Source), Remote: l.By.Remote, RequestID: l.By.RequestID, Actor: l.By.Actor, Reason: lineEnds(row.Reason),
	}
	if c.Source == "" {
		c.Source = optoutstore.SourceImport
	}
	if c.Pair, err = l.pair(Question{Realm: row.Realm, Sender: row.Sender, Phone: row.Phone}); err != nil {
		return c, err
	}
	if c.EffectiveAt, err = l.moment("at", row.At); err != nil {
		return c, err
	}
	if err = text("source", string(c.Source), MaxSource); err != nil {
		return c, err
	}
	return c, text("reason", c.Reason, MaxReason)
}

// CheckFill refuses what would fill the rows that lack something, if no row could
// be taken with it: one such flag would reject rows that are right, after others
// were recorded. It asks for what would become of a row of it.
func CheckFill(ctx context.Context, into func(context.Context, []listfile.Row, bool) (Chunk, error), o listfile.Options) error {
	if o.Realm+o.Sender+o.Source == "" {
		return nil
	}
	row := listfile.Row{
		Realm: cmp.Or(o.Realm, optoutstore.AnyRealm), Sender: cmp.Or(o.Sender, string(phone.AnySender)),
		Phone: "+12065550100", Source: o.Source,
	}
	c, err := into(ctx, []listfile.Row{row}, true)
	if err != nil {
		return err
	}
	for _, r := range c.Rejects {
		field, reason, _ := strings.Cut(r.Reason, " ")
		return wrong(field, errors.New(reason))
	}
	return nil
}

// importPatiently waits while the list has too many changes waiting: sends and
// stops go first.
func (l *List) importPatiently(ctx context.Context, changes []optoutstore.Change) ([]optoutstore.Imported, error) {
	ctx, cancel := context.WithTimeout(ctx, importPatience)
	defer cancel()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		results, err := l.Store.Import(ctx, changes)
		if !errors.Is(err, optoutstore.ErrBusy) {
			return results, err
		}
		pause.Reset(20 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w, for %v", err, importPatience)
		}
	}
}

// weigh says what Import would do with changes. A list whose store is not made yet
// knows nothing.
func (l *List) weigh(ctx context.Context, changes []optoutstore.Change, c *Chunk) error {
	for _, change := range changes {
		if l.Store == nil {
			c.Imported++
			c.New = append(c.New, fingerprint(change.Pair))
			continue
		}
		known := false
		f := optoutstore.Filter{Realm: change.Realm, Sender: change.Sender, Phone: change.Phone, Lifted: true}
		err := l.Store.States(ctx, f, func(s optoutstore.State) error {
			known = s.InForce || !change.EffectiveAt.IsZero() && !s.EffectiveAt.Before(change.EffectiveAt)
			return nil
		})
		if err != nil {
			return err
		}
		if known {
			c.Known++
			continue
		}
		c.Imported++
		c.New = append(c.New, fingerprint(change.Pair))
	}
	return nil
}

// fingerprint is a pair in 16 hexadecimal digits.
func fingerprint(p optoutstore.Pair) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", p.Realm, p.Sender, p.Phone.Digits()))
	return hex.EncodeToString(sum[:8])
}
