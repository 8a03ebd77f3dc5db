package caddymodule

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far a long verb is: a bar with rate and time left on a
// terminal, a line a minute elsewhere.
type progress struct {
	out   io.Writer
	what  string
	total int64 // -1: nobody knows
	bar   *progressbar.ProgressBar
	begun time.Time
	said  time.Time
	done  int64
}

// newProgress begins to show progress in units of what ("rows").
func (v *verbRun) newProgress(doing, what string, total int64) *progress {
	p := &progress{out: v.cmd.ErrOrStderr(), what: doing, total: total, begun: time.Now()}
	p.said = p.begun
	if isTerminal(p.out) {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.out),
			progressbar.OptionSetDescription(doing),
			progressbar.OptionSetItsString(what),
			progressbar.OptionShowIts(),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(total >= 0),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// at says how much is done.
func (p *progress) at(done int64) {
	p.done = done
	if p.bar != nil {
		_ = p.bar.Set64(done)
		return
	}
	if now := time.Now(); now.Sub(p.said) >= time.Minute {
		p.said = now
		p.line()
	}
}

func (p *progress) line() {
	rate := float64(p.done) / time.Since(p.begun).Seconds()
	if p.total > 0 {
		fmt.Fprintf(p.out, "%s: %d of %d, %.0f a second\n", p.what, p.done, p.total, rate)
		return
	}
	fmt.Fprintf(p.out, "%s: %d, %.0f a second\n", p.what, p.done, rate)
}

// close ends the display.
func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
