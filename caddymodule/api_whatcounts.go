package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
	"github.com/stopgate/stopgate/smsapi/whatcounts"
)

func init() {
	caddy.RegisterModule(WhatCounts{})
}

// WhatCounts is the guest module for WhatCounts' `api_web`.
type WhatCounts struct{}

// CaddyModule returns the Caddy module information.
func (WhatCounts) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sms_optout.apis.whatcounts",
		New: func() caddy.Module { return new(WhatCounts) },
	}
}

// NewAPI implements APIProvider.
func (WhatCounts) NewAPI(region *phone.Region) smsapi.API { return whatcounts.New(region) }

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	whatcounts
func (WhatCounts) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return d.Errf("unknown option '%s'; the api whatcounts has none", d.Val())
	}
	return nil
}

// Interface guards
var (
	_ APIProvider           = WhatCounts{}
	_ caddyfile.Unmarshaler = WhatCounts{}
)
