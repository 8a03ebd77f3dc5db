// Package caddymodule is the Caddy side of Stopgate: the app "sms_optout" that
// holds the list, the HTTP handler "sms_optout" that guards the sends, their
// Caddyfile syntax and their guest modules.
//
// Importing it registers the modules:
//
//	sms_optout                        the app: which store, which realms
//	http.handlers.sms_optout          the handler: what to do with a request
//	http.handlers.sms_optout_health   whether the list works, for load balancers
//	sms_optout.stores.badger          where the list is kept
//	sms_optout.apis.whatcounts        how requests are read and answered
package caddymodule
