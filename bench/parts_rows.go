package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// measureParts measures what can be measured without a server.
func measureParts(o options, r *report) error {
	progress("reading a request")
	read, err := goBenchmark(o, "./smsapi/whatcounts", "^BenchmarkReadGET$")
	if err != nil {
		return err
	}
	progress("the handler's passing path")
	path, err := goBenchmark(o, "./caddymodule", "^BenchmarkPassingSend$")
	if err != nil {
		return err
	}
	get := path["PassingSend/GET ns/op"]
	r.add("A passing send, in process",
		rowOf("reading a GET / url.ParseQuery of it", read["ReadGET/plain/Read ns/op"].over(read["ReadGET/plain/ParseQuery ns/op"]), "", atMost(1),
			fmt.Sprintf("%s ns, %s allocations", number(read["ReadGET/plain/Read ns/op"].median()), number(read["ReadGET/plain/Read allocs/op"].median()))),
		rowOf("the same, half of the text escaped", read["ReadGET/escapes/Read ns/op"].over(read["ReadGET/escapes/ParseQuery ns/op"]), "", goal{}, ""),
		rowOf("handler, GET / url.ParseQuery and a map lookup", get.over(path["PassingSend/url.ParseQuery_and_a_map ns/op"]), "", atMost(1.5),
			fmt.Sprintf("%s ns", number(get.median()))),
		rowOf("handler, GET", path["PassingSend/GET allocs/op"], "allocations", atMost(6), ""),
		rowOf("handler, POST", path["PassingSend/POST ns/op"], "ns", goal{}, number(path["PassingSend/POST allocs/op"].median())+" allocations"),
		rowOf("handler, a path that is not guarded", path["PassingSend/unguarded ns/op"], "ns", goal{},
			number(path["PassingSend/unguarded allocs/op"].median())+" allocations"),
	)

	progress("the check alone")
	var rows []row
	few := o
	few.rounds = min(o.rounds, 3) // each fills its lists anew
	for _, n := range o.rows {
		check, err := goBenchmark(few, "./optoutstore", "^BenchmarkLookup$", "OPTOUTSTORE_BENCH_ROWS="+strconv.Itoa(n))
		if err != nil {
			return err
		}
		small, large := "Lookup/rows=10000/", fmt.Sprintf("Lookup/rows=%d/", n)
		size := ", " + thousands(int64(n))
		rows = append(rows,
			rowOf("check, absent, all scopes, median"+size, check[large+"absent median-ns"], "ns", atMost(300),
				number(check[large+"absent allocs/op"].median())+" allocations; with two readings of the clock, "+
					number(check[large+"nothing median-ns"].median())+" ns"),
			rowOf("check, absent, p99"+size, check[large+"absent p99-ns"], "ns", atMost(2000), ""),
			rowOf("check, absent, mean without the clock"+size, check[large+"absent ns/op"], "ns", goal{}, ""),
			rowOf("check, present, median"+size, check[large+"present median-ns"], "ns", atMost(10_000), ""),
			rowOf("check, absent"+size+" / 10,000", check[large+"absent ns/op"].over(check[small+"absent ns/op"]), "", atMost(1.2), ""),
		)
	}
	r.add("The check alone", rows...)

	progress("durable stops")
	write, err := goBenchmark(o, "./optoutstore", "^BenchmarkOptOut$")
	if err != nil {
		return err
	}
	one := write["OptOut/writers=1 ns/op"]
	rows = []row{rowOf("durable stop, 1 writer / append and sync of the same bytes", one.over(write["OptOut/raw-append-fdatasync ns/op"]), "", atMost(1.3),
		number(one.median()/1000)+" us")}
	for _, writers := range []string{"8", "64"} {
		s := write["OptOut/writers="+writers+" ns/op"]
		rows = append(rows, row{figure: "durable stops, " + writers + " writers", value: 1e9 / s.median(), unit: "a second"})
	}
	if o.pebble {
		beside, err := besidePebble(o)
		if err != nil {
			return err
		}
		rows = append(rows, beside...)
	}
	r.add("Writing", rows...)
	return nil
}

// besidePebble runs the comparison that is a module of its own.
func besidePebble(o options) ([]row, error) {
	progress("durable stops beside Pebble")
	cmd := exec.Command("go", "-C", "bench/pebble", "run", ".", "--rounds", strconv.Itoa(o.rounds), "--round", o.round.String(), "--dir", o.dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var rows []row
	dec := json.NewDecoder(out)
	for {
		var f struct {
			Writers          int
			Stopgate, Pebble series
		}
		err = dec.Decode(&f)
		if err != nil {
			break
		}
		g := goal{}
		if f.Writers == 64 {
			g = atLeast(0.8)
		}
		rows = append(rows, rowOf(fmt.Sprintf("durable stops / Pebble's synced Set, %d writers", f.Writers), f.Stopgate.over(f.Pebble), "", g,
			fmt.Sprintf("%s and %s a second", number(f.Stopgate.median()), number(f.Pebble.median()))))
	}
	if werr := cmd.Wait(); werr != nil {
		return nil, fmt.Errorf("bench/pebble: %w", werr)
	}
	if err != io.EOF {
		return nil, fmt.Errorf("bench/pebble: %w", err)
	}
	return rows, nil
}
