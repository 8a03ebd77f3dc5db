package operate

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// distinct counts different fingerprints in bounded memory: what is too much goes
// into temporary files, by the fingerprints' first byte, and is counted file by
// file.
type distinct struct {
	mem   map[uint64]struct{}
	dir   string
	files []*os.File
	bufs  []*bufio.Writer
	limit int // of mem; 0: distinctLimit
}

// distinctLimit is how many fingerprints stay in memory: some 40 MB.
const distinctLimit = 1 << 20

func (d *distinct) add(print string) error {
	b, err := hex.DecodeString(print)
	if err != nil || len(b) != 8 {
		return errors.New("the server's answer has a fingerprint that is none")
	}
	if d.mem == nil {
		d.mem = make(map[uint64]struct{})
	}
	d.mem[binary.BigEndian.Uint64(b)] = struct{}{}
	limit := d.limit
	if limit == 0 {
		limit = distinctLimit
	}
	if len(d.mem) < limit {
		return nil
	}
	return d.spill()
}

// spill writes what is in memory to the files.
func (d *distinct) spill() error {
	if d.files == nil {
		var err error
		if d.dir, err = os.MkdirTemp("", "sms-optout"); err != nil {
			return err
		}
		for range 256 {
			f, err := os.CreateTemp(d.dir, "part")
			if err != nil {
				return err
			}
			d.files = append(d.files, f)
			d.bufs = append(d.bufs, bufio.NewWriter(f))
		}
	}
	for print := range d.mem {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], print)
		if _, err := d.bufs[b[0]].Write(b[:]); err != nil {
			return err
		}
	}
	clear(d.mem)
	return nil
}

// count returns how many different fingerprints were added.
func (d *distinct) count() (n uint64, err error) {
	if d.files == nil {
		return uint64(len(d.mem)), nil
	}
	if err := d.spill(); err != nil {
		return 0, err
	}
	for i, f := range d.files {
		if err := d.bufs[i].Flush(); err != nil {
			return 0, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		clear(d.mem)
		r := bufio.NewReader(f)
		for {
			var b [8]byte
			if _, err := io.ReadFull(r, b[:]); err == io.EOF {
				break
			} else if err != nil {
				return 0, err
			}
			d.mem[binary.BigEndian.Uint64(b[:])] = struct{}{}
		}
		n += uint64(len(d.mem))
	}
	return n, nil
}

// close removes the files.
func (d *distinct) close() {
	for _, f := range d.files {
		f.Close()
	}
	if d.dir != "" {
		os.RemoveAll(d.dir)
	}
}
