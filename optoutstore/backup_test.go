package optoutstore

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// backupOf is a store with some segments, closed, its backup, and what it answers.
func backupOf(t *testing.T) (Options, []byte, content) {
	t.Helper()
	o := testOptions(t)
	o.segmentSize = 3000
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 30)
	if _, err := d.Lift(context.Background(), changeN(3), 0); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	sum, err := d.Backup(context.Background(), &b)
	if err != nil {
		t.Fatal(err)
	}
	want := contentOf(t, d, importPhones)
	if sum.Events != 31 || sum.Store != d.id || sum.Files < 3 || sum.Bytes < 31*100 || sum.Hash != d.applied.Load().hash {
		t.Fatalf("%+v", sum)
	}
	mustClose(t, d)
	return o, b.Bytes(), want
}

// elsewhere are the options of a store that is not there yet.
func elsewhere(t *testing.T, o Options) Options {
	t.Helper()
	o.Dir = filepath.Join(t.TempDir(), "restored")
	return o
}

// wantNothing checks that there is nothing at dir.
func wantNothing(t *testing.T, dir string) {
	t.Helper()
	if there, _ := exists(osFS{}, dir); there {
		entries, _ := os.ReadDir(dir)
		t.Errorf("left behind: %v", entries)
	}
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	o, text, want := backupOf(t)
	p := elsewhere(t, o)
	sum, err := Restore(context.Background(), p, bytes.NewReader(text))
	if err != nil || sum.Events != 31 {
		t.Fatalf("%+v, %v", sum, err)
	}
	entries, _ := os.ReadDir(p.Dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{lockName, identityName, journalName}) {
		t.Fatalf("it made %v", names)
	}
	if err := contentAt(t, p).equal(want); err != nil {
		t.Fatal(err)
	}

	// In place of a store that went on, the witness notices.
	d := mustOpen(t, o)
	optOutEach(t, d, 30, 40)
	mustClose(t, d)
	if err := os.RemoveAll(o.Dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(context.Background(), o, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(o)
	wantErr(t, err, ErrLoss)
}

// Unpacked as any tool does it, a backup is a store.
func TestBackupUnpackedByHand(t *testing.T) {
	t.Parallel()
	o, text, want := backupOf(t)
	p := elsewhere(t, o)
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(p.Dir, h.Name)
		content, err := io.ReadAll(r)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(name), 0o700)
		}
		if err == nil {
			err = os.WriteFile(name, content, h.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := contentAt(t, p).equal(want); err != nil {
		t.Fatal(err)
	}
}

// A backup that is taken while opt-outs are recorded holds all that was
// acknowledged before, and nothing torn.
func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.segmentSize = 20_000
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 10)
	var stop atomic.Bool
	done := make(chan int)
	go func() {
		n := 10
		for ; !stop.Load(); n++ {
			if _, err := d.OptOut(context.Background(), changeN(n)); err != nil {
				t.Error(err)
				break
			}
		}
		done <- n
	}()
	var last uint64
	for range 5 {
		before := d.Health().Applied
		var b bytes.Buffer
		sum, err := d.Backup(context.Background(), &b)
		if err != nil {
			t.Fatal(err)
		}
		if sum.Events < before || sum.Events < last {
			t.Errorf("it holds %d events, %d were acknowledged", sum.Events, before)
		}
		last = sum.Events
		p := elsewhere(t, o)
		if _, err := Restore(context.Background(), p, &b); err != nil {
			t.Fatal(err)
		}
		r := mustOpen(t, p)
		waitReady(t, r)
		wantFilled(t, r, int(sum.Events))
		mustClose(t, r)
		wait(t, "more is written", func() bool { return d.Health().Applied > last })
	}
	stop.Store(true)
	<-done
}

func TestBackupRefused(t *testing.T) {
	t.Parallel()
	full := errors.New("the tape is full")
	o, _, _ := backupOf(t)
	t.Run("the writer fails", func(t *testing.T) {
		d := mustOpen(t, o)
		for _, after := range []int{0, 100, 5000} {
			_, err := d.Backup(context.Background(), &limited{after, full})
			wantErr(t, err, full)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := d.Backup(ctx, io.Discard)
		wantErr(t, err, context.Canceled)
		mustClose(t, d)
		_, err = d.Backup(context.Background(), io.Discard)
		wantErr(t, err, ErrClosed)
	})
	t.Run("the journal is damaged", func(t *testing.T) {
		d := mustOpen(t, o)
		flip(t, filepath.Join(o.path(journalName), segmentName(1)), 1000)
		_, err := d.Backup(context.Background(), io.Discard)
		wantErr(t, err, ErrDamaged)
	})
}

// limited takes so many bytes.
type limited struct {
	left int
	err  error
}

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, l.err
	}
	return len(b), nil
}

// Whatever byte of a backup is changed, and wherever it is cut, Restore says so
// and leaves nothing, or what it changes is padding and the store is right.
func TestRestoreDamaged(t *testing.T) {
	t.Parallel()
	o, text, want := backupOf(t)
	try := func(t *testing.T, what string, at int, damaged []byte) (taken bool) {
		t.Helper()
		p := elsewhere(t, o)
		_, err := Restore(context.Background(), p, bytes.NewReader(damaged))
		if err == nil {
			if err := contentAt(t, p).equal(want); err != nil {
				t.Errorf("%s %d: it was taken, and is wrong: %v", what, at, err)
			}
			return true
		}
		if !errors.Is(err, ErrBackup) && !errors.Is(err, ErrNewerFormat) {
			t.Errorf("%s %d: %v", what, at, err)
		}
		wantNothing(t, p.Dir)
		return false
	}
	t.Run("cut", func(t *testing.T) {
		t.Parallel()
		end := len(bytes.TrimRight(text, "\x00")) // of BACKUP; then padding
		for at := 0; at < end; at += 97 {
			if try(t, "cut at", at, text[:at]) {
				t.Errorf("cut at %d of %d, and taken", at, len(text))
			}
		}
	})
	t.Run("flipped", func(t *testing.T) {
		t.Parallel()
		taken, all := 0, 0
		for at := 0; at < len(text); at += 61 {
			damaged := slices.Clone(text)
			damaged[at] ^= 0x10
			all++
			if try(t, "flipped at", at, damaged) {
				taken++
			}
		}
		if taken > all/8 {
			t.Errorf("%d of %d were taken", taken, all)
		}
	})
}

// tarEntry is an entry of a tar file that a test makes.
type tarEntry struct {
	tar.Header
	text []byte
}

func entriesOf(t *testing.T, text []byte) (entries []tarEntry) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, tarEntry{*h, content})
	}
}

func tarOf(t *testing.T, entries []tarEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is no backup, or one that somebody made to do harm, is refused with a
// reason, and leaves nothing.
func TestRestoreRefused(t *testing.T) {
	t.Parallel()
	o, text, _ := backupOf(t)
	_, other, _ := backupOf(t)
	insert := func(at int, e tarEntry) func(*testing.T) []byte {
		return func(t *testing.T) []byte {
			if e.Size == 0 && e.Typeflag == tar.TypeReg {
				e.Size = int64(len(e.text))
			}
			e.Mode = 0o600
			return tarOf(t, slices.Insert(entriesOf(t, text), at, e))
		}
	}
	plain := func(name string) tarEntry {
		return tarEntry{tar.Header{Typeflag: tar.TypeReg, Name: name}, []byte("text")}
	}
	for name, tc := range map[string]struct {
		text func(*testing.T) []byte
		want string
	}{
		"empty": {func(*testing.T) []byte { return nil }, "is empty"},
		"compressed": {func(t *testing.T) []byte {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write(text); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}, "compressed (gzip)"},
		"a text":            {func(*testing.T) []byte { return bytes.Repeat([]byte("realm,sender,phone\n"), 200) }, "not a tar file"},
		"a short text":      {func(*testing.T) []byte { return []byte("realm,sender,phone\n") }, "cut short"},
		"zeros":             {func(*testing.T) []byte { return make([]byte, 10_240) }, "cut short"},
		"another tar":       {func(t *testing.T) []byte { e := plain("letter.txt"); e.Size = 4; return tarOf(t, []tarEntry{e}) }, "does not belong"},
		"a parent":          {insert(1, plain("../"+journalName+"/"+segmentName(1))), "does not belong"},
		"a parent within":   {insert(1, plain(journalName+"/../../x")), "does not belong"},
		"an absolute path":  {insert(1, plain("/tmp/x")), "does not belong"},
		"another directory": {insert(1, plain("index/MANIFEST")), "does not belong"},
		"another file":      {insert(1, plain(journalName+"/x")), "does not belong"},
		"STORE twice":       {insert(1, plain(identityName)), "does not belong"},
		"a segment twice":   {insert(2, plain(journalName+"/"+segmentName(1))), "does not belong"},
		"an empty segment":  {insert(1, tarEntry{tar.Header{Typeflag: tar.TypeReg, Name: journalName + "/" + segmentName(1)}, nil}), "0 bytes"},
		"a directory":       {insert(1, tarEntry{tar.Header{Typeflag: tar.TypeDir, Name: journalName + "/"}, nil}), "plain file"},
		"a symbolic link": {insert(1, tarEntry{tar.Header{
			Typeflag: tar.TypeSymlink, Name: journalName + "/" + segmentName(1), Linkname: "/etc/passwd",
		}, nil}), "plain file"},
		"a hard link": {insert(1, tarEntry{tar.Header{
			Typeflag: tar.TypeLink, Name: journalName + "/" + segmentName(1), Linkname: "../STORE",
		}, nil}), "plain file"},
		"a device": {insert(1, tarEntry{tar.Header{Typeflag: tar.TypeChar, Name: identityName}, nil}), "plain file"},
		"a huge STORE": {func(t *testing.T) []byte {
			e := tarEntry{tar.Header{Typeflag: tar.TypeReg, Name: identityName, Mode: 0o600, Size: maxSealed + 1}, make([]byte, maxSealed+1)}
			return tarOf(t, []tarEntry{e})
		}, "bytes"},
		"a segment that claims terabytes": {func(t *testing.T) []byte {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			store := entriesOf(t, text)[0]
			err := w.WriteHeader(&store.Header)
			if err == nil {
				_, err = w.Write(store.text)
			}
			if err == nil {
				err = w.WriteHeader(&tar.Header{
					Typeflag: tar.TypeReg, Name: journalName + "/" + segmentName(1), Size: 1 << 42, Mode: 0o600, Format: tar.FormatGNU,
				})
			}
			if err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}, "bytes"},
		"without its last segment": {func(t *testing.T) []byte {
			e := entriesOf(t, text)
			return tarOf(t, slices.Delete(e, len(e)-2, len(e)-1))
		}, "it has"},
		"without its end": {func(t *testing.T) []byte {
			e := entriesOf(t, text)
			return tarOf(t, e[:len(e)-1])
		}, "cut short"},
		"another store's journal": {func(t *testing.T) []byte {
			a, b := entriesOf(t, text), entriesOf(t, other)
			return resealed(t, append(a[:1], b[1:]...), func(f *backupFile) {})
		}, "belongs to the store"},
		"another store's STORE": {func(t *testing.T) []byte {
			a, b := entriesOf(t, text), entriesOf(t, other)
			return resealed(t, append(b[:1], a[1:]...), func(f *backupFile) { f.Store = storeOf(t, b) })
		}, "its journal is damaged"},
		"more events than there are": {func(t *testing.T) []byte {
			return resealed(t, entriesOf(t, text), func(f *backupFile) { f.Number++ })
		}, "ends with event 31"},
		"another history": {func(t *testing.T) []byte {
			return resealed(t, entriesOf(t, text), func(f *backupFile) { f.Hash[3]++ })
		}, "ends with event 31"},
		"a segment left out, and said so": {func(t *testing.T) []byte {
			e := entriesOf(t, text)
			return resealed(t, slices.Delete(e, 1, 2), func(*backupFile) {})
		}, "its journal is damaged"},
		"a newer format": {func(t *testing.T) []byte {
			return resealed(t, entriesOf(t, text), func(f *backupFile) { f.Format++ })
		}, "newer version"},
		"two of them": {func(t *testing.T) []byte { return append(slices.Clone(text), text...) }, "goes on behind its end"},
		"something behind": {func(t *testing.T) []byte {
			e := plain("x")
			e.Size, e.Mode = 4, 0o600
			return tarOf(t, append(entriesOf(t, text), e))
		}, "goes on behind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := elsewhere(t, o)
			_, err := Restore(context.Background(), p, bytes.NewReader(tc.text(t)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want one with %q", err, tc.want)
			}
			if strings.Contains(err.Error(), p.Dir) {
				t.Errorf("it names what is gone: %v", err)
			}
			wantNothing(t, p.Dir)
		})
	}
}

// resealed is a backup of these entries whose last is made to fit them, and then
// changed.
func resealed(t *testing.T, entries []tarEntry, change func(*backupFile)) []byte {
	t.Helper()
	last := &entries[len(entries)-1]
	var f backupFile
	if err := parseSealed(last.text, backupName, backupFormat, &f); err != nil {
		t.Fatal(err)
	}
	f.Store = storeOf(t, entries)
	f.Files = nil
	for _, e := range entries[:len(entries)-1] {
		f.Files = append(f.Files, backupEntry{Name: e.Name, Size: e.Size, Sum: hashRecord(e.text)})
	}
	change(&f)
	var err error
	if last.text, err = sealedText(f); err != nil {
		t.Fatal(err)
	}
	last.Size = int64(len(last.text))
	return tarOf(t, entries)
}

// storeOf is the ID in the STORE of a backup.
func storeOf(t *testing.T, entries []tarEntry) ID {
	t.Helper()
	var id identity
	if err := parseSealed(entries[0].text, identityName, storeFormat, &id); err != nil {
		t.Fatal(err)
	}
	return id.ID
}

// Restore touches no directory that something is in, and no store that is open.
func TestRestoreInto(t *testing.T) {
	t.Parallel()
	o, text, want := backupOf(t)
	for name, tc := range map[string]struct {
		make []string // names; those that end in a slash are directories
		ok   bool
	}{
		"an empty directory":      {nil, true},
		"a mounted file system":   {[]string{"lost+found/"}, true},
		"an interrupted restore":  {[]string{"LOCK", "restoring/", "restoring/journal/", "restoring/STORE"}, true},
		"one that all but ended":  {[]string{"LOCK", "restoring/", "restoring/STORE", "journal/", "journal/x"}, true},
		"a store":                 {[]string{"STORE", "journal/"}, false},
		"a journal without STORE": {[]string{"journal/"}, false},
		"an index":                {[]string{"index/"}, false},
		"somebody's files":        {[]string{"letter.txt"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := elsewhere(t, o)
			if err := os.Mkdir(p.Dir, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, n := range tc.make {
				var err error
				if dir, ok := strings.CutSuffix(n, "/"); ok {
					err = os.Mkdir(p.path(dir), 0o700)
				} else {
					err = os.WriteFile(p.path(n), []byte("x"), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			_, err := Restore(context.Background(), p, bytes.NewReader(text))
			if !tc.ok {
				wantErr(t, err, ErrOccupied)
				for _, n := range tc.make {
					if there, _ := exists(osFS{}, p.path(strings.TrimSuffix(n, "/"))); !there {
						t.Errorf("%s is gone", n)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := contentAt(t, p).equal(want); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("a locked directory", func(t *testing.T) {
		t.Parallel()
		p := elsewhere(t, o)
		if err := os.Mkdir(p.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := lockDir(p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, err = Restore(context.Background(), p, bytes.NewReader(text))
		wantErr(t, err, ErrLocked)
	})
}

// A disk that fails, is full or is short of space, and a caller who gives up, get
// an error and leave nothing.
func TestRestoreFails(t *testing.T) {
	t.Parallel()
	o, text, _ := backupOf(t)
	for at := 0; ; at++ {
		p, calls := elsewhere(t, o), 0
		p.fs = &faultFS{fail: func(op, name string) error {
			if calls++; calls-1 == at {
				return syscall.ENOSPC
			}
			return nil
		}}
		_, err := Restore(context.Background(), p, bytes.NewReader(text))
		if calls <= at {
			if err != nil {
				t.Fatal(err)
			}
			if at < 15 {
				t.Fatalf("%d calls", at)
			}
			break
		}
		if err == nil {
			t.Errorf("call %d failed, and nobody noticed", at)
		}
		wantNothing(t, p.Dir)
	}
	t.Run("short of space", func(t *testing.T) {
		p := elsewhere(t, o)
		p.FreeSpace = func(string) (uint64, error) { return DefaultMinFree, nil }
		_, err := Restore(context.Background(), p, bytes.NewReader(text))
		wantErr(t, err, ErrNoSpace)
		wantNothing(t, p.Dir)
	})
	t.Run("cancelled", func(t *testing.T) {
		p := elsewhere(t, o)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := Restore(ctx, p, bytes.NewReader(text))
		wantErr(t, err, context.Canceled)
		wantNothing(t, p.Dir)
	})
	t.Run("the reader fails", func(t *testing.T) {
		p := elsewhere(t, o)
		broken := fmt.Errorf("the line went down")
		_, err := Restore(context.Background(), p, io.MultiReader(bytes.NewReader(text[:2000]), failing{broken}))
		wantErr(t, err, broken)
		wantNothing(t, p.Dir)
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
