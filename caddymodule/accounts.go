package caddymodule

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/smsapi"
)

// accountPool holds the accounts of the process by realm and hash, so that what
// was verified is remembered across a reload, and a changed hash starts anew.
var accountPool = caddy.NewUsagePool()

// accounts are the realms of one configuration.
type accounts struct {
	byRealm map[string]*account // by canonical name
	list    []*account
	held    []accountKey
	seed    maphash.Seed // which account is whose decoy
	hashing *hashing
}

type accountKey struct{ realm, hash string }

// account is a realm and what is known about passwords for it.
type account struct {
	hash     []byte
	comparer caddyauth.Comparer
	key      [32]byte // of the digests; lives as long as the account

	warn sync.Once // about a hash that cannot be compared with

	mu       sync.Mutex
	verified digest
	rejected [16]digest // the last ones, so that a client that repeats a wrong password costs one hash
	next     int
	flights  map[digest]*flight
}

// digest stands for a realm and password that were tried. It is keyed, so that a
// memory dump holds nothing to guess against but the hash itself.
type digest [sha256.Size]byte

func newAccount(hash string, comparer caddyauth.Comparer) *account {
	a := &account{hash: []byte(hash), comparer: comparer, flights: make(map[digest]*flight)}
	rand.Read(a.key[:]) // never fails; see crypto/rand
	return a
}

// digest of a password tried for a realm against this account.
func (a *account) digest(realm, password string) (d digest) {
	mac := hmac.New(sha256.New, a.key[:])
	for _, s := range [...]string{realm, password} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		mac.Write(n[:])
		mac.Write([]byte(s))
	}
	mac.Sum(d[:0])
	return d
}

// Destruct forgets what was verified.
func (a *account) Destruct() error { return nil }

func newAccounts(ctx caddy.Context, repl *caddy.Replacer, realms []Realm) (*accounts, error) {
	as := &accounts{byRealm: make(map[string]*account, len(realms)), seed: maphash.MakeSeed(), hashing: hashers}
	if err := as.add(ctx, repl, realms); err != nil {
		return nil, errors.Join(err, as.release())
	}
	return as, nil
}

func (as *accounts) add(ctx caddy.Context, repl *caddy.Replacer, realms []Realm) error {
	for _, r := range realms {
		if strings.HasPrefix(r.Name, "$") {
			// Not shown: it looks like the hash, with the two the wrong way round.
			return errors.New("a realm's name begins with '$'; the line is: realm <name> <hash>")
		}
		_, name, err := realmName(repl, r.Name)
		if err != nil {
			return fmt.Errorf("realm '%s': %w", r.Name, err)
		}
		if as.byRealm[name] != nil {
			return fmt.Errorf("realm '%s' is given twice (realms are compared without letter case)", r.Name)
		}
		hash, err := repl.ReplaceOrErr(r.Hash, true, true)
		if err != nil {
			return fmt.Errorf("realm '%s': password hash: %w", r.Name, err)
		}
		comparer, err := hashModule(ctx, hash)
		if err != nil {
			return fmt.Errorf("realm '%s': %w", r.Name, err)
		}

		key := accountKey{name, hash}
		value, _, err := accountPool.LoadOrNew(key, func() (caddy.Destructor, error) {
			return newAccount(hash, comparer), nil
		})
		if err != nil {
			return err
		}
		as.held = append(as.held, key)
		as.byRealm[name] = value.(*account)
		as.list = append(as.list, value.(*account))
	}
	return nil
}

// realmName reads the name of an account: as it is written with its placeholders
// replaced, and in canonical form.
func realmName(repl *caddy.Replacer, name string) (written, canonical string, err error) {
	if written, err = repl.ReplaceOrErr(name, true, true); err != nil {
		return "", "", err
	}
	if strings.TrimSpace(written) == optoutstore.AnyRealm {
		return "", "", errors.New("it stands for every realm, which is no account and has no password; name one account, in a line for each")
	}
	canonical, err = smsapi.CanonicalRealm(written)
	return written, canonical, err
}

// release lets go of the accounts that this configuration took.
func (as *accounts) release() error {
	var errs []error
	for _, key := range as.held {
		if _, err := accountPool.Delete(key); err != nil {
			errs = append(errs, err)
		}
	}
	as.held = nil
	return errors.Join(errs...)
}

// knows reports whether a realm is configured.
func (as *accounts) knows(realm string) bool { return as.byRealm[realm] != nil }

// meant are the configured realms that a program could read where a realm is written
// that is not configured, sorted.
func (as *accounts) meant(realm string) []string {
	var meant []string
	guess := smsapi.GuessRealm(realm)
	for name := range as.byRealm {
		if guess.MayMean(name) {
			meant = append(meant, name)
		}
	}
	slices.Sort(meant)
	return meant
}

// forRealm returns the realm's account. For an unknown realm it returns another's
// as a decoy, always the same for the same realm, so that a wrong password and an
// unknown realm take the same work; there is none if no realm is configured.
func (as *accounts) forRealm(realm string) (a *account, known bool) {
	if a := as.byRealm[realm]; a != nil {
		return a, true
	}
	if len(as.list) == 0 {
		return nil, false
	}
	return as.list[maphash.String(as.seed, realm)%uint64(len(as.list))], false
}

// Interface guards
var _ caddy.Destructor = (*account)(nil)
