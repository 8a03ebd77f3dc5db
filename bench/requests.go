package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
)

// The account and the sender of all requests.
const (
	realm    = "myrealm"
	password = "mypass"
	sender   = "120162701555"
)

// kind is what a load consists of.
type kind int

const (
	getSend  kind = iota // a send that passes, arguments in the query
	postSend             // the same in a form
	stop                 // an opt-out
)

// Phones of the list begin with 12, those of sends that pass with 13, those of
// stops with 14; nine digits follow.
const (
	listed  = 12_000_000_000
	passing = 13_000_000_000
	stopped = 14_000_000_000

	subscribers = 1_000_000_000
)

// phoneN is the nth of a group of phones, in an order without a pattern: the
// factor has no divisor in common with the count, so none comes twice.
func phoneN(group, n int) string {
	return strconv.Itoa(group + n*370_248_451%subscribers)
}

// args are the arguments of one request of a kind.
func args(k kind, rng *rand.Rand) string {
	v := url.Values{"r": {realm}, "p": {password}, "sender_code": {sender}}
	n := rng.IntN(subscribers)
	if k == stop {
		v.Set("c", "smsstopsubscribersend")
		v.Set("phone", phoneN(stopped, n))
		return v.Encode()
	}
	v.Set("c", "smssendmessagetophone")
	v.Set("phone", phoneN(passing, n))
	v.Set("message_text", "Your table is booked for 19:30.")
	return v.Encode()
}

// requests are n requests of a kind, as they go over the wire.
func requests(k kind, host string, n int) [][]byte {
	rng := rand.New(rand.NewPCG(1, uint64(k)))
	all := make([][]byte, n)
	for i := range all {
		a := args(k, rng)
		if k == postSend {
			all[i] = fmt.Appendf(nil, "POST /bin/api_web HTTP/1.1\r\nHost: %s\r\n"+
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, len(a), a)
		} else {
			all[i] = fmt.Appendf(nil, "GET /bin/api_web?%s HTTP/1.1\r\nHost: %s\r\n\r\n", a, host)
		}
	}
	return all
}
