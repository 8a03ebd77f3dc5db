package optoutstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childEnv names, in the environment of a second run of this test program, the
// directory of the store that it writes to until it is killed.
const childEnv = "OPTOUTSTORE_TEST_CHILD"

// child opens a store and opts pairs out, 64 at a time, from a number on. It
// writes the number of each to its standard output once it is acknowledged.
func child() {
	dir := os.Getenv(childEnv)
	from, _ := strconv.Atoi(os.Getenv(childEnv + "_FROM"))
	d, err := Open(Options{
		Dir:             filepath.Join(dir, "store"),
		Witness:         FileWitness(filepath.Join(dir, "witness")),
		FreeSpace:       plenty,
		checkpointEvery: 10 * time.Millisecond,
		segmentSize:     256 << 10,
		memTableSize:    1 << 20,
	})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	for w := range 64 {
		go func() {
			for n := from + w; ; n += 64 {
				if _, err := d.OptOut(context.Background(), changeN(n)); err != nil {
					fmt.Println("optout:", err)
					os.Exit(1)
				}
				// One write, so that lines stay whole.
				os.Stdout.WriteString(strconv.Itoa(n) + "\n")
			}
		}()
	}
	select {}
}

// TestKill kills the process amid 64 writers. It shows that the order of things
// is right; that what is synced is synced it cannot show.
func TestKill(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := Options{Dir: filepath.Join(dir, "store"), Witness: FileWitness(filepath.Join(dir, "witness")), FreeSpace: plenty}
	var acked []int
	for round := range 3 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), childEnv+"="+dir, fmt.Sprintf("%s_FROM=%d", childEnv, round*1_000_000))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		before := len(acked)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if len(acked) == before { // a busy machine may take long to get here
				kill.Reset(rand.N(500 * time.Millisecond))
			}
			acked = append(acked, n)
		}
		_ = cmd.Wait()
		kill.Stop()

		began := time.Now()
		d := mustOpen(t, o)
		took := time.Since(began)
		for _, n := range acked {
			if !optedOut(t, d, pairN(n)) {
				t.Fatalf("round %d: %d was acknowledged and is lost", round, n)
			}
		}
		if err := d.Verify(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		t.Logf("round %d: %d acknowledged, all there; opened in %s", round, len(acked)-before, took)
		mustClose(t, d)
	}
	if len(acked) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	if names, _ := filepath.Glob(filepath.Join(o.path(journalName), "*"+segmentSuffix)); len(names) < 2 {
		t.Log("only one segment: ", strings.Join(names, " "))
	}
}
