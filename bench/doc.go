// Command bench measures what the gateway costs, as ratios taken in one run:
//
//	go run ./bench
//
// It builds Caddy, starts it twice in front of a fast backend, once with the
// directive and once without, and sends both the same load in rounds that take
// turns, so that a change of the machine's speed hits both. Then it measures the
// parts: reading, check, durable stop, import, open. It prints a table with
// medians and spread, and what machine it ran on. Figures of different runs or
// machines cannot be compared; the ratios within one can.
//
//	go run ./bench --rows 1000000,10000000 --pebble --peers --plot docs/performance.svg
//
// takes longer: two sizes of the list, the store's writes beside Pebble's, and the
// same job done by nginx with Lua and Redis, and by HAProxy with a map, as far as
// they are installed. wrk makes the load if it is installed, and a generator in Go
// if it is not.
package main
