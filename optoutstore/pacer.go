package optoutstore

import (
	"context"
	"errors"
	"io"
	"time"
)

// pacer holds reading in the background back to a steady rate, so that it takes
// from the disk and the processor what nobody misses. A nil pacer holds nothing
// back.
type pacer struct {
	ctx   context.Context
	rate  int64         // bytes a second
	alarm chan struct{} // ends the reading early

	owed    int64 // bytes read and not yet waited for
	stopped error // why took has told to stop
}

// paceEvery is how many bytes are read between two pauses.
const paceEvery = 1 << 20

// errInterrupted: something is more urgent than what is being read.
var errInterrupted = errors.New("reading was interrupted")

// took notes that n bytes were read, and waits as long as that is to take. Its
// errors are errInterrupted and the context's, and stay in p.stopped.
func (p *pacer) took(n int) error {
	if p == nil {
		return nil
	}
	if p.owed += int64(n); p.owed < paceEvery {
		return p.stopped
	}
	pause := time.NewTimer(time.Duration(p.owed) * time.Second / time.Duration(p.rate))
	defer pause.Stop()
	p.owed = 0
	select {
	case <-pause.C:
	case <-p.alarm:
		select {
		case p.alarm <- struct{}{}: // for whom it was meant
		default:
		}
		p.stopped = errInterrupted
	case <-p.ctx.Done():
		p.stopped = p.ctx.Err()
	}
	return p.stopped
}

// reader reads r at the pacer's rate.
func (p *pacer) reader(r io.ReaderAt) io.ReaderAt { return pacedReader{r, p} }

type pacedReader struct {
	r io.ReaderAt
	p *pacer
}

func (r pacedReader) ReadAt(b []byte, off int64) (int, error) {
	if err := r.p.took(len(b)); err != nil {
		return 0, err
	}
	return r.r.ReadAt(b, off)
}
