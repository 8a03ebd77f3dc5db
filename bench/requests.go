package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
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
	return strconv.Itoa(group + n*phoneStep%subscribers)
}

const phoneStep = 370_248_451

// stops is how many phones of their group have been named by stops, over the whole
// run. Each stop names the next: a pair that has opted out before is another thing to
// record, for its row is replaced and the list does not grow. Imports take theirs from
// importedFrom on, which stops do not reach.
var stops atomic.Int64

const importedFrom = 20_000_000

// args are the arguments of one request of a kind.
func args(k kind, phone string) string {
	v := url.Values{"r": {realm}, "p": {password}, "sender_code": {sender}, "phone": {phone}}
	if k == stop {
		v.Set("c", "smsstopsubscribersend")
		return v.Encode()
	}
	v.Set("c", "smssendmessagetophone")
	v.Set("message_text", "Your table is booked for 19:30.")
	return v.Encode()
}

// request is one request of a kind, as it goes over the wire.
func request(k kind, host, phone string) []byte {
	a := args(k, phone)
	if k == postSend {
		return fmt.Appendf(nil, "POST /bin/api_web HTTP/1.1\r\nHost: %s\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, len(a), a)
	}
	return fmt.Appendf(nil, "GET /bin/api_web?%s HTTP/1.1\r\nHost: %s\r\n\r\n", a, host)
}

// sends are n requests of a kind that pass, always the same.
func sends(k kind, host string, n int) [][]byte {
	rng := rand.New(rand.NewPCG(1, uint64(k)))
	all := make([][]byte, n)
	for i := range all {
		all[i] = request(k, host, phoneN(passing, rng.IntN(subscribers)))
	}
	return all
}

// aroundPhone is what stands before and behind the phone of a stop.
func aroundPhone(host string) (head, tail []byte) {
	const phone = "14000000000"
	head, tail, _ = bytes.Cut(request(stop, host, phone), []byte(phone))
	return head, tail
}

// source gives requests of a kind: sends from some that were made before, by their
// number, and stops of a phone that no other has named.
func source(k kind, host string) func(i int) []byte {
	if k == stop {
		head, tail := aroundPhone(host)
		return func(int) []byte {
			return slices.Concat(head, []byte(phoneN(stopped, int(stops.Add(1)))), tail)
		}
	}
	prepared := sends(k, host, 4096)
	return func(i int) []byte { return prepared[i%len(prepared)] }
}
