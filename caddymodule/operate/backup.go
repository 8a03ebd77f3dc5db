package operate

import (
	"context"
	"fmt"
	"io"

	"github.com/stopgate/stopgate/optoutstore"
)

// Backup says what a backup holds.
type Backup struct {
	Store  string `json:"store"`
	Events uint64 `json:"events"`
	// Hash is that of the last event, and so stands for all, in hexadecimal digits.
	Hash  string `json:"hash"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// BackupOf shows what a backup holds.
func BackupOf(s optoutstore.BackupSummary) Backup {
	return Backup{Store: s.Store.String(), Events: s.Events, Hash: fmt.Sprintf("%x", s.Hash[:]), Files: s.Files, Bytes: s.Bytes}
}

// CopyOf writes a consistent copy of a store, if it is of a kind that can be
// copied while it is in use.
func CopyOf(ctx context.Context, store optoutstore.Store, w io.Writer) (optoutstore.BackupSummary, error) {
	c, ok := store.(interface {
		Backup(ctx context.Context, w io.Writer) (optoutstore.BackupSummary, error)
	})
	if !ok {
		return optoutstore.BackupSummary{}, fmt.Errorf("%w: a store of this kind makes no backups", optoutstore.ErrInvalid)
	}
	return c.Backup(ctx, w)
}

// Backup implements [Verbs].
func (l *List) Backup(ctx context.Context, w io.Writer) (Backup, error) {
	s, err := CopyOf(ctx, l.Store, w)
	if err != nil {
		return Backup{}, err
	}
	return BackupOf(s), nil
}
