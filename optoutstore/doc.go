// Package optoutstore is the opt-out list: pairs, events, the [Store] interface
// and the store behind it, a journal that is the truth and a Badger index that
// can be rebuilt from it. It knows nothing of HTTP and nothing of Caddy.
package optoutstore
