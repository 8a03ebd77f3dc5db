package optoutstore

import (
	"bytes"
	"cmp"
	"errors"

	"github.com/stopgate/stopgate/phone"
)

// The keys of the index. The first byte says what a row is about.
//
//	pair   'p' phone digits, 0x00, length of the realm, realm, sender
//	count  'c' length of the realm, realm, sender
//	total  't' realm
//	relay  'r' realm
//	meta   'm' "applied"
//
// Pairs begin with the phone, so that everything about a phone lies together:
// its history, and what a send without a sender asks for. The zero ends the
// digits, so that one phone is never the beginning of another.
const (
	pairPrefix  = 'p'
	countPrefix = 'c'
	totalPrefix = 't'
	relayPrefix = 'r'

	// maxKey is the longest key, in bytes.
	maxKey = 1 + phone.MaxDigits + 1 + 1 + maxRealm + maxSender
)

// appliedKey is the key of the row that says how far the index is.
var appliedKey = []byte("mapplied")

// errKey: these bytes are not a key of that kind.
var errKey = errors.New("not a key")

// keyBuffer holds any key without the heap.
type keyBuffer [maxKey]byte

// appendPhonePrefix appends what the keys of all pairs of a phone begin with.
func appendPhonePrefix(dst []byte, n phone.Number) []byte {
	return append(n.AppendDigits(append(dst, pairPrefix)), 0)
}

// appendRealmPrefix appends what the keys of all pairs of a phone and a realm
// begin with. The realm must be within its bounds.
func appendRealmPrefix(dst []byte, n phone.Number, realm string) []byte {
	return append(append(appendPhonePrefix(dst, n), byte(len(realm))), realm...)
}

// appendPairKey appends the key of a pair's row.
func appendPairKey(dst []byte, n phone.Number, realm string, sender phone.Sender) []byte {
	return append(appendRealmPrefix(dst, n, realm), sender...)
}

// parsePairKey reads the key of a pair's row.
func parsePairKey(key []byte) (Pair, error) {
	if len(key) == 0 || key[0] != pairPrefix {
		return Pair{}, errKey
	}
	key = key[1:]
	end := 0
	for end < len(key) && key[end] != 0 {
		end++
	}
	if end >= len(key)-1 {
		return Pair{}, errKey
	}
	n, err := phone.ParseNumber(key[:end])
	if err != nil {
		return Pair{}, errKey
	}
	realm, sender := int(key[end+1]), key[end+2:]
	if realm == 0 || realm > maxRealm || len(sender) <= realm || len(sender)-realm > maxSender {
		return Pair{}, errKey
	}
	return Pair{Realm: string(sender[:realm]), Sender: phone.Sender(sender[realm:]), Phone: n}, nil
}

// appendCountKey appends the key of the count of a sender's opt-outs in force.
func appendCountKey(dst []byte, realm string, sender phone.Sender) []byte {
	return append(append(append(dst, countPrefix, byte(len(realm))), realm...), sender...)
}

// appendTotalKey appends the key of the count of a realm's opt-outs in force.
func appendTotalKey(dst []byte, realm string) []byte {
	return append(append(dst, totalPrefix), realm...)
}

// appendRelayKey appends the key of the row that says from where on a realm's
// opt-outs are relayed.
func appendRelayKey(dst []byte, realm string) []byte {
	return append(append(dst, relayPrefix), realm...)
}

// parseCountKey reads the key of the count of a sender.
func parseCountKey(key []byte) (realm string, sender phone.Sender, err error) {
	if len(key) < 2 || key[0] != countPrefix {
		return "", "", errKey
	}
	n, names := int(key[1]), key[2:]
	if n == 0 || n > maxRealm || len(names) <= n || len(names)-n > maxSender {
		return "", "", errKey
	}
	return string(names[:n]), phone.Sender(names[n:]), nil
}

// Compare orders pairs: by the digits of their phones, as texts; then by the
// lengths of their realms, their realms, and their senders. It is the order of
// States.
func (p Pair) Compare(q Pair) int {
	var a, b [phone.MaxDigits]byte
	return cmp.Or(
		bytes.Compare(p.Phone.AppendDigits(a[:0]), q.Phone.AppendDigits(b[:0])),
		cmp.Compare(len(p.Realm), len(q.Realm)),
		cmp.Compare(p.Realm, q.Realm),
		cmp.Compare(p.Sender, q.Sender),
	)
}
