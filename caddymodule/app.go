package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

func init() {
	caddy.RegisterModule(new(App))
}

// appName is the app's module ID, and the name of the directive and of the
// global option.
const appName = "sms_optout"

// defaultRegion is the region of numbers without a country code: the API that is
// fronted first is a provider's of the United States.
const defaultRegion = "US"

// App is the opt-out list of a server. The list belongs to the server, the
// policy to the site: any number of sms_optout handlers use the one App.
type App struct {
	// Where the list is kept. The default is `badger` in Caddy's data directory.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=sms_optout.stores inline_key=store"`

	// The accounts whose stops are accepted.
	Realms []Realm `json:"realm,omitempty"`

	// The region of numbers without a country code, as an ISO 3166-1 alpha-2
	// code. Default: US. Placeholders are allowed.
	DefaultRegion string `json:"default_region,omitempty"`

	// How phones appear in logs: `masked` (the default, 1206*****12) or `full`.
	LogPhones string `json:"log_phones,omitempty"`

	// Whether the metrics of requests and opt-outs have the label `realm`, with the
	// names of the realms that are configured.
	MetricsRealm bool `json:"metrics_realm,omitempty"`

	// How the backend is told of the opt-outs. Default: it is not, and nothing is
	// sent to it on the gateway's own account.
	Relay *Relay `json:"relay,omitempty"`

	logger   *zap.Logger
	region   *phone.Region
	accounts *accounts
	opener   StoreOpener
	events   eventSource
	trouble  *troubleLog
	others   *tally            // of requests that no realm's tally counts
	tallies  map[string]*tally // by realm, under metrics_realm

	// shared is set once the store is open. It stays set after the app has let go
	// of it, for the requests that are still under way.
	shared   atomic.Pointer[sharedStore]
	mu       sync.Mutex
	released bool
	relaying *relayUser // set by Start
}

// Realm is an account of the API and the hash of its password.
type Realm struct {
	// The account's name, compared without letter case and outer white space.
	Name string `json:"name"`

	// The password's hash as `caddy hash-password` prints it: bcrypt or argon2id,
	// recognised by its prefix. Placeholders are allowed.
	Hash string `json:"hash"`
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  appName,
		New: func() caddy.Module { return new(App) },
	}
}

// Provision reads the configuration. It opens no store, so that `caddy validate`
// works beside a running server.
func (a *App) Provision(ctx caddy.Context) error {
	a.logger = ctx.Logger()
	a.trouble = newTroubleLog(troubleEvery)
	repl := caddy.NewReplacer()

	if a.DefaultRegion == "" {
		a.DefaultRegion = defaultRegion
	}
	code, err := repl.ReplaceOrErr(a.DefaultRegion, true, true)
	if err != nil {
		return fmt.Errorf("default_region: %w", err)
	}
	if a.region, err = phone.NewRegion(code); err != nil {
		return fmt.Errorf("default_region: '%s' %w", code, err)
	}

	switch a.LogPhones {
	case "", logPhonesMasked, logPhonesFull:
	default:
		return notAllowed("log_phones", a.LogPhones, logPhonesValues)
	}

	if a.StoreRaw == nil {
		a.opener = new(BadgerStore)
		if err := a.opener.(*BadgerStore).Provision(ctx); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	} else {
		mod, err := ctx.LoadModule(a, "StoreRaw")
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		opener, ok := mod.(StoreOpener)
		if !ok {
			return fmt.Errorf("store: module %T keeps no opt-out list", mod)
		}
		a.opener = opener
	}

	a.accounts, err = newAccounts(ctx, repl, a.Realms)
	if err != nil {
		return err
	}
	if err := a.provisionMetrics(ctx); err != nil {
		return err
	}
	if a.events, err = newEventSource(ctx); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if a.Relay != nil {
		if err := a.Relay.provision(ctx, a, repl); err != nil {
			return fmt.Errorf("relay: %w", err)
		}
	}
	if len(a.Realms) == 0 {
		a.logger.Warn("no realm is configured, so every stop will be refused; add 'realm <name> <hash>' to the sms_optout global option")
	}
	return nil
}

// Start opens the store, or takes a further share in it if another configuration
// has it open. From now on its relay is this configuration's.
func (a *App) Start() error {
	s, err := a.store()
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.relaying = a.newRelayUser()
	s.relay.join(a.relaying)
	return nil
}

// Stop does nothing: requests of this configuration may still be under way, and
// the modules are cleaned up right afterwards.
func (a *App) Stop() error { return nil }

// Cleanup lets go of what this app took, and of nothing else: it is called for
// an app that was only half provisioned, too.
func (a *App) Cleanup() error {
	a.mu.Lock()
	held := a.shared.Load() != nil && !a.released
	a.released = true
	a.mu.Unlock()

	var err error
	if held {
		a.shared.Load().part(a.opener)
		if a.relaying != nil {
			a.shared.Load().relay.part(a.relaying)
		}
		_, err = storePool.Delete(a.opener.StoreKey())
	}
	if a.trouble != nil {
		a.trouble.close()
	}
	if a.accounts != nil {
		err = errors.Join(err, a.accounts.release())
	}
	return err
}

// store returns the open store. Caddy starts apps in no order, so that a request
// may come in before Start: whoever is first opens it.
func (a *App) store() (*sharedStore, error) {
	if s := a.shared.Load(); s != nil {
		return s, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.shared.Load(); s != nil {
		return s, nil
	}
	if a.released {
		return nil, optoutstore.ErrClosed
	}
	value, _, err := storePool.LoadOrNew(a.opener.StoreKey(), func() (caddy.Destructor, error) {
		return openStore(a.opener)
	})
	if err != nil {
		return nil, err
	}
	s := value.(*sharedStore)
	s.join(a.opener)
	s.app.Store(a)
	a.shared.Store(s)
	return s, nil
}

// The values of log_phones.
const (
	logPhonesMasked = "masked"
	logPhonesFull   = "full"
)

var logPhonesValues = []string{logPhonesMasked, logPhonesFull}

// notAllowed is the error for a value outside a fixed set.
func notAllowed(option, value string, allowed []string) error {
	return fmt.Errorf("%s: '%s' is not allowed; use one of %s", option, value, strings.Join(allowed, ", "))
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
