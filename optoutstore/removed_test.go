package optoutstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// TestDirectoryRemovedWhileOpen takes the store's directory away from under an
// open store: nothing is acknowledged that would be gone with the process, and
// with the directory back writing resumes.
func TestDirectoryRemovedWhileOpen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	d, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.OptOut(context.Background(), changeN(1)); err != nil {
		t.Fatal(err)
	}
	away := dir + " away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OptOut(context.Background(), changeN(2)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("recorded into a directory that is not there: %v", err)
	}
	if _, held, err := d.Lookup(context.Background(), Query{Realm: changeN(1).Realm, Phones: []phone.Number{changeN(1).Phone}}); err != nil || !held {
		t.Errorf("what is known is no longer enforced: %v, %v", held, err)
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for _, err = d.OptOut(context.Background(), changeN(2)); err != nil; _, err = d.OptOut(context.Background(), changeN(2)) {
		if time.Now().After(deadline) {
			t.Fatalf("writing does not resume: %v", err)
		}
		time.Sleep(10 * time.Millisecond) // between two tries
	}
}
