package main

import (
	"fmt"
	"path/filepath"
	"time"
)

// measureList makes a list of n opt-outs and measures everything that depends on
// its size.
func measureList(o options, r *report, n int) error {
	size := thousands(int64(n)) + " opt-outs"
	store := filepath.Join(o.dir, fmt.Sprintf("list%d", n))
	progress("importing %s", size)
	imported, err := importRows(o, store, n)
	if err != nil {
		return err
	}
	guarded, bare, longer, err := startPair(o, store)
	if err != nil {
		return err
	}
	defer guarded.stop()
	defer bare.stop()
	for _, k := range []kind{getSend, postSend, stop} {
		if err := once(guarded.addr, k); err != nil {
			return err
		}
	}

	pair := []contender{guarded.contender, bare.contender}
	rows, err := measureSends(o, size, pair)
	if err != nil {
		return err
	}
	sending, err := memory(guarded.pid)
	if err != nil {
		return err
	}
	stops, err := measureStops(o, size, guarded.contender)
	if err != nil {
		return err
	}
	latency, err := measureLatency(o, guarded)
	if err != nil {
		return err
	}
	own, err := memory(guarded.pid)
	if err != nil {
		return err
	}
	base, err := memory(bare.pid)
	if err != nil {
		return err
	}
	rows = append(append(rows, stops), latency...)
	rows = append(rows,
		row{figure: "offline import", value: imported.perSecond, unit: "rows/s", goal: atLeast(300_000),
			note: fmt.Sprintf("%.1f s; %d MiB of memory of its own at most", imported.took.Seconds(), imported.anonymous>>20)},
		row{figure: "start until it answers, longer than without the list", value: longer.Seconds(), unit: "s", goal: atMost(1)},
		row{figure: "memory of its own after the passing sends", value: float64(sending >> 20), unit: "MiB", goal: atMost(200),
			note: fmt.Sprintf("%d MiB without the directive", base>>20)},
		row{figure: "the same after stops, imports and guesses", value: float64(own >> 20), unit: "MiB"},
	)
	r.add("Serving, "+size, rows...)

	if o.peers && n == o.rows[0] {
		return measurePeers(o, r, n, pair)
	}
	return nil
}

// startPair starts the gateway on a store, and a Caddy without the directive; longer is
// by how much the first took longer to start. The second is started twice and the second
// time counts: the first one's start has brought the program into memory.
func startPair(o options, store string) (guarded, bare *server, longer time.Duration, err error) {
	begin := time.Now()
	if guarded, err = startCaddy(o, "gateway", store, true); err != nil {
		return nil, nil, 0, err
	}
	opened := time.Since(begin)
	if bare, err = startCaddy(o, "bare", "", false); err != nil {
		guarded.stop()
		return nil, nil, 0, err
	}
	begin = time.Now()
	idle, err := startCaddy(o, "bare again", "", false)
	if err != nil {
		guarded.stop()
		bare.stop()
		return nil, nil, 0, err
	}
	startup := time.Since(begin)
	idle.stop()
	return guarded, bare, max(0, opened-startup), nil
}

// measureSends compares sends that pass through the gateway with the same through a
// Caddy without it.
func measureSends(o options, size string, pair []contender) (rows []row, err error) {
	for _, f := range []struct {
		name string
		kind kind
		goal float64
	}{{"passing GET, with / without the directive", getSend, 0.98}, {"passing POST, with / without the directive", postSend, 0.95}} {
		progress("%s, %s", f.name, size)
		got, err := throughput(o, f.kind, o.conns, pair)
		if err != nil {
			return nil, err
		}
		with, without := got["gateway"], got["bare"]
		rows = append(rows, rowOf(f.name, with.perSecond.over(without.perSecond), "", atLeast(f.goal),
			fmt.Sprintf("%s and %s requests/s", number(with.perSecond.median()), number(without.perSecond.median()))))
		// The same two against each other with nothing between them would give 1.00.
		if len(with.cpu) > 0 {
			rows = append(rows, rowOf("the same, processor time without / with", without.cpu.over(with.cpu), "", goal{},
				fmt.Sprintf("%s and %s us a request", number(with.cpu.median()*1e6), number(without.cpu.median()*1e6))))
		}
	}
	return rows, nil
}

// measureStops compares stops with sends that pass.
func measureStops(o options, size string, gateway contender) (row, error) {
	progress("stops over 64 connections, %s", size)
	sends, err := throughput(o, getSend, 64, []contender{gateway})
	if err != nil {
		return row{}, err
	}
	stops, err := throughput(o, stop, 64, []contender{gateway})
	if err != nil {
		return row{}, err
	}
	return rowOf("stops / passing sends, 64 connections", stops["gateway"].perSecond.over(sends["gateway"].perSecond), "", atLeast(0.5),
		fmt.Sprintf("%s stops/s", number(stops["gateway"].perSecond.median()))), nil
}

// measurePeers measures the same job done by others.
func measurePeers(o options, r *report, n int, own []contender) error {
	progress("peers")
	started, missing, err := startPeers(o, n)
	defer func() {
		for _, s := range started {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	all := append([]contender(nil), own...)
	for _, s := range started {
		if s.name != "redis" {
			if err := once(s.addr, getSend); err != nil {
				return err
			}
			all = append(all, s.contender)
		}
	}
	got, err := throughput(o, getSend, o.conns, all)
	if err != nil {
		return err
	}
	rows := []row{rowOf("gateway / bare Caddy", got["gateway"].perSecond.over(got["bare"].perSecond), "", goal{},
		number(got["gateway"].perSecond.median())+" requests/s")}
	for _, name := range []string{"haproxy", "nginx"} {
		if s := got[name]; s != nil {
			rows = append(rows, rowOf(name+" / itself without the check", s.perSecond.over(got[name+" bare"].perSecond), "", goal{},
				number(s.perSecond.median())+" requests/s"))
		}
	}
	for _, m := range missing {
		rows = append(rows, row{figure: m, note: "not installed, or did not start"})
	}
	r.add("Peers, passing GET, "+thousands(int64(n))+" opt-outs", rows...)
	return nil
}
