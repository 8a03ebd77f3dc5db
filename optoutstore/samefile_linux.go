package optoutstore

import (
	"os"

	"golang.org/x/sys/unix"
)

// leadsTo reports whether name certainly leads to the open file f. Where it does
// not, or this cannot be told, os.Stat says more.
//
// It asks for nothing but the inode. Whoever asks for the times of a file, as
// os.Stat does, makes the next write to it note a new time at once (multigrain
// timestamps, Linux 6.13), and the sync behind that has to write a transaction for
// it: one os.Stat for each frame takes away all that makeRoom gains.
func leadsTo(f *os.File, name string) bool {
	var open, named unix.Statx_t
	if unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_INO, &open) != nil ||
		unix.Statx(unix.AT_FDCWD, name, 0, unix.STATX_INO, &named) != nil {
		return false
	}
	return open.Mask&named.Mask&unix.STATX_INO != 0 &&
		open.Ino == named.Ino && open.Dev_major == named.Dev_major && open.Dev_minor == named.Dev_minor
}
