package optoutstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// A sealed file is a small text file that is replaced whole: one line of JSON
// whose field "format" is its version, and a line "crc32c " with the checksum of
// the first line, newline included, as eight hexadecimal digits. The identity,
// the checkpoint and the witness are such files.

// castagnoli is the polynomial of every CRC in the store's formats.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errSeal: a sealed file is damaged.
var errSeal = errors.New("is damaged")

// maxSealed bounds what is read of a sealed file, in bytes.
const maxSealed = 1 << 20

// writeSealed replaces the file name by one that holds v. After a crash at any
// point the file holds either what it held before or v.
func writeSealed(fsys fsys, name string, v any) error {
	text, err := sealedText(v)
	if err != nil {
		return err
	}
	next := name + ".new"
	f, err := fsys.OpenFile(next, os.O_RDWR|os.O_CREATE|os.O_TRUNC, filePerm)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(text, 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.Rename(next, name)
	}
	if err != nil {
		_ = fsys.Remove(next)
		return err
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// sealedText is a sealed file that holds v.
func sealedText(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	return fmt.Appendf(line, "crc32c %08x\n", crc32.Checksum(line, castagnoli)), nil
}

// readSealed reads the file name into v. Its errors are fs.ErrNotExist, errSeal,
// ErrNewerFormat where its format is above newest, or the file system's.
func readSealed(fsys fsys, name string, newest int, v any) error {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxSealed))
	if err != nil {
		return err
	}
	return parseSealed(text, name, newest, v)
}

// parseSealed reads the sealed file whose content is text into v. Its errors are
// errSeal and ErrNewerFormat.
func parseSealed(text []byte, name string, newest int, v any) error {
	end := bytes.IndexByte(text, '\n') + 1
	line, seal := text[:end], text[end:]
	if end == 0 || string(seal) != fmt.Sprintf("crc32c %08x\n", crc32.Checksum(line, castagnoli)) {
		return fmt.Errorf("%s %w", name, errSeal)
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(line, &head); err != nil || head.Format < 1 {
		return fmt.Errorf("%s %w", name, errSeal)
	}
	if head.Format > newest {
		return fmt.Errorf("%w: %s has format %d, this program reads up to %d", ErrNewerFormat, name, head.Format, newest)
	}
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("%s %w", name, errSeal)
	}
	return nil
}
