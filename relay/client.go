package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// Header is the request header that names the list that a delivery comes from, so
// that a gateway that is told of its own opt-outs can tell.
const Header = "Stopgate-Relay"

const (
	// maxAnswer is the most that is read of an answer, in bytes. One of the API is
	// a line.
	maxAnswer = 4 << 10
	// maxHead bounds an answer's header.
	maxHead = 64 << 10
	// idleTime is how long a connection is kept without a request.
	idleTime = 60 * time.Second
)

// ClientOptions say where the backend is and how it is spoken to.
type ClientOptions struct {
	API      smsapi.Relayer
	Endpoint *url.URL
	// Timeout bounds a delivery from the dialling to the last byte of its answer.
	Timeout time.Duration
	// ToldIf are texts: a FAILURE whose reason contains one of them, in whatever
	// letter case, counts as told.
	ToldIf []string
	// Connections is the most that are open at a time.
	Connections int
	// List names the list in [Header].
	List string
}

// Client delivers to a backend over HTTP. It goes straight there: no proxy that
// the environment names, no redirect. Passwords go where the configuration says
// and nowhere else.
type Client struct {
	o      ClientOptions
	toldIf []string
	http   http.Client
}

// NewClient returns a client that has opened no connection yet.
func NewClient(o ClientOptions) *Client {
	c := &Client{o: o}
	for _, text := range o.ToldIf {
		c.toldIf = append(c.toldIf, strings.ToLower(text))
	}
	c.http = http.Client{
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    o.Timeout,
			ResponseHeaderTimeout:  o.Timeout,
			MaxConnsPerHost:        o.Connections,
			MaxIdleConnsPerHost:    o.Connections,
			IdleConnTimeout:        idleTime,
			MaxResponseHeaderBytes: maxHead,
			DisableCompression:     true, // else a small answer can unfold into a huge one
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Tell implements [Backend].
func (c *Client) Tell(ctx context.Context, realm, password string, sender phone.Sender, to phone.Number) Answer {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	r, err := c.o.API.StopRequest(c.o.Endpoint, realm, password, sender, to)
	if err != nil {
		return Answer{NotUnderstood, "the request cannot be made: " + presentable(err.Error(), password)}
	}
	r.Header.Set("User-Agent", "Stopgate")
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set(Header, c.o.List)
	resp, err := c.http.Do(r.WithContext(ctx))
	if err != nil {
		return broken(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return Answer{Redirected, fmt.Sprintf("HTTP status %d, which is not followed: configure the address that it leads to", resp.StatusCode)}
	case resp.StatusCode == http.StatusLoopDetected:
		return Answer{HTTPStatus, "HTTP status 508: the URL leads back to this gateway; configure the backend's own address"}
	case resp.StatusCode != http.StatusOK:
		return Answer{HTTPStatus, fmt.Sprintf("HTTP status %d", resp.StatusCode)}
	case resp.Header.Get("Content-Encoding") != "" && !strings.EqualFold(resp.Header.Get("Content-Encoding"), "identity"):
		return Answer{NotUnderstood, "the answer has a Content-Encoding although none was asked for"}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return broken(err)
	case len(body) > maxAnswer:
		return Answer{TooLong, fmt.Sprintf("the answer is longer than %d bytes", maxAnswer)}
	}
	return c.read(resp.StatusCode, body, password)
}

// read tells what a whole answer says.
func (c *Client) read(status int, body []byte, password string) Answer {
	if c.o.API.Accepted(status, body) {
		return Answer{Result: Told}
	}
	reason, failed := c.o.API.Failed(status, body)
	if !failed {
		return Answer{NotUnderstood, "the answer is none of this API: is the URL that of its endpoint?"}
	}
	shown := presentable(reason, password)
	lower := strings.ToLower(reason)
	for _, text := range c.toldIf {
		if strings.Contains(lower, text) {
			return Answer{ToldByText, shown}
		}
	}
	return Answer{Failure, shown}
}

// broken is the answer that never came, or not whole. The error's text is not
// shown: it may hold the URL, and through it a name of an inner network; its
// kind is enough.
func broken(err error) Answer {
	var timeout net.Error
	var dns *net.DNSError
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return Answer{TimedOut, "no whole answer in time"}
	case errors.Is(err, context.Canceled):
		return Answer{Unreachable, "given up: the relay is being stopped"}
	case errors.As(err, &dns):
		return Answer{Unreachable, "the host name cannot be resolved"}
	case errors.As(err, &certificate):
		return Answer{Unreachable, "the backend's certificate cannot be verified"}
	case errors.As(err, &op) && op.Op == "dial":
		return Answer{Unreachable, "no connection: " + op.Err.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Answer{Unreachable, "the connection was closed before the answer was whole"}
	default:
		return Answer{Unreachable, "the connection broke, or what came was no HTTP"}
	}
}

// Interface guards
var _ Backend = (*Client)(nil)
