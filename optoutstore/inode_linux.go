package optoutstore

import (
	"io/fs"
	"syscall"
)

// inodeOf is the number of a file and when it was changed last, in nanoseconds
// since 1970 UTC.
func inodeOf(info fs.FileInfo) (inode uint64, changed int64, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return st.Ino, st.Ctim.Nano(), true
}
