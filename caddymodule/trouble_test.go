package caddymodule

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stopgate/stopgate/optoutstore/storetest"
)

// Trouble is told of at once, with a count while it lasts, and at once again when
// it comes back.
func TestTroubleLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newTroubleLog(10 * time.Second)
		var mu sync.Mutex // a timer's goroutine tells as well
		var told []uint64
		tell := func(n uint64) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, n)
		}
		note := func(n int) {
			for range n {
				l.note("disk", func() { tell(0) }, tell)
			}
		}
		pass := func(d time.Duration) {
			time.Sleep(d) // in the bubble's time
			synctest.Wait()
		}
		want := func(what string, counts ...uint64) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, counts) {
				t.Errorf("%s: told %v, want %v", what, told, counts)
			}
			told = nil
		}
		note(1)
		want("at once", 0)
		note(1000)
		want("nothing more at once")
		pass(11 * time.Second)
		want("the count", 1000)
		note(5)
		pass(10 * time.Second)
		want("the next count", 5)
		pass(time.Minute)
		want("it is over")
		note(1)
		want("at once again", 0)
		l.note("other trouble", func() { tell(7) }, nil)
		want("other trouble is told of by itself", 7)
		note(3)
		l.close()
		want("the rest at the end", 3)
		pass(time.Minute)
		note(2)
		want("after the end", 0, 0)
	})
}

// A store that cannot be read fills no log.
func TestTroubleIsLoggedOnce(t *testing.T) {
	b := newBackend(t)
	name, store := newTestStore(t)
	log := filepath.Join(t.TempDir(), "log")
	g := startGateway(t, b, options{store: "test " + name, caddy: "log {\n output file " + log + "\n}"})
	store.Set(storetest.Fault{Err: errDisk})
	for range 50 {
		g.get(sendTo(otherPhone))
	}
	g.reload(options{backend: b.addr, store: "test " + name})
	text := tail(t, log)
	if n := strings.Count(text, "the opt-out list cannot be asked"); n != 1 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(text, `"the opt-out list still cannot be asked","outcome":"failed","repeated":49`) {
		t.Errorf("no count:\n%s", text)
	}
}
