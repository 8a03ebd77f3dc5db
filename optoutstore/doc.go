// Package optoutstore is the opt-out list: pairs, events, the [Store] interface
// and the store behind it, a journal that is the truth and a Badger index that
// can be rebuilt from it. It knows nothing of HTTP and nothing of Caddy.
//
// [Open] opens a [Durable]. A change goes from change.go to writer.go and
// stage.go, which make events of all that wait, journal.go, which makes them
// durable as one frame, and applier.go, which puts them into the index and
// answers. What an event does to the index stands in fold.go. A question goes from
// query.go, states.go or history.go to the index, and from events.go to the
// journal. open.go and index_open.go decide what of a directory can be trusted,
// loss.go what is missing from it, replay.go applies what the index lacks,
// rebuild.go makes it again, and keeper.go saves what the next open needs. bulk.go
// writes an index from sorted pairs, for a large rebuild and for import_offline.go;
// backup.go and restore.go copy a store. The formats stand in segment.go, frame.go,
// record.go, keys.go, rows.go and sealed.go, and are described in docs/storage.md.
package optoutstore
