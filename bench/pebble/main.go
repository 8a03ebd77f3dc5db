// Command pebble compares the store's durable writes with those of Pebble, a
// key-value store with group commit, in one run: opt-outs of 1, 8 and 64 writers,
// each acknowledged when it is on the disk, beside Pebble's synced Set of the same
// number of bytes. It is a module of its own, so that the project does not depend
// on Pebble.
//
//	go -C bench/pebble run . --rounds 9
//
// It prints a line of JSON for each number of writers.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// The size of Pebble's key and value together is that of an opt-out's record in
// the journal as the benchmark writes it.
const (
	keySize   = 32
	valueSize = 118
)

// figures are the writes per second of each round.
type figures struct {
	Writers  int       `json:"writers"`
	Stopgate []float64 `json:"stopgate"`
	Pebble   []float64 `json:"pebble"`
}

func main() {
	rounds := flag.Int("rounds", 9, "rounds; the two take turns")
	length := flag.Duration("round", 2*time.Second, "length of a round")
	dir := flag.String("dir", "", "where to write (default: the system's temporary directory)")
	flag.Parse()
	if err := run(*rounds, *length, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "pebble:", err)
		os.Exit(1)
	}
}

func run(rounds int, length time.Duration, dir string) (err error) {
	if rounds < 1 || length <= 0 {
		return errors.New("at least one round of some length")
	}
	if dir, err = os.MkdirTemp(dir, "stopgate-pebble"); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	for _, writers := range []int{1, 8, 64} {
		f := figures{Writers: writers}
		var next atomic.Uint64
		ours, closeOurs, err := openStopgate(filepath.Join(dir, "stopgate"+strconv.Itoa(writers)))
		if err != nil {
			return err
		}
		theirs, closeTheirs, err := openPebble(filepath.Join(dir, "pebble"+strconv.Itoa(writers)))
		if err != nil {
			return err
		}
		for round := range rounds {
			// Who comes first turns: the one behind may find a busier disk.
			for i := range 2 {
				write, to := ours, &f.Stopgate
				if (i+round)%2 == 1 {
					write, to = theirs, &f.Pebble
				}
				rate, err := measure(writers, length, &next, write)
				if err != nil {
					return err
				}
				*to = append(*to, rate)
			}
		}
		if err := errors.Join(closeOurs(), closeTheirs()); err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// measure returns how many writes a second the writers get acknowledged.
func measure(writers int, length time.Duration, next *atomic.Uint64, write func(n uint64) error) (float64, error) {
	var done atomic.Uint64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	begin := time.Now()
	for range writers {
		wg.Go(func() {
			for time.Since(begin) < length {
				if err := write(next.Add(1)); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(begin).Seconds(), nil
}

func openStopgate(dir string) (write func(uint64) error, closeIt func() error, err error) {
	s, err := optoutstore.Open(optoutstore.Options{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	return func(n uint64) error {
		number, err := phone.ParseNumber(strconv.FormatUint(12_000_000_000+n, 10))
		if err != nil {
			return err
		}
		_, err = s.OptOut(context.Background(), optoutstore.Change{
			Pair:   optoutstore.Pair{Realm: "myrealm", Sender: "120162701555", Phone: number},
			Source: optoutstore.SourceAPIWeb,
			Remote: "192.0.2.1",
		})
		return err
	}, s.Close, nil
}

func openPebble(dir string) (write func(uint64) error, closeIt func() error, err error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: quiet{}})
	if err != nil {
		return nil, nil, err
	}
	return func(n uint64) error {
		var key [keySize]byte
		var value [valueSize]byte
		binary.BigEndian.PutUint64(key[keySize-8:], n*0x9e3779b97f4a7c15) // in no order, as phones come
		return db.Set(key[:], value[:], pebble.Sync)
	}, db.Close, nil
}

// quiet drops Pebble's log.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
