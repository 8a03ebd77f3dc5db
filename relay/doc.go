// Package relay tells an SMS backend of the opt-outs that the list has recorded,
// behind the answer to whoever made them, so that a send to all subscribers of a
// sender can be left to the backend.
//
// What is still to be told is not kept here: it is what the list's journal holds
// and has not marked as told. An [Engine] reads the journal, a [Client] delivers,
// and the list notes what was told. A crash between the last two means that the
// backend hears of the same opt-out twice, which does no harm.
//
// The package knows the list and the APIs. It knows nothing of Caddy.
package relay
