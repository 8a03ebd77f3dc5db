//go:build linux || darwin || freebsd

package optoutstore

import "golang.org/x/sys/unix"

// freeSpace is what dir's file system has left for this user, in bytes.
func freeSpace(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	// Bavail is signed on FreeBSD, where the superuser's reserve can make it negative.
	if int64(st.Bavail) < 0 {
		return 0, nil
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}
