package optoutstore

import (
	"errors"
	"fmt"
)

// The errors that a Store returns, wrapped with what an operator needs to know.
// Errors of the file system and of Badger do not leave the package as they are:
// Badger's carry the key, and with it the phone.
var (
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the opt-out store is closed")
	// ErrNotReady: the index is being rebuilt from the journal.
	ErrNotReady = errors.New("the opt-out index is being rebuilt from the journal")
	// ErrNoSpace: the disk has less free space than the reserve.
	ErrNoSpace = errors.New("the opt-out store's disk is short of space")
	// ErrBusy: more changes are waiting than the store takes.
	ErrBusy = errors.New("the opt-out store has too many changes waiting")
	// ErrUnavailable: the store cannot be read or written; the text says why.
	ErrUnavailable = errors.New("the opt-out store is not available")
	// ErrNotOptedOut: there is nothing to lift.
	ErrNotOptedOut = errors.New("the pair has not opted out")
	// ErrChanged: another event about the pair came after the one that was seen.
	ErrChanged = errors.New("the pair has changed meanwhile")
	// ErrInvalid: a field of the change cannot be stored: empty, or too long.
	ErrInvalid = errors.New("the change cannot be stored")
	// ErrLocked: another process, or another store of this one, has the directory.
	ErrLocked = errors.New("the opt-out store's directory is in use")
	// ErrLoss: the store is missing, is another one, or is shorter than it was.
	ErrLoss = errors.New("the opt-out store has lost events")
	// ErrDamaged: the journal is damaged in the middle.
	ErrDamaged = errors.New("the opt-out journal is damaged")
	// ErrBackup: what is to be restored is not a whole, undamaged backup.
	ErrBackup = errors.New("it is not a whole backup of an opt-out store")
	// ErrOccupied: a store is to be restored where something is already.
	ErrOccupied = errors.New("the directory for the opt-out store is not empty")
	// ErrNewerFormat: the store was written by a newer version of this program.
	ErrNewerFormat = errors.New("the opt-out store was written by a newer version")
)

// unavailable is ErrUnavailable with what failed and why. The cause is text only:
// callers match our sentinels, not the file system's.
func unavailable(what string, cause error) error {
	return fmt.Errorf("%w: %s: %v", ErrUnavailable, what, cause)
}
