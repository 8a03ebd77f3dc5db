package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterGlobalOption(appName, parseGlobalOption)
}

func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		return nil, d.Err("the sms_optout global option is given twice; there is one list for the whole server")
	}
	a := new(App)
	if err := a.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appName, Value: caddyconfig.JSON(a, nil)}, nil
}

// UnmarshalCaddyfile sets up the app from the global option:
//
//	sms_optout {
//	    store          <module> [<args...>]   # default: badger
//	    realm          <name> <hash>          # repeatable
//	    default_region <code>                 # default: US
//	    log_phones     masked|full            # default: masked
//	    metrics_realm  on|off                 # default: off
//	    relay          <url> { ... }          # default: none; see unmarshalRelay
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the option's name
	if d.NextArg() {
		return d.Err("sms_optout takes its settings in a block; write 'sms_optout {'")
	}
	var metricsRealm string
	for d.NextBlock(0) {
		option := d.Val()
		switch option {
		case "store":
			if a.StoreRaw != nil {
				return given(d, option)
			}
			if !d.NextArg() {
				return d.ArgErr()
			}
			name := d.Val()
			unm, err := caddyfile.UnmarshalModule(d, "sms_optout.stores."+name)
			if err != nil {
				return err
			}
			a.StoreRaw = caddyconfig.JSONModuleObject(unm, "store", name, nil)

		case "realm":
			var r Realm
			if !d.Args(&r.Name, &r.Hash) || d.NextArg() {
				return d.Errf("realm takes a name and a password hash: realm <name> <hash>; make the hash with 'caddy hash-password --algorithm argon2id'")
			}
			for _, other := range a.Realms {
				if other.Name == r.Name {
					return d.Errf("realm '%s' is given twice", r.Name)
				}
			}
			a.Realms = append(a.Realms, r)

		case "default_region":
			if err := oneArg(d, &a.DefaultRegion); err != nil {
				return err
			}

		case "log_phones":
			if err := oneOf(d, &a.LogPhones, logPhonesValues); err != nil {
				return err
			}

		case "metrics_realm":
			if err := oneOf(d, &metricsRealm, onOff); err != nil {
				return err
			}
			a.MetricsRealm = metricsRealm == "on"

		case "relay":
			if err := a.unmarshalRelay(d); err != nil {
				return err
			}

		default:
			return unknownOption(d, "store", "realm", "default_region", "log_phones", "metrics_realm", "relay")
		}
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*App)(nil)
