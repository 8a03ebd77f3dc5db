package optoutstore

import "path/filepath"

// Present reports whether there is a store in dir, so that a command that only
// asks does not make an empty one where the path is mistyped.
func Present(dir string) (bool, error) {
	there, err := exists(osFS{}, filepath.Join(dir, identityName))
	if err != nil {
		return false, unavailable(dir+" cannot be read", err)
	}
	return there, nil
}
