package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/stopgate/stopgate/optoutstore"
)

func init() {
	caddy.RegisterModule(BadgerStore{})
}

// BadgerStore keeps the list in a directory: a journal that is the truth, and a
// Badger index that is rebuilt from it when it has to be. One process at a time
// can have the directory open.
type BadgerStore struct {
	// The directory. It is created at the first start. The default is `sms_optout`
	// in Caddy's data directory. Placeholders are allowed.
	Path string `json:"path,omitempty"`

	// The free space, in bytes, below which no stop is recorded any more: Badger
	// needs some for itself, and a full disk would end the process. Default: 256
	// MiB.
	MinFree uint64 `json:"min_free,omitempty"`

	dir string // absolute, without symbolic links
}

// CaddyModule returns the Caddy module information.
func (BadgerStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sms_optout.stores.badger",
		New: func() caddy.Module { return new(BadgerStore) },
	}
}

// Provision finds out which directory is meant. It touches nothing in it.
func (b *BadgerStore) Provision(caddy.Context) error {
	if b.Path == "" {
		b.Path = filepath.Join(caddy.AppDataDir(), appName)
	}
	path, err := caddy.NewReplacer().ReplaceOrErr(b.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	if path == "" {
		return errors.New("path: the value is empty")
	}
	b.dir, err = resolve(path)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	if b.MinFree == 0 {
		b.MinFree = optoutstore.DefaultMinFree
	}
	return nil
}

// resolve returns the one name of a directory, however it is written: absolute,
// and with the symbolic links resolved of as much of it as exists.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return "", err
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}

// StoreKey implements StoreOpener.
func (b *BadgerStore) StoreKey() string { return "badger:" + b.dir }

// OpenStore implements StoreOpener.
func (b *BadgerStore) OpenStore() (optoutstore.Store, error) {
	s, err := optoutstore.Open(b.options())
	if errors.Is(err, optoutstore.ErrLoss) {
		err = fmt.Errorf("%w, by 'caddy sms-optout accept-loss --store %s --reason \"why\"'", err, quoted(b.dir))
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// witnessDir is where it is remembered how far each store had come: outside of
// the stores, so that it does not get lost with them.
func witnessDir() string { return filepath.Join(caddy.AppDataDir(), appName+"_witness") }

func (b *BadgerStore) options() optoutstore.Options {
	return optoutstore.Options{
		Dir:     b.dir,
		Witness: optoutstore.FileWitness(witnessDir()),
		MinFree: b.MinFree,
		Logger:  storeLogger(),

		OnCommit: meters.committed,
	}
}

// Reserve is the free space, in bytes, below which nothing is recorded.
func (b *BadgerStore) Reserve() uint64 { return b.MinFree }

// Reconfigure implements StoreOpener.
func (b *BadgerStore) Reconfigure(s optoutstore.Store) {
	if s, ok := s.(*optoutstore.Durable); ok {
		s.SetMinFree(b.MinFree)
	}
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	badger [<path>] {
//	    min_free <size>
//	}
func (b *BadgerStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	if d.NextArg() {
		b.Path = d.Val()
		if b.Path == "" {
			return d.Err("store badger: the path is empty")
		}
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "min_free":
			if b.MinFree != 0 {
				return given(d, "min_free")
			}
			var size string
			if err := oneArg(d, &size); err != nil {
				return err
			}
			n, err := humanize.ParseBytes(size)
			if err != nil || n == 0 {
				return d.Errf("min_free: '%s' is not allowed; use a size such as 256MiB", size)
			}
			b.MinFree = n
		default:
			return d.Errf("unknown option '%s'; the store badger knows min_free", d.Val())
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*BadgerStore)(nil)
	_ caddyfile.Unmarshaler = (*BadgerStore)(nil)
	_ StoreOpener           = (*BadgerStore)(nil)
)
