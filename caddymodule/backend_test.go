package caddymodule

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// received is a request as it arrived at the backend, to the byte.
type received struct {
	Raw    []byte
	Line   string // request line
	Method string
	Target string
	Header http.Header
	Body   []byte
}

// backend is an SMS backend that keeps what it received.
type backend struct {
	addr string
	ln   net.Listener

	mu     sync.Mutex
	got    []received
	answer func(received) (status int, header http.Header, body string)
	conns  map[net.Conn]struct{}
	wg     sync.WaitGroup
}

const sendSuccess = "SUCCESS: Sending message to phone was successful"

// newBackend starts a backend on a random port. It answers every request as the
// real one answers a send, unless told otherwise.
func newBackend(tb testing.TB) *backend {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	b := &backend{addr: ln.Addr().String(), ln: ln, conns: make(map[net.Conn]struct{})}
	b.wg.Add(1)
	go b.serve()
	tb.Cleanup(b.close)
	return b
}

func (b *backend) close() {
	b.ln.Close()
	b.mu.Lock()
	for c := range b.conns {
		c.Close()
	}
	b.mu.Unlock()
	b.wg.Wait()
}

func (b *backend) serve() {
	defer b.wg.Done()
	for {
		c, err := b.ln.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.conns[c] = struct{}{}
		b.mu.Unlock()
		b.wg.Add(1)
		go func() {
			defer b.wg.Done()
			defer c.Close()
			b.serveConn(c)
			b.mu.Lock()
			delete(b.conns, c)
			b.mu.Unlock()
		}()
	}
}

func (b *backend) serveConn(c net.Conn) {
	var raw bytes.Buffer
	br := bufio.NewReader(io.TeeReader(c, &raw))
	for {
		raw.Reset()
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if req.Header.Get("Expect") == "100-continue" {
			fmt.Fprint(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // what is not whole was not received
		}
		line, _, _ := bytes.Cut(raw.Bytes(), []byte("\r\n"))
		got := received{
			Raw: bytes.Clone(raw.Bytes()), Line: string(line),
			Method: req.Method, Target: req.RequestURI, Header: req.Header, Body: body,
		}
		b.mu.Lock()
		b.got = append(b.got, got)
		answer := b.answer
		b.mu.Unlock()

		status, header, text := http.StatusOK, http.Header{}, sendSuccess
		if answer != nil {
			status, header, text = answer(got)
		}
		if status == 0 {
			return // hang up
		}
		resp := http.Response{
			StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: req,
			Body: io.NopCloser(bytes.NewBufferString(text)), ContentLength: int64(len(text)),
		}
		if resp.Header == nil {
			resp.Header = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
		}
		if resp.Write(c) != nil {
			return
		}
	}
}

// answers sets what the backend answers from now on.
func (b *backend) answers(f func(received) (int, http.Header, string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = f
}

// take returns what was received since the last time and forgets it.
func (b *backend) take() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got = nil
	return got
}

// only returns the one request that was received since the last take.
func (b *backend) only() (received, error) {
	switch got := b.take(); len(got) {
	case 1:
		return got[0], nil
	case 0:
		return received{}, errors.New("nothing reached the backend")
	default:
		return received{}, fmt.Errorf("%d requests reached the backend", len(got))
	}
}
