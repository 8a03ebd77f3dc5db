// Package optoutstore is the opt-out list: pairs, events, the [Store] interface
// and the store behind it, a journal that is the truth and a Badger index that
// can be rebuilt from it. It knows nothing of HTTP and nothing of Caddy.
//
// [Open] opens a [Durable]. A change goes from durable.go to writer.go, which
// makes events of all that wait, journal.go, which makes them durable as one
// frame, and applier.go, which puts them into the index and answers. A question
// goes from query.go to the index. open.go and index_open.go decide what of a
// directory can be trusted, loss.go what is missing from it, rebuild.go makes the
// index again, and keeper.go saves what the next open needs. The formats stand in
// segment.go, frame.go, record.go, keys.go, rows.go and sealed.go, and are
// described in docs/storage.md.
package optoutstore
