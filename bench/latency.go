package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// steadyRate is how many sends a second are timed: few enough that a machine of
// two cores is idle in between.
const steadyRate = 400

// measureLatency compares the slowest hundredth of sends that come at a steady rate
// while nothing else happens with that under work of every kind.
func measureLatency(o options, gateway *server) ([]row, error) {
	n := int(steadyRate * o.round.Seconds())
	var rows []row
	under := []struct {
		name string
		goal goal
		work func(stop <-chan struct{}) error
	}{
		{"stops at 500/s over 64 connections", atMost(1.5), func(stop <-chan struct{}) error { return paced(gateway.addr, 500, stop) }},
		{"stops as fast as 64 connections can", atMost(1.5), func(end <-chan struct{}) error {
			prepared := requests(stop, gateway.addr, 4096)
			_, err := fire(gateway.addr, 64, func(client, i int) ([]byte, bool) {
				select {
				case <-end:
					return nil, false
				default:
					return prepared[(client*997+i)%len(prepared)], true
				}
			})
			return err
		}},
		{"wrong passwords, 50/s", atMost(1.5), func(stop <-chan struct{}) error { return guess(gateway.addr, stop) }},
	}
	for _, u := range under {
		progress("p99 of sends under %s", u.name)
		var idle, busy series
		for range o.rounds {
			l, err := steady(gateway.addr, getSend, 16, n, steadyRate)
			if err != nil {
				return nil, err
			}
			idle = append(idle, float64(l.p99.Microseconds()))
			end := make(chan struct{})
			var wg sync.WaitGroup
			var workErr error
			wg.Go(func() { workErr = u.work(end) })
			l, err = steady(gateway.addr, getSend, 16, n, steadyRate)
			close(end)
			wg.Wait()
			if err == nil {
				err = workErr
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", u.name, err)
			}
			busy = append(busy, float64(l.p99.Microseconds()))
		}
		rows = append(rows, rowOf("p99 of sends under "+u.name+" / idle", busy.over(idle), "", u.goal,
			fmt.Sprintf("%s and %s us", number(busy.median()), number(idle.median()))))
	}
	return rows, nil
}

// paced records stops at a rate until end is closed.
func paced(addr string, rate float64, end <-chan struct{}) error {
	const slice = 100 * time.Millisecond
	for {
		select {
		case <-end:
			return nil
		default:
			l, err := steady(addr, stop, 64, int(rate*slice.Seconds()), rate)
			if err == nil && l.wrong > 0 {
				err = fmt.Errorf("%d stops were not recorded", l.wrong)
			}
			if err != nil {
				return err
			}
		}
	}
}

// guess sends stops with wrong passwords until end is closed.
func guess(addr string, end <-chan struct{}) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := 0; ; i++ {
		select {
		case <-end:
			return nil
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
