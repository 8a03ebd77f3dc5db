package optoutstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPowerCut stops a writing process and looks at what its disk holds, as after a
// power cut: an ext4 file system in a file, which writes nothing back by itself
// (commit=600), is copied while the process stands still, and the copy is mounted.
// What was not synced is not in it. Badger with its defaults loses every
// acknowledged write in this test (docs/storage.md, 12, "power cut").
func TestPowerCut(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system; TestForgetful does it with one that forgets")
	}
	cuts := 6 // at random moments
	switch {
	case testing.Short():
		cuts = 3
	case os.Getenv(allEnv) != "":
		cuts = 40
	}
	root := t.TempDir()
	image, disk := filepath.Join(root, "image"), filepath.Join(root, "disk")
	run := func(name string, args ...string) error {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	mount := func(image, disk string) {
		t.Helper()
		err := os.MkdirAll(disk, 0o700)
		if err == nil {
			err = run("mount", "-o", "loop,commit=600", image, disk)
		}
		if err != nil {
			t.Skip("no file system can be mounted: ", err)
		}
	}
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 256<<20); err != nil {
		t.Fatal(err)
	}
	if err := run("mkfs.ext4", "-q", "-F", image); err != nil {
		t.Skip("no file system can be made: ", err)
	}
	mount(image, disk)
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+disk, childEnv+"_FROM=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		_ = cmd.Wait()
	})
	pipe := out.(*os.File)
	var acked []int
	var text []byte
	// read takes what the process has acknowledged until the time is over.
	read := func(most time.Duration) {
		t.Helper()
		if err := pipe.SetReadDeadline(time.Now().Add(most)); err != nil {
			t.Fatal(err)
		}
		more, err := io.ReadAll(pipe)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the process ended: %v %s", err, more)
		}
		text = append(text, more...)
		end := bytes.LastIndexByte(text, '\n') + 1
		for line := range bytes.Lines(text[:end]) {
			n, err := strconv.Atoi(string(bytes.TrimSpace(line)))
			if err != nil {
				t.Fatalf("the process says %q", line)
			}
			acked = append(acked, n)
		}
		text = text[end:]
	}
	for len(acked) == 0 {
		read(100 * time.Millisecond)
	}

	after, view := filepath.Join(root, "after"), filepath.Join(root, "view")
	t.Cleanup(func() { _ = unix.Unmount(view, unix.MNT_DETACH) }) // where a cut has failed
	for cut := range cuts {
		read(50*time.Millisecond + rand.N(250*time.Millisecond))
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		read(300 * time.Millisecond) // it stands still, and what it said is here
		before := len(acked)
		if err := run("cp", "--sparse=always", image, after); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		mount(after, view)
		d := mustOpen(t, Options{
			Dir:       filepath.Join(view, "store"),
			Witness:   FileWitness(filepath.Join(view, "witness")),
			FreeSpace: plenty,
		})
		waitReady(t, d)
		lost := 0
		for _, n := range acked[:before] {
			if !optedOut(t, d, pairN(n)) {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("cut %d: %d of %d acknowledged opt-outs are lost", cut, lost, before)
		}
		// No event without its state, and no state without its event.
		if err := d.Verify(context.Background(), nil); err != nil {
			t.Errorf("cut %d: %v", cut, err)
		}
		mustClose(t, d)
		if err := unix.Unmount(view, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d cuts, %d opt-outs acknowledged before the last", cuts, len(acked))
}
