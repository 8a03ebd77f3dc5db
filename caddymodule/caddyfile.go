package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// oneArg reads the only argument of the option at hand, which must not have been
// given before.
func oneArg(d *caddyfile.Dispenser, value *string) error {
	option := d.Val()
	if *value != "" {
		return given(d, option)
	}
	if !d.NextArg() {
		return d.ArgErr()
	}
	*value = d.Val()
	if *value == "" {
		return d.Errf("%s: the value is empty", option)
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// onOff are the values of a switch.
var onOff = []string{"on", "off"}

// oneOf is oneArg for an option with a fixed set of values.
func oneOf(d *caddyfile.Dispenser, value *string, allowed []string) error {
	option := d.Val()
	if err := oneArg(d, value); err != nil {
		return err
	}
	for _, a := range allowed {
		if *value == a {
			return nil
		}
	}
	return d.WrapErr(notAllowed(option, *value, allowed))
}

func given(d *caddyfile.Dispenser, option string) error {
	return d.Errf("%s is given twice", option)
}

func unknownOption(d *caddyfile.Dispenser, allowed ...string) error {
	return d.Errf("unknown option '%s'; sms_optout knows %s", d.Val(), strings.Join(allowed, ", "))
}
