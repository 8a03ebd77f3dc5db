package caddymodule

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// TestHTTP2Framing writes HTTP/2 by hand, for what no client library sends. Caddy
// answers HTTP/2 with prior knowledge on a clear-text listener. None of these may
// reach the backend: all would message testPhone.
func TestHTTP2Framing(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	target := "/bin/api_web?" + sendTo(testPhone)
	form := sendTo(testPhone)
	h := func(pairs ...string) []hpack.HeaderField {
		var fields []hpack.HeaderField
		for i := 0; i < len(pairs); i += 2 {
			fields = append(fields, hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
		}
		return fields
	}
	get := h(":method", "GET", ":scheme", "http", ":authority", "gw.example", ":path", target)
	post := h(":method", "POST", ":scheme", "http", ":authority", "gw.example", ":path", "/bin/api_web",
		"content-type", "application/x-www-form-urlencoded")
	with := func(base []hpack.HeaderField, pairs ...string) []hpack.HeaderField {
		return append(base[:len(base):len(base)], h(pairs...)...)
	}
	for name, tc := range map[string]struct {
		header  []hpack.HeaderField
		data    []string
		trailer []hpack.HeaderField
	}{
		"plain":                     {header: get},
		"body in frames":            {header: post, data: []string{form[:7], "", form[7:]}},
		"path in absolute form":     {header: h(":method", "GET", ":scheme", "http", ":authority", "gw.example", ":path", "http://other.example"+target)},
		"path with a fragment":      {header: h(":method", "GET", ":scheme", "http", ":authority", "gw.example", ":path", target+"#x")},
		"path twice":                {header: with(h(":method", "GET", ":scheme", "http", ":authority", "gw.example", ":path", "/"), ":path", target)},
		"method twice":              {header: with(get, ":method", "POST")},
		"method in lower case":      {header: h(":method", "get", ":scheme", "http", ":authority", "gw.example", ":path", target)},
		"scheme of its own":         {header: h(":method", "GET", ":scheme", "x", ":authority", "gw.example", ":path", target)},
		"no authority":              {header: h(":method", "GET", ":scheme", "http", ":path", target)},
		"authority and host differ": {header: with(get, "host", "other.example")},
		"authority with a path":     {header: h(":method", "GET", ":scheme", "http", ":authority", "gw.example/bin/api_web", ":path", target)},
		"pseudo-header of its own":  {header: with(get, ":phone", testPhone)},
		"pseudo-header at the end":  {header: with(h(":method", "GET", ":scheme", "http", "x-a", "1"), ":path", target)},
		"upper-case name":           {header: with(get, "X-A", "1")},
		"connection":                {header: with(post, "connection", "content-type"), data: []string{form}},
		"transfer-encoding":         {header: with(post, "transfer-encoding", "chunked"), data: []string{form}},
		"upgrade":                   {header: with(get, "upgrade", "h2c")},
		"content-length too short":  {header: with(post, "content-length", "3"), data: []string{form}},
		"content-length too long":   {header: with(post, "content-length", "5000"), data: []string{form}},
		"newline in a value":        {header: with(get, "x-a", "1\r\nx-original-url: /bin/api_web")},
		"cookies in pieces":         {header: with(get, "cookie", "a=b", "cookie", "phone=13105550000")},
		"CONNECT":                   {header: h(":method", "CONNECT", ":authority", "gw.example:80")},
		"CONNECT with a path":       {header: h(":method", "CONNECT", ":scheme", "http", ":authority", "gw.example", ":path", target)},
		"websocket to api_web":      {header: with(h(":method", "CONNECT", ":protocol", "websocket"), ":scheme", "http", ":authority", "gw.example", ":path", target)},
		"connect-udp":               {header: with(h(":method", "CONNECT", ":protocol", "connect-udp"), ":scheme", "http", ":authority", "gw.example", ":path", "/other")},
		"trailer":                   {header: with(post, "trailer", "phone"), data: []string{strings.Replace(form, "phone="+testPhone, "x=y", 1)}, trailer: h("phone", testPhone)},
		"trailer not announced":     {header: post, data: []string{form}, trailer: h("x-a", "1")},
		"X-HTTP-Method-Override":    {header: with(post, "x-http-method-override", "GET"), data: []string{form}},
	} {
		t.Run(name, func(t *testing.T) {
			b.take()
			status := exchangeHTTP2(t, g.addr, tc.header, tc.data, tc.trailer)
			if n := len(b.take()); n != 0 {
				t.Errorf("status %q: %d requests reached the backend", status, n)
			}
		})
	}
	// The test's own writing is right: this passes.
	status := exchangeHTTP2(t, g.addr, post, []string{sendTo(otherPhone)}, nil)
	if got, err := b.only(); err != nil || string(got.Body) != sendTo(otherPhone) {
		t.Errorf("status %q: %v", status, err)
	}
}

// exchangeHTTP2 sends one request over a connection of its own and returns the
// status, or "" where the stream or connection was ended instead.
func exchangeHTTP2(t *testing.T, addr string, header []hpack.HeaderField, data []string, trailer []hpack.HeaderField) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(3 * time.Second))
	var out bytes.Buffer
	io.WriteString(&out, http2.ClientPreface)
	framer := http2.NewFramer(&out, c)
	framer.WriteSettings()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	headers := func(fields []hpack.HeaderField, end bool) {
		block.Reset()
		for _, f := range fields {
			enc.WriteField(f)
		}
		framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: 1, BlockFragment: bytes.Clone(block.Bytes()), EndHeaders: true, EndStream: end,
		})
	}
	headers(header, len(data) == 0 && trailer == nil)
	for i, d := range data {
		framer.WriteData(1, i == len(data)-1 && trailer == nil, []byte(d))
	}
	if trailer != nil {
		headers(trailer, true)
	}
	if _, err := c.Write(out.Bytes()); err != nil {
		return ""
	}
	status := ""
	dec := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			status = f.Value
		}
	})
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return status
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				var ack bytes.Buffer
				http2.NewFramer(&ack, nil).WriteSettingsAck()
				c.Write(ack.Bytes())
			}
		case *http2.HeadersFrame:
			if _, err := dec.Write(f.HeaderBlockFragment()); err != nil {
				t.Error(fmt.Errorf("the answer's headers: %w", err))
			}
			if f.StreamEnded() {
				return status
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				return status
			}
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return status
		}
	}
}
