// Package operate is what an operator can do with the opt-out list: one set of
// verbs behind two doors, Caddy's admin API and the command line. It reads what
// people write into canonical pairs, and shows phones in full, for it is the
// operator's own list. It knows nothing of HTTP or of Caddy.
package operate
