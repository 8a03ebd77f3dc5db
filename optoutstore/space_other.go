//go:build !linux && !darwin && !freebsd

package optoutstore

// freeSpace is unknown here.
func freeSpace(string) (uint64, error) { return 0, errSpaceUnknown }
