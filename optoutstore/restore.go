package optoutstore

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// restoringName is the directory within the store's in which a backup is unpacked
// and verified. It is on the store's own file system, even where that is mounted
// at the store's directory.
const restoringName = "restoring"

// maxBackupFile bounds the file BACKUP, in bytes: it has some 170 for each segment.
const maxBackupFile = 16 << 20

// badBackup is ErrBackup with the reason.
func badBackup(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBackup, fmt.Sprintf(format, args...))
}

// Restore makes the store o.Dir, which must not exist or be empty, from a backup.
// Everything is verified before the store is there: the checksum of each file, the
// chain of hashes from the first event to the last, and that the backup is whole.
// Whatever fails leaves nothing behind. The next Open builds the index.
//
// Restore tells the witness nothing: where a store with more events was in o.Dir,
// Open says what is missing, and the loss has to be accepted.
//
// Its errors are ErrBackup, ErrOccupied, ErrLocked, ErrNewerFormat, ErrNoSpace,
// ErrUnavailable, ctx's and r's.
func Restore(ctx context.Context, o Options, r io.Reader) (BackupSummary, error) {
	o, err := o.withDefaults()
	if err != nil {
		return BackupSummary{}, err
	}
	there, err := exists(o.fs, o.Dir)
	if err != nil {
		return BackupSummary{}, unavailable(o.Dir+" cannot be read", err)
	}
	if there {
		if err := vacant(o.Dir); err != nil {
			return BackupSummary{}, err
		}
	} else if err := makeDir(o.fs, o.Dir); err != nil {
		_ = os.Remove(o.Dir)
		return BackupSummary{}, unavailable(o.Dir+" cannot be made", err)
	}
	lock, err := lockDir(o.Dir) // so that nobody makes a store meanwhile
	if err != nil {
		return BackupSummary{}, err
	}
	s := &restorer{o: o, ctx: ctx, dir: o.path(restoringName), lock: lock}
	err = s.run(r)
	if lerr := s.end(err != nil, !there); lerr != nil {
		o.Logger.Warn("what the restore left stays where it is", "dir", o.Dir, "error", systemCause(lerr))
	}
	if err != nil {
		return BackupSummary{}, err
	}
	sum := s.file.summary()
	o.Logger.Info("restored an opt-out store", "dir", o.Dir, "store", sum.Store.String(), "events", sum.Events)
	return sum, nil
}

// vacant returns an error unless nothing in dir would be lost. What an interrupted
// Restore left is nothing.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return unavailable(dir+" cannot be read", err)
	}
	interrupted := false
	for _, e := range entries {
		interrupted = interrupted || e.Name() == restoringName
	}
	for _, e := range entries {
		switch e.Name() {
		case restoringName, lockName, "lost+found": // of a file system's root
		case journalName:
			if !interrupted { // else it has no STORE yet, which comes last
				return occupied(dir, e.Name())
			}
		default:
			return occupied(dir, e.Name())
		}
	}
	return nil
}

func occupied(dir, name string) error {
	return fmt.Errorf("%w: %s holds %q; restore into a new directory", ErrOccupied, dir, name)
}

// restorer is a restore under way.
type restorer struct {
	o    Options
	ctx  context.Context
	dir  string
	lock *flock.Flock
	file backupFile
	got  []backupEntry
}

// end cleans up and gives the directory free.
func (s *restorer) end(failed, made bool) error {
	err := os.RemoveAll(s.dir)
	if failed {
		for _, name := range []string{identityName, journalName, lockName} {
			if rerr := os.RemoveAll(s.o.path(name)); err == nil {
				err = rerr
			}
		}
	}
	if cerr := s.lock.Close(); err == nil {
		err = cerr
	}
	if failed && made && err == nil {
		err = os.Remove(s.o.Dir)
	}
	return err
}

func (s *restorer) run(r io.Reader) error {
	if err := vacant(s.o.Dir); err != nil { // now nobody else writes there
		return err
	}
	for _, name := range []string{s.dir, s.o.path(journalName)} {
		if err := os.RemoveAll(name); err != nil {
			return unavailable("what an interrupted restore left", err)
		}
	}
	if err := makeDir(s.o.fs, filepath.Join(s.dir, journalName)); err != nil {
		return sentinelSpace("the backup cannot be unpacked", err)
	}
	if err := s.unpack(r); err != nil {
		return err
	}
	if err := s.verify(); err != nil {
		return err
	}
	// STORE comes last: a directory without it is not a store.
	err := s.o.fs.SyncDir(filepath.Join(s.dir, journalName))
	for _, name := range []string{journalName, identityName} {
		if err == nil {
			err = s.o.fs.Rename(filepath.Join(s.dir, name), s.o.path(name))
		}
		if err == nil {
			err = s.o.fs.SyncDir(s.o.Dir)
		}
	}
	if err != nil {
		return unavailable("the restored store cannot be put in its place", err)
	}
	return nil
}

// sentinelSpace is err as ErrNoSpace or ErrUnavailable.
func sentinelSpace(what string, err error) error {
	if isNoSpace(err) {
		return fmt.Errorf("%w: %s: %v", ErrNoSpace, what, err)
	}
	return unavailable(what, err)
}

// unpack writes the entries of the backup into the directory beside.
func (s *restorer) unpack(r io.Reader) error {
	in := bufio.NewReaderSize(contextReader{s.ctx, r}, scanBuffer)
	if err := recognise(in); err != nil {
		return err
	}
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return badBackup("it ends before the entry %s; it was cut short", backupName)
		}
		if err != nil {
			return s.readError(err)
		}
		if h.Name == backupName {
			return s.last(in, t, h)
		}
		if err := s.entry(t, h); err != nil {
			return err
		}
	}
}

// recognise says what a file is that cannot be a backup.
func recognise(in *bufio.Reader) error {
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for magic, name := range map[string]string{
		"\x1f\x8b": "gzip", "\x28\xb5\x2f\xfd": "zstd", "\xfd7zX": "xz", "BZh": "bzip2", "PK\x03\x04": "zip",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return badBackup("it is compressed (%s); decompress it first", name)
		}
	}
	if len(head) == 0 {
		return badBackup("it is empty")
	}
	return nil
}

// readError is what is wrong with the tar file, or why it cannot be read.
func (s *restorer) readError(err error) error {
	switch {
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return badBackup("it was cut short")
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		return badBackup("it is not a tar file, or damaged")
	}
	return fmt.Errorf("the backup cannot be read: %w", err)
}

// entry unpacks an entry that BACKUP lists. Only what Backup writes is taken: plain
// files of these names, each once, in this order.
func (s *restorer) entry(t io.Reader, h *tar.Header) error {
	most := int64(maxSealed)
	if len(s.got) > 0 {
		most = s.o.segmentSize + maxFrame + segmentHeader
	}
	dir, base := path.Split(h.Name)
	_, segment := segmentFirst(base)
	switch {
	case h.Typeflag != tar.TypeReg:
		return badBackup("the entry %.100q is not a plain file", h.Name)
	case len(s.got) == 0 && h.Name != identityName,
		len(s.got) > 0 && !(dir == journalName+"/" && segment),
		len(s.got) > 1 && h.Name <= s.got[len(s.got)-1].Name:
		return badBackup("the entry %.100q does not belong there", h.Name)
	case h.Size <= 0 || h.Size > most:
		return badBackup("the entry %.100q has %d bytes", h.Name, h.Size)
	}
	if err := shortOf(s.o.FreeSpace, s.o.Dir, s.o.MinFree+uint64(h.Size)); err != nil {
		return err
	}
	f, err := s.o.fs.OpenFile(filepath.Join(s.dir, filepath.FromSlash(h.Name)), os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
	if err != nil {
		return sentinelSpace("the backup cannot be unpacked", err)
	}
	defer f.Close()
	sum := sha256.New()
	buf := make([]byte, scanBuffer)
	for at := int64(0); at < h.Size; {
		n, err := io.ReadFull(t, buf[:min(h.Size-at, int64(len(buf)))])
		if err != nil {
			return s.readError(err)
		}
		sum.Write(buf[:n])
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return sentinelSpace("the backup cannot be unpacked", err)
		}
		at += int64(n)
	}
	if err := f.Sync(); err != nil {
		return sentinelSpace("the backup cannot be unpacked", err)
	}
	s.got = append(s.got, backupEntry{Name: h.Name, Size: h.Size, Sum: Hash(sum.Sum(nil))})
	return nil
}

// last reads the entry BACKUP, compares it with what came before, and checks that
// nothing comes behind.
func (s *restorer) last(in io.Reader, t *tar.Reader, h *tar.Header) error {
	if h.Typeflag != tar.TypeReg || h.Size > maxBackupFile {
		return badBackup("the entry %s is not a plain file, or too large", backupName)
	}
	text, err := io.ReadAll(t)
	if err != nil {
		return s.readError(err)
	}
	if err := parseSealed(text, backupName, backupFormat, &s.file); errors.Is(err, ErrNewerFormat) {
		return err
	} else if err != nil {
		return badBackup("the entry %s is damaged", backupName)
	}
	if len(s.got) != len(s.file.Files) {
		return badBackup("it has %d files, and says that it has %d", len(s.got), len(s.file.Files))
	}
	for i, want := range s.file.Files {
		if s.got[i] != want {
			return badBackup("the entry %.100q is not what was written", want.Name)
		}
	}
	if _, err := t.Next(); err == nil {
		return badBackup("it goes on behind the entry %s", backupName)
	} else if !errors.Is(err, io.EOF) {
		return s.readError(err)
	}
	// Behind the end is at most padding.
	rest, err := io.ReadAll(io.LimitReader(in, 1<<20+1))
	if err != nil {
		return s.readError(err)
	}
	if len(rest) > 1<<20 || len(bytes.Trim(rest, "\x00")) > 0 {
		return badBackup("it goes on behind its end")
	}
	return nil
}

// verify reads what was unpacked as a store is read, every event.
func (s *restorer) verify() error {
	id, err := readIdentity(s.o.fs, filepath.Join(s.dir, identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return badBackup("it has no %s", identityName)
	}
	if errors.Is(err, ErrNewerFormat) || errors.Is(err, ErrUnavailable) {
		return err
	}
	if err != nil {
		return badBackup("%s in it is damaged", identityName)
	}
	if id.ID != s.file.Store {
		return badBackup("%s is that of another store", identityName)
	}
	j, err := openJournal(s.o.fs, filepath.Join(s.dir, journalName), id.ID, s.o.segmentSize, s.o.Now)
	if err == nil {
		defer j.close()
		if j.torn > 0 || j.leftover != "" {
			return badBackup("its journal does not end with an event")
		}
		var at chain
		if at, err = j.scan(s.ctx, j.first(), nil); err == nil && (at.number != s.file.Number || at.hash != s.file.Hash) {
			return badBackup("its journal ends with event %d, it says %d", at.number, s.file.Number)
		}
	}
	if errors.Is(err, ErrDamaged) {
		// The path that it names is about to go.
		return badBackup("its journal is damaged: %s", strings.ReplaceAll(err.Error(), s.dir+string(filepath.Separator), ""))
	}
	return err
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
