package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// series is one figure, measured round by round.
type series []float64

func (s series) sorted() series { return slices.Sorted(slices.Values(s)) }

func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	return s.sorted()[len(s)/2]
}

// spread is the half of the values around the median.
func (s series) spread() (low, high float64) {
	if len(s) == 0 {
		return 0, 0
	}
	t := s.sorted()
	return t[len(t)/4], t[len(t)*3/4]
}

// over is the series of ratios, round by round.
func (s series) over(base series) series {
	r := make(series, min(len(s), len(base)))
	for i := range r {
		r[i] = s[i] / base[i]
	}
	return r
}

// contender is one of the things that are measured side by side.
type contender struct {
	name  string
	addr  string
	pid   int    // 0: its processor time is not of interest
	admin string // Caddy's admin endpoint, if it has one
}

// result is what rounds of load showed of a contender.
type result struct {
	perSecond series
	// cpu is processor time a request, in seconds: it varies far less than requests a
	// second, for it does not count what other programs take.
	cpu series
}

// throughput measures the contenders in rounds that take turns. The order turns with
// each round.
func throughput(o options, k kind, conns int, all []contender) (map[string]*result, error) {
	got := map[string]*result{}
	for _, c := range all {
		// Not counted: connections, caches and the machine's clock warm up.
		if _, err := measure(o, k, conns, c, o.round/2); err != nil {
			return nil, err
		}
		got[c.name] = new(result)
	}
	for round := range o.rounds {
		for i := range all {
			c := all[(i+round)%len(all)]
			before := processorTime(c.pid)
			l, err := measure(o, k, conns, c, o.round)
			if err != nil {
				return nil, err
			}
			r := got[c.name]
			r.perSecond = append(r.perSecond, l.perSecond)
			if spent := processorTime(c.pid) - before; spent > 0 {
				r.cpu = append(r.cpu, spent/float64(l.requests))
			}
		}
	}
	return got, nil
}

func measure(o options, k kind, conns int, c contender, d time.Duration) (load, error) {
	before, err := done(o, k, c)
	if err != nil {
		return load{}, fmt.Errorf("%s: %w", c.name, err)
	}
	l, err := o.load.run(c.addr, k, conns, d)
	if err = wrongAnswers(l, err); err != nil {
		return load{}, fmt.Errorf("%s: %w", c.name, err)
	}
	after, err := done(o, k, c)
	if n := int(after - before); err == nil && n < l.requests {
		err = fmt.Errorf("%d requests were answered, and %d did what they should", l.requests, n)
	}
	if err != nil {
		return load{}, fmt.Errorf("%s: %w", c.name, err)
	}
	return l, nil
}

// done is how many requests of a kind have done what they should: sends have come to the
// backend, and stops opted out a pair that had not. Generators do not see that: a FAILURE
// has the status of a SUCCESS, and a stop that is repeated its text.
func done(o options, k kind, c contender) (int64, error) {
	if k != stop {
		return o.reached.Load(), nil
	}
	resp, err := http.Get("http://" + c.admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	m := firstStops.FindSubmatch(text)
	if m == nil {
		return 0, errors.New("the metrics do not say how many stops were recorded")
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	return int64(n), err
}

var firstStops = regexp.MustCompile(`(?m)^caddy_sms_optout_requests_total\{call="stop",outcome="recorded".*\} (\S+)$`)
