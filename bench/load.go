package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is what one round of requests showed.
type load struct {
	perSecond float64
	p50, p99  time.Duration
	requests  int // that were answered
	wrong     int // answers that were not SUCCESS, as far as the generator looks at them
}

// generator sends requests of a kind to an address, over that many connections,
// as fast as they are answered.
type generator interface {
	name() string
	run(addr string, k kind, conns int, d time.Duration) (load, error)
}

// goLoad is the generator for machines without wrk.
type goLoad struct{}

func (goLoad) name() string { return "a generator in Go (wrk is not installed)" }

func (goLoad) run(addr string, k kind, conns int, d time.Duration) (load, error) {
	next := source(k, addr)
	end := time.Now().Add(d)
	return fire(addr, conns, func(client, i int) ([]byte, bool) {
		if !time.Now().Before(end) {
			return nil, false
		}
		return next(client*997 + i), true
	})
}

// stream is requests of a kind that come at a fixed rate over some connections.
type stream struct {
	addr     string
	conns    int
	rate     float64 // a second
	requests func(i int) []byte
}

func newStream(addr string, k kind, conns int, rate float64) stream {
	return stream{addr, conns, rate, source(k, addr)}
}

// run sends requests until end is closed, and measures each from the moment at which
// it was due: a stall counts for all that came due in it. Two requests on each
// connection come before and do not count, so that no handshake is measured.
func (s stream) run(end <-chan struct{}) (load, error) {
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var wg, warm sync.WaitGroup
	var begin time.Time
	var first error
	wrong := 0
	started := make(chan struct{})
	warm.Add(s.conns)
	for c := range s.conns {
		wg.Go(func() {
			warmed := sync.OnceFunc(warm.Done)
			defer warmed()
			err := client(s.addr, func(talk func([]byte) (bool, error)) error {
				for i := range 2 {
					if _, err := talk(s.requests(2*c + i)); err != nil {
						return err
					}
				}
				warmed()
				<-started
				for {
					i := int(next.Add(1)) - 1
					due := begin.Add(time.Duration(float64(i) / s.rate * float64(time.Second)))
					select {
					case <-end:
						return nil
					case <-time.After(time.Until(due)):
					}
					ok, err := talk(s.requests(2*s.conns + i))
					if err != nil {
						return err
					}
					d := time.Since(due)
					mu.Lock()
					took = append(took, d)
					if !ok {
						wrong++
					}
					mu.Unlock()
				}
			})
			if err != nil {
				mu.Lock()
				first = err
				mu.Unlock()
			}
		})
	}
	warm.Wait()
	begin = time.Now()
	close(started)
	wg.Wait()
	if first != nil {
		return load{}, first
	}
	return load{perSecond: float64(len(took)) / time.Since(begin).Seconds(), p50: quantile(took, 0.5), p99: quantile(took, 0.99),
		requests: len(took), wrong: wrong}, nil
}

// runFor is run for a while.
func (s stream) runFor(d time.Duration) (load, error) {
	end := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(end) })
	defer timer.Stop()
	return s.run(end)
}

// fire runs that many clients, each sending what next gives it until that says no.
func fire(addr string, conns int, next func(client, i int) ([]byte, bool)) (load, error) {
	var mu sync.Mutex
	var took []time.Duration
	var first error
	wrong := 0
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range conns {
		wg.Go(func() {
			var own []time.Duration
			bad := 0
			err := client(addr, func(talk func([]byte) (bool, error)) error {
				for i := 0; ; i++ {
					request, more := next(c, i)
					if !more {
						return nil
					}
					at := time.Now()
					ok, err := talk(request)
					if err != nil {
						return err
					}
					own = append(own, time.Since(at))
					if !ok {
						bad++
					}
				}
			})
			mu.Lock()
			defer mu.Unlock()
			took, wrong = append(took, own...), wrong+bad
			if err != nil {
				first = err
			}
		})
	}
	wg.Wait()
	if first != nil {
		return load{}, first
	}
	return load{perSecond: float64(len(took)) / time.Since(begin).Seconds(), p99: quantile(took, 0.99), requests: len(took), wrong: wrong}, nil
}

// client opens a connection and calls use with what sends one request over it and
// reports whether the answer was SUCCESS.
func client(addr string, use func(talk func([]byte) (bool, error)) error) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	return use(func(request []byte) (bool, error) {
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			return false, err
		}
		if _, err := c.Write(request); err != nil {
			return false, err
		}
		return readAnswer(in)
	})
}

// readAnswer reads one answer that has a length, and reports whether it is SUCCESS.
func readAnswer(in *bufio.Reader) (bool, error) {
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if _, err := fmt.Sscan(string(value), &length); err != nil {
				return false, err
			}
		}
	}
	if length < 0 {
		return false, fmt.Errorf("an answer without a length")
	}
	word := []byte("SUCCESS")
	head, err := in.Peek(min(length, len(word)))
	if err != nil {
		return false, err
	}
	ok := bytes.Equal(head, word)
	_, err = io.CopyN(io.Discard, in, int64(length))
	return ok, err
}

// once sends one request and returns an error unless it is answered with SUCCESS.
func once(addr string, k kind) error {
	return client(addr, func(talk func([]byte) (bool, error)) error {
		ok, err := talk(source(k, addr)(0))
		if err == nil && !ok {
			err = fmt.Errorf("%s did not answer with SUCCESS", addr)
		}
		return err
	})
}

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}
