package optoutstore

import (
	"errors"
	"os"
	"syscall"
)

// datasync is fdatasync(2): the data, and of the metadata what is needed to read
// it back, which includes a changed size, but not the time stamps.
func datasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
