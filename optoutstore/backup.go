package optoutstore

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"
)

// A backup is a tar file: STORE, the segments of the journal in their order, the
// last as far as it is applied, and at the end BACKUP, which says what must be in
// it. Unpacked by any tar it is a store, whose index is built at the first open;
// the file BACKUP in it means nothing.

// backupName is the last entry of a backup, a sealed file.
const backupName = "BACKUP"

// backupFormat is the version of that file.
const backupFormat = 1

// backupFile is the content of that file.
type backupFile struct {
	Format  int           `json:"format"`
	Store   ID            `json:"store"`
	Created time.Time     `json:"created"`
	Number  uint64        `json:"number"`
	Hash    Hash          `json:"hash"`
	Files   []backupEntry `json:"files"`
}

// backupEntry is an entry of the tar file in front of BACKUP.
type backupEntry struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Sum  Hash   `json:"sha256"`
}

// BackupSummary says what a backup holds: the events 1 to Events of a store. Hash
// is that of the last, and so stands for all.
type BackupSummary struct {
	Store  ID
	Events uint64
	Hash   Hash
	Files  int
	Bytes  int64 // of the files
}

func (b *backupFile) summary() BackupSummary {
	s := BackupSummary{Store: b.Store, Events: b.Number, Hash: b.Hash, Files: len(b.Files)}
	for _, f := range b.Files {
		s.Bytes += f.Size
	}
	return s
}

// Backup writes a consistent copy of the store to w: all events that are applied
// when it is called. The store is in use meanwhile, and no write waits for it. The
// journal is verified on the way, so that no copy is made of what is damaged.
//
// A backup that was cut short, because Backup returned an error or w dropped
// something, is refused by Restore. While w blocks, Close does.
//
// Its errors are ErrDamaged, ErrUnavailable, ErrNotReady, ErrClosed, ctx's and w's.
func (d *Durable) Backup(ctx context.Context, w io.Writer) (BackupSummary, error) {
	if !d.gate.enter() {
		return BackupSummary{}, fmt.Errorf("%w", ErrClosed)
	}
	defer d.gate.leave()
	if d.index.Load() == nil {
		return BackupSummary{}, d.notReady()
	}
	b := &backup{d: d, ctx: ctx, tar: tar.NewWriter(w), end: *d.applied.Load(), now: d.now()}
	b.file = backupFile{Format: backupFormat, Store: d.id, Created: b.now, Number: b.end.number, Hash: b.end.hash}
	if err := b.run(); err != nil {
		return BackupSummary{}, err
	}
	return b.file.summary(), nil
}

// backup is a backup under way.
type backup struct {
	d    *Durable
	ctx  context.Context
	tar  *tar.Writer
	end  chain
	now  time.Time
	file backupFile
}

func (b *backup) run() error {
	id, err := os.ReadFile(b.d.o.path(identityName))
	if err != nil {
		return unavailable("the file "+identityName, err)
	}
	if err := b.add(identityName, int64(len(id)), bytes.NewReader(id)); err != nil {
		return err
	}
	at := b.d.journal.first()
	for _, s := range b.d.journal.upTo(b.end) {
		if err := b.segment(s, &at); err != nil {
			return err
		}
	}
	if at.number != b.end.number || at.hash != b.end.hash {
		return fmt.Errorf("%w: it ends with event %d, not %d", ErrDamaged, at.number, b.end.number)
	}
	text, err := sealedText(b.file)
	if err != nil {
		return err
	}
	if err := b.entry(backupName, int64(len(text)), bytes.NewReader(text), io.Discard); err != nil {
		return err
	}
	if err := b.tar.Close(); err != nil {
		return backupError(err)
	}
	return nil
}

// segmentPart is a segment and how much of it counts.
type segmentPart struct {
	*segment
	upTo int64
}

// upTo returns the segments that hold what is in front of end.
func (j *journal) upTo(end chain) []segmentPart {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var parts []segmentPart
	for _, s := range j.segs {
		if s.start < end.position {
			parts = append(parts, segmentPart{s, min(s.size, int64(end.position-s.start))})
		}
	}
	return parts
}

// segment verifies a segment, which at has come to, and adds it.
func (b *backup) segment(s segmentPart, at *chain) error {
	begin := s.begin()
	if at.number != begin.number || at.hash != begin.hash {
		return fmt.Errorf("%w: %s does not follow event %d", ErrDamaged, s.name, at.number)
	}
	var err error
	*at, err = b.d.journal.scanSegment(b.ctx, s.segment, begin, s.upTo, func(_ uint64, r *record, _ Hash) error {
		if r.Number%lookEvery == 0 {
			return b.d.interrupted(b.ctx)
		}
		return nil
	})
	if err != nil {
		return err
	}
	f, done, err := s.read(b.d.o.fs)
	if err != nil {
		return unavailable(s.name+" cannot be opened", err)
	}
	defer done()
	return b.add(path.Join(journalName, filepath.Base(s.name)), s.upTo, io.NewSectionReader(f, 0, s.upTo))
}

// add adds an entry that BACKUP lists.
func (b *backup) add(name string, size int64, r io.Reader) error {
	sum := sha256.New()
	if err := b.entry(name, size, r, sum); err != nil {
		return err
	}
	b.file.Files = append(b.file.Files, backupEntry{Name: name, Size: size, Sum: Hash(sum.Sum(nil))})
	return nil
}

// entry writes an entry, and what is in it to sum as well.
func (b *backup) entry(name string, size int64, r io.Reader, sum io.Writer) error {
	err := b.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(filePerm),
		ModTime: b.now.Truncate(time.Second), Format: tar.FormatUSTAR,
	})
	if err != nil {
		return backupError(err)
	}
	buf := make([]byte, scanBuffer)
	for size > 0 {
		if err := b.d.interrupted(b.ctx); err != nil {
			return err
		}
		n, err := io.ReadFull(r, buf[:min(size, int64(len(buf)))])
		if err != nil {
			return unavailable(name+" cannot be read", err)
		}
		sum.Write(buf[:n])
		if _, err := b.tar.Write(buf[:n]); err != nil {
			return backupError(err)
		}
		size -= int64(n)
	}
	return nil
}

// backupError is the error of who takes the backup.
func backupError(err error) error { return fmt.Errorf("the backup cannot be written: %w", err) }
