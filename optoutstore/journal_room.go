package optoutstore

import (
	"io"
	"os"
)

// Behind its frames the segment that is written to has zeros, written ahead. A
// frame that replaces zeros changes neither the size of the file nor which blocks
// it has, so that a sync has only the data to write, and no transaction of the
// file system's own journal: on ext4 it takes two thirds of the time, half for
// larger frames. Zeros have to be written for that; blocks that are merely
// reserved (fallocate) are converted, in a transaction, when data comes.
//
// Zeros are not a frame, nor the beginning of one, and hold nothing. An older
// segment has none: they are cut off before the next is begun, so that its size is
// where the next goes on. A journal that is closed has none either.

const (
	// roomAhead is how many zeros are written at once, in bytes, and zeroChunk how
	// many with one call.
	roomAhead = 1 << 20
	zeroChunk = 64 << 10
)

// makeRoom writes zeros where a frame of n bytes would make the active segment
// longer. They become durable with the frame. A disk that has no space for them
// may still have some for the frame.
func (j *journal) makeRoom(f file, n int64) error {
	s := j.active()
	end := s.size + n
	if end <= s.room || s.noRoom {
		return nil
	}
	to := min(end+roomAhead, j.segmentSize)
	if to <= end {
		return nil // the next frame goes into the next segment
	}
	if j.zeros == nil {
		j.zeros = make([]byte, zeroChunk)
	}
	from := max(s.room, end) // the frame itself covers the rest
	for from < to {
		n, err := f.WriteAt(j.zeros[:min(zeroChunk, to-from)], from)
		if isNoSpace(err) {
			s.noRoom = true
			return j.cutRoom(f)
		}
		if err != nil {
			return err
		}
		from += int64(n)
	}
	s.room = to
	return nil
}

// cutRoom cuts off what is behind the active segment's frames.
func (j *journal) cutRoom(f file) error {
	s := j.active()
	s.room = 0
	return f.Truncate(s.size)
}

// endRoom cuts off the zeros for good.
func (j *journal) endRoom() error {
	s := j.active()
	if s.room <= s.size {
		return nil
	}
	f, err := s.open(j.fs, os.O_RDWR)
	if err != nil {
		return err
	}
	if err := j.cutRoom(f); err != nil {
		return err
	}
	return f.Sync()
}

// onlyZeros reports whether the bytes from..to of r are all zero.
func onlyZeros(r io.ReaderAt, from, to int64) (bool, error) {
	buf := make([]byte, min(zeroChunk, to-from))
	for from < to {
		b := buf[:min(int64(len(buf)), to-from)]
		if _, err := r.ReadAt(b, from); err != nil {
			return false, err
		}
		for _, c := range b {
			if c != 0 {
				return false, nil
			}
		}
		from += int64(len(b))
	}
	return true, nil
}
