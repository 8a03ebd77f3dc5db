// Command caddy is Caddy's standard distribution with the sms_optout modules
// compiled in. It is what continuous integration builds; xcaddy.md says how to
// get the same from xcaddy.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/stopgate/stopgate/caddymodule"
)

func main() {
	caddycmd.Main()
}
