package optoutstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// copyStore copies a store. Of an open one the keeper and Badger replace files
// meanwhile, so it copies again until no file came or went: else the copy would be
// none that a crash could have left.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	source := os.DirFS(from)
	for range 100 {
		before := storeFiles(t, source)
		err := os.CopyFS(to, source)
		if err == nil && slices.Equal(before, storeFiles(t, source)) {
			return
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("the files of %s changed during each of 100 copies", from)
}

// storeFiles are the names of all files that were there while it looked.
func storeFiles(t *testing.T, store fs.FS) []string {
	t.Helper()
	var names []string
	if err := fs.WalkDir(store, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil && (name == "." || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
		names = append(names, name)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

// lossCases lose something of a store with 40 events whose copy of 30 lies beside.
var lossCases = map[string]struct {
	lose func(t *testing.T, o Options, older string)
	want []string // in the error
	left int      // opt-outs that are known after the loss is accepted
}{
	"the directory missing": {
		func(t *testing.T, o Options, _ string) { os.RemoveAll(o.Dir) },
		[]string{"holds no store", "40 events", "restore", "accept the loss"}, 0,
	},
	"the directory empty": {
		func(t *testing.T, o Options, _ string) {
			os.RemoveAll(o.Dir)
			os.Mkdir(o.Dir, 0o700)
		},
		[]string{"holds no store", "40 events"}, 0,
	},
	"an older copy": {
		func(t *testing.T, o Options, older string) {
			os.RemoveAll(o.Dir)
			copyStore(t, older, o.Dir)
		},
		[]string{"holds events up to 30; 40 were acknowledged"}, 30,
	},
	"the journal of an older copy": {
		func(t *testing.T, o Options, older string) {
			os.RemoveAll(o.path(journalName))
			copyStore(t, filepath.Join(older, journalName), o.path(journalName))
		},
		[]string{"holds events up to 30; 40 were acknowledged"}, 40, // the index still knows
	},
	"the last event cut off": {
		func(t *testing.T, o Options, _ string) {
			name := filepath.Join(o.path(journalName), segmentName(1))
			info, _ := os.Stat(name)
			os.Truncate(name, info.Size()-1)
		},
		[]string{"holds events up to 39; 40 were acknowledged"}, 40,
	},
	"another store": {
		func(t *testing.T, o Options, _ string) {
			os.RemoveAll(o.Dir)
			o.Witness = nil
			d := mustOpen(t, o)
			optOutEach(t, d, 0, 5)
			mustClose(t, d)
		},
		[]string{"with 5 events", "had acknowledged 40"}, 5,
	},
	"a copy that went another way": {
		func(t *testing.T, o Options, older string) {
			os.RemoveAll(o.Dir)
			copyStore(t, older, o.Dir)
			o.Witness = nil
			d := mustOpen(t, o)
			optOutEach(t, d, 100, 120)
			mustClose(t, d)
		},
		[]string{"event 40", "not the one that was acknowledged"}, -1,
	},
}

// optOutEach opts pairs out one by one: one event per frame, in their order.
func optOutEach(t *testing.T, d *Durable, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if _, err := d.OptOut(context.Background(), changeN(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoss(t *testing.T) {
	t.Parallel()
	for name, tc := range lossCases {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			older := filepath.Join(t.TempDir(), "older")
			d := mustOpen(t, o)
			optOutEach(t, d, 0, 30)
			mustClose(t, d)
			copyStore(t, o.Dir, older)
			d = mustOpen(t, o)
			optOutEach(t, d, 30, 40)
			mustClose(t, d)

			tc.lose(t, o, older)
			for range 2 { // and looking changes nothing
				_, err := Open(o)
				wantErr(t, err, ErrLoss)
				for _, text := range tc.want {
					if !strings.Contains(err.Error(), text) {
						t.Fatalf("%q does not say %q", err, text)
					}
				}
			}
			if err := AcceptLoss(o, "ann", "the disk burnt"); err != nil {
				t.Fatalf("AcceptLoss: %v", err)
			}
			wantErr(t, AcceptLoss(o, "ann", "again"), ErrInvalid)
			d = mustOpen(t, o)
			if tc.left >= 0 {
				wantFilled(t, d, tc.left)
			}
			if err := d.Verify(context.Background(), nil); err != nil {
				t.Fatalf("Verify: %v", err)
			}
			mark := lossMark(t, d)
			if mark.Actor != "ann" || !strings.Contains(mark.Reason, "the disk burnt") || !strings.Contains(mark.Reason, tc.want[0]) {
				t.Fatalf("the mark is %+v", mark)
			}
			optOutEach(t, d, 200, 203)
			mustClose(t, d)
			d = mustOpen(t, o)
			if !optedOut(t, d, pairN(202)) {
				t.Fatal("what was recorded after the loss is gone")
			}
		})
	}
}

// lossMark is the first LossAccepted event of the journal.
func lossMark(t *testing.T, d *Durable) Event {
	t.Helper()
	var mark Event
	_, err := d.journal.scan(context.Background(), d.journal.first(), func(_ uint64, r *record, _ Hash) error {
		if r.Kind == LossAccepted {
			mark = r.Event
		}
		return nil
	})
	if err != nil || mark.Number == 0 {
		t.Fatalf("no mark: %v", err)
	}
	return mark
}

func TestWitnessUnreadable(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	mustClose(t, mustOpen(t, o))
	w := o.Witness.(fileWitness)
	name := w.name(o.Dir)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		bad := append([]byte(nil), text...)
		bad[at] ^= 1
		os.WriteFile(name, bad, filePerm)
		_, err := Open(o)
		wantErr(t, err, ErrUnavailable)
	}
	os.WriteFile(name, nil, filePerm)
	_, err = Open(o)
	wantErr(t, err, ErrUnavailable)
	os.WriteFile(name, text, filePerm)
	mustClose(t, mustOpen(t, o))
}

// A store that came with its directory to a new machine has no witness there.
func TestWitnessUnknown(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, 10)
	mustClose(t, d)
	o.Witness = FileWitness(filepath.Join(t.TempDir(), "deep", "er"))
	mustClose(t, mustOpen(t, o))
	m, known, err := o.Witness.Load(o.Dir)
	if err != nil || !known || m.Number != 10 || m.Store != d.id {
		t.Fatalf("%+v %v %v", m, known, err)
	}
}

// Creation that was cut short is begun anew, at whatever point.
func TestCreationCutShort(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]func(o Options){
		"directory": func(o Options) {},
		"lock":      func(o Options) { os.WriteFile(o.path(lockName), nil, filePerm) },
		"journal":   func(o Options) { os.Mkdir(o.path(journalName), 0o700) },
		"segment": func(o Options) {
			os.Mkdir(o.path(journalName), 0o700)
			os.WriteFile(filepath.Join(o.path(journalName), segmentName(1)), []byte("SGj"), filePerm)
		},
		"whole segment": func(o Options) { createJournal(osFS{}, o.path(journalName), testID, o.Now()) },
		"new identity": func(o Options) {
			createJournal(osFS{}, o.path(journalName), testID, o.Now())
			os.WriteFile(o.path(identityName)+".new", []byte("{"), filePerm)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := testOptions(t).withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			os.Mkdir(o.Dir, 0o700)
			left(o)
			d := mustOpen(t, o)
			optOutEach(t, d, 0, 3)
			mustClose(t, d)
			wantFilled(t, mustOpen(t, o), 3)
		})
	}
}

// A journal with events and no identity is not a new store.
func TestIdentityMissing(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.Witness = nil
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 3)
	mustClose(t, d)
	os.Remove(o.path(identityName))
	_, err := Open(o)
	wantErr(t, err, ErrDamaged)
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7} {
		if got := cut("aé€x", n); len(got) > n || strings.ContainsRune(got, '\uFFFD') || !strings.HasPrefix("aé€x", got) {
			t.Errorf("cut to %d: %q", n, got)
		}
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]string{0: "0", 999: "999", 1200: "1,200", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s", n, got)
		}
	}
}
