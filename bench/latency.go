package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The sends whose time is measured: few enough that a machine of two cores is idle
// in between.
const (
	timedRate  = 400 // a second
	timedConns = 16
)

// work is what keeps a gateway busy while sends are timed. It lasts until end is
// closed, and says what was done of it.
type work struct {
	name string
	goal goal
	do   func(end <-chan struct{}) (note string, err error)
}

// works are what sends are timed under. Of what is done with stops the same is done
// with sends that pass, for comparison: it shows what the load costs by itself, and
// the generator, which runs on the same machine.
func works(gateway *server) []work {
	paced := func(k kind, rate float64) func(<-chan struct{}) (string, error) {
		s := newStream(gateway.addr, k, 64, rate)
		return func(end <-chan struct{}) (string, error) {
			l, err := s.run(end)
			return perSecond(l), wrongAnswers(l, err)
		}
	}
	unpaced := func(k kind) func(<-chan struct{}) (string, error) {
		next := source(k, gateway.addr)
		return func(end <-chan struct{}) (string, error) {
			l, err := fire(gateway.addr, 64, func(client, i int) ([]byte, bool) {
				select {
				case <-end:
					return nil, false
				default:
					return next(client*997 + i), true
				}
			})
			return perSecond(l), wrongAnswers(l, err)
		}
	}
	imports := 0
	return []work{
		{"other sends, 500/s over 64 connections", goal{}, paced(getSend, 500)},
		{"stops, 500/s over 64 connections", atMost(1.5), paced(stop, 500)},
		{"other sends, as fast as 64 connections can", goal{}, unpaced(getSend)},
		{"stops, as fast as 64 connections can", atMost(1.5), unpaced(stop)},
		{"an import", atMost(1.5), func(end <-chan struct{}) (string, error) {
			imports++
			return importUntil(gateway, imports, end)
		}},
		{"wrong passwords, 50/s", atMost(1.5), func(end <-chan struct{}) (string, error) { return guess(gateway.addr, end) }},
	}
}

// measureLatency compares the slowest hundredth of sends that come at a steady rate
// while nothing else happens with that under work of every kind.
func measureLatency(o options, gateway *server) ([]row, error) {
	timed := newStream(gateway.addr, getSend, timedConns, timedRate)
	var rows []row
	for _, w := range works(gateway) {
		progress("p99 of sends under %s", w.name)
		var idle, busy series
		var note string
		for range o.rounds {
			l, err := timed.runFor(o.round)
			if err = wrongAnswers(l, err); err != nil {
				return nil, err
			}
			idle = append(idle, float64(l.p99.Microseconds()))
			end := make(chan struct{})
			var wg sync.WaitGroup
			var workErr error
			wg.Go(func() { note, workErr = w.do(end) })
			l, err = timed.runFor(o.round)
			close(end)
			wg.Wait()
			if err = wrongAnswers(l, err); err == nil {
				err = workErr
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
			busy = append(busy, float64(l.p99.Microseconds()))
		}
		rows = append(rows, rowOf("p99 of sends under "+w.name+" / idle", busy.over(idle), "", w.goal,
			fmt.Sprintf("%s and %s us; %s", number(busy.median()), number(idle.median()), note)))
	}
	return rows, nil
}

func perSecond(l load) string { return number(l.perSecond) + "/s" }

func wrongAnswers(l load, err error) error {
	if err == nil && l.wrong > 0 {
		err = fmt.Errorf("%d requests were not answered with SUCCESS", l.wrong)
	}
	return err
}

// importUntil imports through the admin endpoint until end is closed. Each time the
// phones are others.
func importUntil(gateway *server, turn int, end <-chan struct{}) (string, error) {
	const chunk = 1000
	rows := 0
	head := true
	body := &chunks{next: func() ([]byte, error) {
		select {
		case <-end:
			return nil, io.EOF
		default:
		}
		var b bytes.Buffer
		if head {
			b.WriteString("realm,sender,phone\n")
			head = false
		}
		for range chunk {
			fmt.Fprintf(&b, "%s,%s,%s\n", realm, sender, phoneN(stopped, turn*importedFrom+rows))
			rows++
		}
		return b.Bytes(), nil
	}}
	begin := time.Now()
	resp, err := http.Post("http://"+gateway.admin+"/sms_optout/import", "text/csv", body)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the import was answered with %s: %.300s, %w", resp.Status, text, err)
	}
	return number(float64(rows)/time.Since(begin).Seconds()) + " rows/s", nil
}

// chunks is a reader of what a function makes.
type chunks struct {
	next func() ([]byte, error)
	rest []byte
}

func (c *chunks) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		var err error
		if c.rest, err = c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// guess sends stops with wrong passwords until end is closed.
func guess(addr string, end <-chan struct{}) (string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := 0; ; i++ {
		select {
		case <-end:
			return fmt.Sprint(i, " guesses a round"), nil
		case <-tick.C:
		}
		form := url.Values{"r": {realm}, "p": {fmt.Sprint("guess", i)}, "c": {"smsstopsubscribersend"},
			"phone": {phoneN(stopped, i)}, "sender_code": {sender}}.Encode()
		wg.Go(func() {
			resp, err := client.Post("http://"+addr+"/bin/api_web", "application/x-www-form-urlencoded", strings.NewReader(form))
			if err == nil {
				_ = resp.Body.Close()
			}
		})
	}
}
