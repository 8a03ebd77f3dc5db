package optoutstore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
)

// badgerLog passes Badger's warnings and errors on, without their arguments:
// those hold keys and key ranges, and so phones. Of an error it keeps what the
// operating system said. Badger's information and debugging lines are dropped.
type badgerLog struct {
	log *slog.Logger
	// ignored is set when Badger says that it goes on without a table (levels.go,
	// newLevelsController), which it does not return as an error.
	ignored atomic.Bool
}

func (l *badgerLog) Errorf(format string, args ...any) {
	if strings.HasPrefix(format, "Ignoring table") {
		l.ignored.Store(true)
	}
	l.log.Error("badger: "+staticText(format), causes(args)...)
}

func (l *badgerLog) Warningf(format string, args ...any) {
	l.log.Warn("badger: "+staticText(format), causes(args)...)
}

func (*badgerLog) Infof(string, ...any)  {}
func (*badgerLog) Debugf(string, ...any) {}

// staticText is the part of a format in front of its first verb. Badger passes
// error texts as formats too; those have none of its own words, and may quote a
// key: they are cut at the first quote as well.
func staticText(format string) string {
	if i := strings.IndexAny(format, "%\"\n"); i >= 0 {
		format = format[:i]
	}
	return strings.TrimRight(format, " :,(=")
}

// causes is the part of args that the operating system said.
func causes(args []any) []any {
	for _, a := range args {
		err, ok := a.(error)
		if !ok {
			continue
		}
		if s := systemCause(err); s != "" {
			return []any{"cause", s}
		}
	}
	return nil
}

// systemCause is what the operating system said in err, empty if it said nothing.
func systemCause(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Sprint(path.Err)
	}
	return ""
}
