package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of 192 MiB, which only root can, and returns its
// directory and what takes its space but for some bytes, and gives it back.
func smallDisk(t *testing.T) (dir string, take func(leave uint64), giveBack func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system; TestMinFreeAtReload moves the reserve instead")
	}
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=192m"); err != nil {
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	filler := filepath.Join(dir, "filler")
	take = func(leave uint64) {
		t.Helper()
		var st unix.Statfs_t
		f, err := os.Create(filler)
		if err == nil {
			err = unix.Statfs(dir, &st)
		}
		if err == nil {
			err = unix.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize-int64(leave))
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return dir, take, func() {
		if err := os.Remove(filler); err != nil {
			t.Error(err)
		}
	}
}

// A disk that is full: stops are refused with a 503, what is known is enforced,
// other sends pass, one line of the log says so, and it goes on by itself. A start
// on a full disk is refused with an error that says why.
func TestFullDisk(t *testing.T) {
	dir, take, giveBack := smallDisk(t)
	log := t.TempDir() + "/log"
	o := options{
		store: "badger " + dir + "/optouts {\nmin_free 96MiB\n}",
		caddy: "log {\n output file " + log + "\n}",
	}
	b := newBackend(t)
	g := startGateway(t, b, o)
	g.mustStop(testPhone)

	take(0)
	const late = "13105550008"
	eventually(t, "stops are refused for want of space", func() bool {
		r := g.get(stopOf(late))
		return r.Status == 503 && strings.HasPrefix(r.Body, "FAILURE: ") && r.Header.Get("Retry-After") != ""
	})
	for i := range 50 {
		if r := g.get(stopOf(fmt.Sprintf("131055501%02d", i))); r.Status != 503 {
			t.Fatalf("stop: %d %q", r.Status, r.Body)
		}
		g.wantBlocked(b, testPhone)
		g.wantForwarded(b, otherPhone)
	}
	s, _ := onlyStore(t)
	if h := s.Health(); h.Writable || !h.Readable || !strings.Contains(h.Reason, "short of space") {
		t.Errorf("health %+v", h)
	}
	if n := strings.Count(tail(t, log), "opt-outs cannot be recorded until there is space"); n != 1 {
		t.Errorf("%d lines of the log say so", n)
	}

	giveBack()
	eventually(t, "stops are recorded again", func() bool { return g.get(stopOf(late)).Body == stopSuccess })
	g.wantBlocked(b, late)
	g.wantBlocked(b, testPhone)

	// Stopped and started on a full disk.
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	take(0)
	o.backend = b.addr
	g.addr = freeAddr(t)
	if err := g.load(g.caddyfile(o)); err == nil || !strings.Contains(err.Error(), "short of space") {
		t.Errorf("a start on a full disk: %v", err)
	}
	giveBack()
	g.reload(o)
	g.wantBlocked(b, testPhone)
	g.wantBlocked(b, late)
	g.wantForwarded(b, otherPhone)
}

// What is damaged between two starts, or while the gateway runs, never lets a send
// to who has opted out reach the backend, and is mended or told of.
func TestDamage(t *testing.T) {
	for _, tc := range []struct {
		name  string
		file  string // in the store; the first that matches
		do    func(name string) error
		open  bool   // while the gateway runs
		says  string // in the log
		fault string // what the start fails with
	}{
		{"the index is gone", "index", os.RemoveAll, false, "the index is built", ""},
		{"a table is damaged", "index/*.sst", scribble, false, "the index is built", ""},
		{"a table is gone under a running gateway", "index/*.sst", os.Remove, true, "the index is built", ""},
		{"the MANIFEST is damaged under a running gateway", "index/MANIFEST", scribble, true, "the index is built", ""},
		{"the journal is damaged", "journal/*.seg", scribble, false, "the journal is damaged", ""},
		{"the journal is gone under a running gateway", "journal/*.seg", os.Remove, true, "the journal is damaged", ""},
		{"the journal is gone", "journal", os.RemoveAll, false, "", "journal"},
		{"the store is gone", ".", os.RemoveAll, false, "", "accept-loss"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := t.TempDir() + "/log"
			b := newBackend(t)
			g := startGateway(t, b, options{})
			for i := range 40 {
				g.mustStop(fmt.Sprintf("120655501%02d", i))
			}
			g.mustStop(testPhone)
			if err := caddy.Stop(); err != nil { // what is in memory goes into a table
				t.Fatal(err)
			}
			o := options{backend: b.addr, caddy: "log {\n output file " + log + "\n}"}
			spoil := func() {
				t.Helper()
				names, err := filepath.Glob(filepath.Join(g.dir, "optouts", tc.file))
				if err != nil || len(names) == 0 {
					t.Fatalf("no %s: %v", tc.file, err)
				}
				if err := tc.do(names[0]); err != nil {
					t.Fatal(err)
				}
			}
			if !tc.open {
				spoil()
			}
			g.addr = freeAddr(t)
			err := g.load(g.caddyfile(o))
			if tc.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fault) {
					t.Fatalf("the start says %v, want %q", err, tc.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tc.open {
				spoil()
			}
			eventually(t, tc.says, func() bool {
				b.take()
				r := g.get(sendTo(testPhone))
				if !strings.HasPrefix(r.Body, "FAILURE: ") || len(b.take()) > 0 {
					t.Fatalf("send to an opted-out phone: %d %q", r.Status, r.Body)
				}
				return strings.Contains(tail(t, log), tc.says)
			})
			eventually(t, "stops are recorded", func() bool {
				g.wantNotForwarded(b, testPhone)
				return tc.says == "the journal is damaged" || g.get(stopOf(otherPhone)).Body == stopSuccess
			})
			g.wantBlocked(b, testPhone)
			for i := range 40 {
				g.wantBlocked(b, fmt.Sprintf("120655501%02d", i))
			}
			s, _ := onlyStore(t)
			h := s.Health()
			if !h.Readable || h.Damaged != (tc.says == "the journal is damaged") || h.Damaged && !strings.Contains(h.Reason, "journal") {
				t.Errorf("health %+v", h)
			}
		})
	}
}

// wantNotForwarded asserts that a send does not reach the backend, whatever it is
// answered.
func (g *gateway) wantNotForwarded(b *backend, phone string) {
	g.tb.Helper()
	b.take()
	if r := g.get(sendTo(phone)); !strings.HasPrefix(r.Body, "FAILURE: ") || len(b.take()) > 0 {
		g.tb.Fatalf("send to an opted-out phone: %d %q", r.Status, r.Body)
	}
}

// scribble changes a byte of a file behind its first kilobyte, or its last.
func scribble(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	at := min(1000, info.Size()-3)
	var c [1]byte
	if _, err := f.ReadAt(c[:], at); err != nil {
		return err
	}
	c[0] ^= 0x10
	_, err = f.WriteAt(c[:], at)
	return err
}
