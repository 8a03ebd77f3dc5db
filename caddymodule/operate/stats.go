package operate

import "context"

// Stats describes a list.
type Stats struct {
	// Events is the number of the newest event.
	Events uint64 `json:"events"`
	// InForce counts the opt-outs in force, NotTold those of them that a relay has not
	// told the backend of.
	InForce uint64 `json:"in_force"`
	NotTold uint64 `json:"not_told"`
	// Relay says what keeps the relay from telling, if something does.
	Relay []string `json:"relay,omitempty"`
	// Senders has the same for each realm and sender with any in force.
	Senders []SenderStats `json:"senders"`
	// Oldest and Newest are when the first and the newest event were recorded; nil
	// where there is none.
	Oldest *Time `json:"oldest"`
	Newest *Time `json:"newest"`
	// JournalBytes and IndexBytes are the sizes of the store's parts.
	JournalBytes int64 `json:"journal_bytes"`
	IndexBytes   int64 `json:"index_bytes"`
	// Format is the version of the storage format, Store the store's ID.
	Format int    `json:"format"`
	Store  string `json:"store"`
}

// SenderStats counts the opt-outs of one sender of one realm.
type SenderStats struct {
	Realm   string `json:"realm"`
	Sender  string `json:"sender"`
	InForce uint64 `json:"in_force"`
	NotTold uint64 `json:"not_told"`
}

// Stats implements [Verbs].
func (l *List) Stats(ctx context.Context) (Stats, error) {
	s, err := l.Store.Stats(ctx)
	if err != nil {
		return Stats{}, err
	}
	out := Stats{
		Events: s.Events, InForce: s.InForce, NotTold: s.Untold, Senders: []SenderStats{},
		JournalBytes: s.JournalBytes, IndexBytes: s.IndexBytes, Format: s.Format, Store: s.ID,
	}
	if !s.Oldest.IsZero() {
		out.Oldest, out.Newest = &Time{s.Oldest}, &Time{s.Newest}
	}
	for _, c := range s.Senders {
		out.Senders = append(out.Senders, SenderStats{Realm: c.Realm, Sender: string(c.Sender), InForce: c.InForce, NotTold: c.Untold})
	}
	return out, nil
}

// Verify implements [Verbs].
func (l *List) Verify(ctx context.Context, progress func(done, total uint64)) error {
	return l.Store.Verify(ctx, progress)
}
