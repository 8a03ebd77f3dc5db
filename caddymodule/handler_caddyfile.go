package caddymodule

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("sms_optout", parseDirective)
	// Before reverse_proxy, and before the blocks in which one may stand (invoke,
	// handle, handle_path, route): a site's sms_optout guards these, too. Rewrites
	// and authentication come first, so that it sees what the backend will get.
	httpcaddyfile.RegisterDirectiveOrder("sms_optout", httpcaddyfile.Before, "invoke")
}

func parseDirective(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

// UnmarshalCaddyfile sets up the handler from the directive. Each line has the
// default that is named first; `sms_optout` alone enforces:
//
//	sms_optout [<matcher>] {
//	    mode           enforce|observe
//	    on_store_error block|forward
//	    fan_out        safe|block|forward
//	    subscribe      refuse|lift|forward
//	    max_body       <size>              # default: 1MiB
//	    observe_header <name>              # default: none
//	    api            <module> [<args...>] # default: whatcounts; repeatable
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.Errf("sms_optout takes no argument but a matcher; '%s' is none", d.Val())
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		var err error
		switch option {
		case "mode":
			err = oneOf(d, &h.Mode, modeValues)
		case "on_store_error":
			err = oneOf(d, &h.OnStoreError, onStoreErrorValues)
		case "fan_out":
			err = oneOf(d, &h.FanOut, fanOutValues)
		case "subscribe":
			err = oneOf(d, &h.Subscribe, subscribeValues)
		case "max_body":
			err = h.unmarshalMaxBody(d)
		case "observe_header":
			err = oneArg(d, &h.ObserveHeader)
		case "api":
			err = h.unmarshalAPI(d)
		default:
			err = unknownOption(d, "mode", "on_store_error", "fan_out", "subscribe", "max_body", "observe_header", "api")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) unmarshalMaxBody(d *caddyfile.Dispenser) error {
	if h.MaxBody != 0 {
		return given(d, "max_body")
	}
	var size string
	if err := oneArg(d, &size); err != nil {
		return err
	}
	n, err := humanize.ParseBytes(size)
	if err != nil || n < 1 || n > maxMaxBody {
		return d.Errf("max_body: '%s' is not allowed; use a size of 1 byte to 64MiB, such as 1MiB", size)
	}
	h.MaxBody = int64(n)
	return nil
}

func (h *Handler) unmarshalAPI(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	name := d.Val()
	unm, err := caddyfile.UnmarshalModule(d, "sms_optout.apis."+name)
	if err != nil {
		return err
	}
	h.APIsRaw = append(h.APIsRaw, json.RawMessage(caddyconfig.JSONModuleObject(unm, "api", name, nil)))
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
