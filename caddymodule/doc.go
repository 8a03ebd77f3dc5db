// Package caddymodule is the Caddy side of Stopgate.
package caddymodule
