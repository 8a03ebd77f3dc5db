package optoutstore

import (
	"os"
	"testing"
)

// allEnv names an environment variable that makes tests take more of their random
// samples than a usual run has the time for.
const allEnv = "OPTOUTSTORE_ALL"

// memoryRoom is the free space that a file system in memory must have, in bytes.
const memoryRoom = 2 << 30

// MemoryDir is a directory of the test's own, in memory where the system has a file
// system there with room. It is for tests that do not depend on the disk, and would
// only wait for its syncs: those that cut the power by forgetting what was not
// synced, or end the process.
func MemoryDir(t testing.TB) string {
	t.Helper()
	const shared = "/dev/shm"
	if free, err := freeSpace(shared); err != nil || free < memoryRoom {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(shared, "optoutstore")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
