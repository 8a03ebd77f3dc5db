package caddymodule

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// cursors makes cursors of pairs. They are encrypted, for they come back in a URI,
// which Caddy logs. The key is the process's: a cursor lives as long.
var cursors = cursorKey{sync.OnceValue(func() cipher.AEAD {
	key := make([]byte, 16)
	rand.Read(key) // never fails; see crypto/rand
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has a length that AES has
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
})}

type cursorKey struct{ aead func() cipher.AEAD }

// errCursor: a cursor is not one, or is from before a restart.
var errCursor = errors.New("cursor is not one of this process; begin again without it")

func (k cursorKey) seal(p optoutstore.Pair) string {
	text, _ := json.Marshal([]string{p.Realm, string(p.Sender), p.Phone.Digits()}) // strings always do
	return base64.RawURLEncoding.EncodeToString(k.aead().Seal(nil, nil, text, nil))
}

func (k cursorKey) open(cursor string) (p optoutstore.Pair, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return p, errCursor
	}
	text, err := k.aead().Open(nil, nil, sealed, nil)
	if err != nil {
		return p, errCursor
	}
	var parts [3]string
	if err := json.Unmarshal(text, &parts); err != nil {
		return p, errCursor
	}
	n, err := phone.ParseNumber(parts[2])
	if err != nil {
		return p, errCursor
	}
	return optoutstore.Pair{Realm: parts[0], Sender: phone.Sender(parts[1]), Phone: n}, nil
}
