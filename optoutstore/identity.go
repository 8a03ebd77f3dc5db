package optoutstore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ID names a store for life: 16 random bytes, hexadecimal in text.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is the ID in hexadecimal.
func (id ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads 32 hexadecimal digits.
func (id *ID) UnmarshalText(text []byte) error { return unhex(id[:], text) }

// Hash is the SHA-256 of a journal record, and so of the whole history up to it.
// The zero Hash stands in front of the first event.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error { return unhex(h[:], text) }

func unhex(dst, text []byte) error {
	if len(text) != hex.EncodedLen(len(dst)) {
		return errors.New("wrong length")
	}
	_, err := hex.Decode(dst, text)
	return err
}

// identityName is the file that makes a directory a store. It is written last
// when a store is created, and never again.
const identityName = "STORE"

// storeFormat is the version of the directory's layout: of what files there are
// and what they mean. It rises when an older program must keep its hands off.
const storeFormat = 1

// identity is the content of the file STORE.
type identity struct {
	Format  int       `json:"format"`
	ID      ID        `json:"id"`
	Created time.Time `json:"created"`
}

// newIdentity draws a new store's ID.
func newIdentity(now time.Time) identity {
	id := identity{Format: storeFormat, Created: now.UTC().Truncate(time.Microsecond)}
	_, _ = rand.Read(id.ID[:]) // never fails since Go 1.24: it ends the program
	return id
}

// readIdentity reads the file STORE. Its errors are fs.ErrNotExist, ErrDamaged,
// ErrNewerFormat and ErrUnavailable.
func readIdentity(fsys fsys, name string) (identity, error) {
	var id identity
	err := readSealed(fsys, name, storeFormat, &id)
	if errors.Is(err, errSeal) {
		return id, fmt.Errorf("%w: %v; restore the file from a copy of the store", ErrDamaged, err)
	}
	return id, err
}
