package phone

import "errors"

// The errors of this package. None holds what was given.
var (
	ErrNotPhone = errors.New("not a phone number")
)
