package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
)

// answer is what the backend says to every request.
const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 48\r\n\r\n" +
	"SUCCESS: Sending message to phone was successful"

// backend answers every request on ln the same way, with as little work as can be:
// it shares the machine with what is measured. It counts them in reached, and ends when
// ln is closed.
func backend(ln net.Listener, reached *atomic.Int64) error {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			in := bufio.NewReaderSize(c, 16<<10)
			for readRequest(in) == nil {
				reached.Add(1)
				if _, err := io.WriteString(c, answer); err != nil {
					return
				}
			}
		}()
	}
}

// readRequest reads one request off a connection.
func readRequest(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			_, err := in.Discard(length)
			return err
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
}
