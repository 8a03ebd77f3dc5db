package caddymodule

import (
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// unmarshalRelay reads the relay's block in the global option:
//
//	relay <url> {
//	    realm       <name> <password>     # repeatable
//	    told_if     <text>                # repeatable
//	    concurrency <n>                   # default: 8
//	    rate        <n>/s                 # default: 100/s; or /m, /h
//	    timeout     <duration>            # default: 10s
//	    api         <module> [<args...>]  # default: whatcounts
//	}
func (a *App) unmarshalRelay(d *caddyfile.Dispenser) error {
	if a.Relay != nil {
		return given(d, "relay")
	}
	r := new(Relay)
	if !d.Args(&r.URL) || r.URL == "" {
		return d.Errf("relay takes the URL at which the backend takes stops: relay http://localhost:9090/bin/api_web {")
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	var concurrency, rate, timeout string
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		switch d.Val() {
		case "realm":
			var realm RelayRealm
			if !d.Args(&realm.Name, &realm.Password) || d.NextArg() {
				return d.Errf("the relay's realm takes a name and the password that the backend has for it: realm <name> {env.<VARIABLE>}")
			}
			r.Realms = append(r.Realms, realm)
		case "told_if":
			var text string
			if !d.Args(&text) || d.NextArg() {
				return d.Errf("told_if takes one text; write it in quotes: told_if \"not found\"")
			}
			r.ToldIf = append(r.ToldIf, text)
		case "concurrency":
			if err = oneArg(d, &concurrency); err == nil {
				r.Concurrency, err = parseConcurrency(d, concurrency)
			}
		case "rate":
			if err = oneArg(d, &rate); err == nil {
				r.Rate, err = parseRate(d, rate)
			}
		case "timeout":
			if err = oneArg(d, &timeout); err == nil {
				r.Timeout, err = parseTimeout(d, timeout)
			}
		case "api":
			err = r.unmarshalAPI(d)
		default:
			return d.Errf("unknown option '%s'; relay knows realm, told_if, concurrency, rate, timeout, api", d.Val())
		}
		if err != nil {
			return err
		}
	}
	a.Relay = r
	return nil
}

func parseConcurrency(d *caddyfile.Dispenser, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxRelayConcurrency {
		return 0, d.Errf("concurrency: '%s' is not allowed; use 1 to %d", text, maxRelayConcurrency)
	}
	return n, nil
}

// rateUnits are the seconds that the units of a rate have.
var rateUnits = map[string]float64{"s": 1, "m": 60, "h": 3600}

// parseRate reads 20/s, 300/m or 5000/h into a number in a second.
func parseRate(d *caddyfile.Dispenser, text string) (float64, error) {
	number, unit, ok := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	seconds := rateUnits[unit]
	if !ok || err != nil || seconds == 0 || !(n > 0 && n/seconds <= maxRelayRate) {
		return 0, d.Errf("rate: '%s' is not allowed; use a number in a second, a minute or an hour, such as 20/s, 300/m or 5000/h", text)
	}
	return n / seconds, nil
}

func parseTimeout(d *caddyfile.Dispenser, text string) (caddy.Duration, error) {
	t, err := caddy.ParseDuration(text)
	if err != nil || t <= 0 || t > maxRelayTimeout {
		return 0, d.Errf("timeout: '%s' is not allowed; use a duration of at most %s, such as 10s", text, maxRelayTimeout)
	}
	return caddy.Duration(t), nil
}

func (r *Relay) unmarshalAPI(d *caddyfile.Dispenser) error {
	if r.APIRaw != nil {
		return given(d, "api")
	}
	if !d.NextArg() {
		return d.ArgErr()
	}
	name := d.Val()
	unm, err := caddyfile.UnmarshalModule(d, "sms_optout.apis."+name)
	if err != nil {
		return err
	}
	r.APIRaw = caddyconfig.JSONModuleObject(unm, "api", name, nil)
	return nil
}
