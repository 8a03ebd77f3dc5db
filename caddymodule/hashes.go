package caddymodule

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
)

// The forms of the hashes that Caddy's modules make. Both modules are laxer than
// this: a malformed hash is found out only when somebody logs in, and some make
// golang.org/x/crypto panic.
var (
	argon2idForm = regexp.MustCompile(`^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$`)
	bcryptForm   = regexp.MustCompile(`^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$`)
)

// What a hash may cost at most. Anyone can ask for a check; a hash that takes
// minutes or all of the memory is a way to stop the service. Caddy's own defaults
// are 46 MiB and one pass, and a bcrypt cost of 14.
const (
	maxArgon2idMemory = 1 << 20 // KiB
	maxArgon2idPasses = 16
	maxBcryptCost     = 16 // some 5 s
)

const hashAdvice = "make one with 'caddy hash-password --algorithm argon2id'"

// hashModule returns Caddy's module for a password hash, which it recognises by
// the hash's form. Its errors do not show the hash.
func hashModule(ctx caddy.Context, hash string) (caddyauth.Comparer, error) {
	name, err := hashKind(hash)
	if err != nil {
		return nil, err
	}
	mod, err := ctx.LoadModuleByID("http.authentication.hashes."+name, nil)
	if err != nil {
		return nil, fmt.Errorf("loading the %s module: %w", name, err)
	}
	return mod.(caddyauth.Comparer), nil
}

func hashKind(hash string) (string, error) {
	switch {
	case hash == "":
		return "", errors.New("the password hash is empty; " + hashAdvice)
	case len(hash) > 9 && hash[:9] == "$argon2id":
		return "argon2id", checkArgon2id(hash)
	case len(hash) > 2 && hash[:2] == "$2":
		return "bcrypt", checkBcrypt(hash)
	default:
		return "", errors.New("this is no bcrypt or argon2id password hash (they begin with $2a$ or $argon2id$); " + hashAdvice)
	}
}

func checkArgon2id(hash string) error {
	m := argon2idForm.FindStringSubmatch(hash)
	if m == nil {
		return errors.New("the argon2id password hash is malformed; " + hashAdvice)
	}
	salt, err := base64.RawStdEncoding.Strict().DecodeString(m[4])
	if err != nil || len(salt) < 8 {
		return errors.New("the argon2id password hash is malformed in its salt; " + hashAdvice)
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(m[5])
	if err != nil || len(key) < 16 {
		return errors.New("the argon2id password hash is cut short; " + hashAdvice)
	}
	for _, limit := range []struct {
		value string
		most  uint64
	}{{m[1], maxArgon2idMemory}, {m[2], maxArgon2idPasses}, {m[3], 255}} {
		if n, err := strconv.ParseUint(limit.value, 10, 32); err != nil || n == 0 || n > limit.most {
			return fmt.Errorf("the argon2id password hash asks for more than is allowed (m=%d, t=%d, p=255), or for nothing; %s",
				maxArgon2idMemory, maxArgon2idPasses, hashAdvice)
		}
	}
	return nil
}

func checkBcrypt(hash string) error {
	m := bcryptForm.FindStringSubmatch(hash)
	if m == nil {
		return errors.New("the bcrypt password hash is malformed; " + hashAdvice)
	}
	if cost, err := strconv.Atoi(m[1]); err != nil || cost < 4 || cost > maxBcryptCost {
		return fmt.Errorf("the bcrypt password hash has a cost outside of 4 to %d; %s", maxBcryptCost, hashAdvice)
	}
	return nil
}
