package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// options are what the sections of a run need.
type options struct {
	rows      []int
	rounds    int
	round     time.Duration
	benchtime string
	conns     int
	peers     bool
	pebble    bool

	dir     string        // everything that is written, removed at the end
	witness string        // Caddy's data directory
	caddy   string        // the program
	backend string        // its address
	reached *atomic.Int64 // the requests that came to it
	load    generator
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childImport {
		if err := importChild(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(arguments []string) (err error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	sizes := flags.String("rows", "1000000", "opt-outs in the list; several sizes with commas")
	flags.IntVar(&o.rounds, "rounds", 9, "rounds of each figure")
	flags.DurationVar(&o.round, "round", 2*time.Second, "length of a round under load")
	flags.StringVar(&o.benchtime, "benchtime", "300ms", "length of a round of a part")
	flags.IntVar(&o.conns, "conns", 32, "connections of the load")
	flags.BoolVar(&o.peers, "peers", false, "measure nginx with Lua and Redis, and HAProxy with a map, too, with the first size")
	flags.BoolVar(&o.pebble, "pebble", false, "measure the store's writes beside Pebble's (fetches Pebble)")
	plot := flags.String("plot", "", "write the ratios as a picture to this SVG file")
	temp := flags.String("dir", "", "where to put the lists (default: the system's temporary directory; it should be on the disk that matters)")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Usage, in the project's folder: go run ./bench [flags]\n\nMeasures what the gateway costs. Examples:\n"+
			"  go run ./bench --rows 100000 --rounds 3     # two minutes\n"+
			"  go run ./bench --rows 1000000,10000000 --peers --pebble --plot performance.svg\n\nFlags:")
		flags.PrintDefaults()
	}
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(size))
		if err != nil || n < 1000 {
			return fmt.Errorf("--rows: '%s' is not a number of at least 1000", size)
		}
		o.rows = append(o.rows, n)
	}
	if o.rounds < 1 || o.round < 100*time.Millisecond || o.conns < 1 || flags.NArg() > 0 {
		return errors.New("at least 1 round of 100ms over 1 connection, and no further arguments; see --help")
	}
	if o.dir, err = os.MkdirTemp(*temp, "stopgate-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(o.dir)
	if o.dir, err = filepath.EvalSymlinks(o.dir); err != nil {
		return err
	}
	o.witness = filepath.Join(o.dir, "data")
	o.load = goLoad{}
	if _, err := exec.LookPath("wrk"); err == nil {
		o.load = wrk{o.dir}
	}

	progress("building Caddy")
	if o.caddy, err = buildCaddy(o.dir); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	o.backend, o.reached = ln.Addr().String(), new(atomic.Int64)
	go func() { _ = backend(ln, o.reached) }()

	var r report
	for _, n := range o.rows {
		if err := measureList(o, &r, n); err != nil {
			return err
		}
	}
	if err := measureParts(o, &r); err != nil {
		return err
	}

	about := fmt.Sprintf("%s; load: %s; %d rounds of %s", machine(), o.load.name(), o.rounds, o.round)
	fmt.Println(about)
	if err := r.print(os.Stdout); err != nil {
		return err
	}
	if *plot != "" {
		return r.plot(*plot, about)
	}
	return nil
}

// progress says on standard error what is done now.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
