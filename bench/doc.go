// Package bench measures what the gateway costs, as ratios against the same Caddy
// without it, taken in turn in one run: figures of different runs or machines
// cannot be compared.
//
//	go test -run '^$' -bench . ./bench
package bench
