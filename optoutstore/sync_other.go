//go:build !linux

package optoutstore

import "os"

// datasync is what the operating system has; on macOS os.File.Sync asks for
// F_FULLFSYNC.
func datasync(f *os.File) error { return f.Sync() }
