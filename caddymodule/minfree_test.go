package caddymodule

import (
	"path/filepath"
	"strings"
	"testing"
)

// A changed reserve counts from the reload on: one that no disk has makes stops
// fail, sends are still checked, and with the old one stops are recorded again.
func TestMinFreeAtReload(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	store := "badger " + filepath.Join(g.dir, "optouts")
	g.reload(options{backend: b.addr, store: store + " {\nmin_free 1EiB\n}"})
	eventually(t, "stops are refused for want of space", func() bool {
		r := g.get(stopOf("13105550008"))
		return r.Status == 503 && strings.HasPrefix(r.Body, "FAILURE: ")
	})
	g.wantBlocked(b, testPhone)
	g.wantForwarded(b, otherPhone)
	g.reload(options{backend: b.addr, store: store})
	eventually(t, "stops are recorded again", func() bool { return g.get(stopOf("13105550008")).Body == stopSuccess })
}
