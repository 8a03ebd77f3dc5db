package caddymodule

import (
	_ "github.com/dgraph-io/badger/v4"
	_ "github.com/gofrs/flock"
	_ "github.com/nyaruka/phonenumbers"
	_ "go.uber.org/goleak"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/text/unicode/norm"
	_ "pgregory.net/rapid"
)
