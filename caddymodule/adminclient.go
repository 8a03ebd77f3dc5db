package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

// adminClient has the verbs of a running server's list, by its admin API. Caddy's
// own caddycmd.AdminAPIRequest opens a connection for each request and keeps it;
// this one reuses one, and ends with a context.
type adminClient struct {
	address string // as it was given
	origin  string
	http    *http.Client
	headers http.Header
}

// newAdminClient returns a client of the admin API at an address as Caddy writes
// them: host:port or unix//path.
func newAdminClient(address string, by operate.Caller) (*adminClient, error) {
	parsed, err := caddy.ParseNetworkAddress(address)
	if err != nil || parsed.PortRangeSize() > 1 || parsed.IsFdNetwork() {
		return nil, fmt.Errorf("the admin address '%s' is not one that can be called; use host:port or unix//path", address)
	}
	target := parsed.JoinHostPort(0)
	c := &adminClient{address: address, origin: "http://" + target, headers: http.Header{}}
	if parsed.IsUnixNetwork() {
		// Behind a bar stand the permissions that the socket is made with.
		target, _, _ = strings.Cut(target, "|")
		c.origin = "http://127.0.0.1"
	} else {
		c.headers.Set("Origin", c.origin)
	}
	if target, err := url.Parse(c.origin); err != nil || target.Hostname() == "" || strings.Contains(address, "://") {
		return nil, fmt.Errorf("the admin address '%s' is not one that can be called; use host:port or unix//path", address)
	}
	c.headers.Set(headerSource, string(by.Source))
	c.headers.Set(headerActor, by.Actor)
	c.headers.Set(headerRequestID, by.RequestID)
	c.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, parsed.Network, target)
		},
	}}
	return c, nil
}

// Close ends the connection.
func (c *adminClient) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// serverError is an error that the server answered with.
type serverError struct {
	status int
	text   string
}

func (e *serverError) Error() string { return e.text }

// call sends a request below adminBase. The caller closes the answer's body.
func (c *adminClient) call(ctx context.Context, method, path string, query url.Values, kind string, body io.Reader) (*http.Response, error) {
	target := c.origin + adminBase + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	for name, values := range c.headers {
		req.Header[name] = values
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if resp.StatusCode < 400 || path == "health" && resp.StatusCode == http.StatusServiceUnavailable {
		return resp, nil
	}
	defer resp.Body.Close()
	var answer struct {
		Error string `json:"error"`
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if json.Unmarshal(text, &answer) != nil || answer.Error == "" {
		if resp.StatusCode == http.StatusNotFound {
			return nil, fmt.Errorf("the Caddy at %s has no sms_optout module", c.address)
		}
		return nil, fmt.Errorf("the server at %s answered with HTTP status %d", c.address, resp.StatusCode)
	}
	return nil, &serverError{resp.StatusCode, answer.Error}
}

// unreachable says that no answer came, or not the whole of one. The URL is left
// out: it may hold a phone.
func (c *adminClient) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("no Caddy answers at %s; name its admin endpoint with --address or --config, or, if it is stopped, its list with --store", c.address)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the server at %s ended its answer early; its log says why", c.address)
	}
	return fmt.Errorf("asking the server at %s: %w", c.address, err)
}

// ask sends a JSON body, or none, and decodes the answer into answer.
func (c *adminClient) ask(ctx context.Context, method, path string, body, answer any) error {
	var kind string
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		kind, r = "application/json", bytes.NewReader(b)
	}
	resp, err := c.call(ctx, method, path, nil, kind, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return c.unreachable(ctx, err)
	}
	return nil
}

// Check implements [operate.Verbs].
func (c *adminClient) Check(ctx context.Context, q operate.Question) (a operate.Answer, err error) {
	err = c.ask(ctx, http.MethodPost, "check", q, &a)
	return a, err
}

// Add implements [operate.Verbs].
func (c *adminClient) Add(ctx context.Context, o operate.Order) (e operate.Event, err error) {
	err = c.ask(ctx, http.MethodPost, "optouts", o, &e)
	return e, err
}

// Lift implements [operate.Verbs].
func (c *adminClient) Lift(ctx context.Context, o operate.Order) (e operate.Event, err error) {
	err = c.ask(ctx, http.MethodPost, "lifts", o, &e)
	return e, err
}

// History implements [operate.Verbs].
func (c *adminClient) History(ctx context.Context, q operate.Question, fn func(operate.Event) error) error {
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	resp, err := c.call(ctx, http.MethodPost, "history", nil, "application/json", bytes.NewReader(b))
	if err != nil {
		return err
	}
	return eachElement(ctx, c, resp, fn)
}

// List implements [operate.Verbs].
func (c *adminClient) List(ctx context.Context, f operate.Filter, fn func(operate.Optout) error) error {
	query := queryOf("realm", f.Realm, "sender", f.Sender, "phone", f.Phone, "since", f.Since, "limit", strconv.Itoa(maxPage))
	for {
		resp, err := c.call(ctx, http.MethodGet, "optouts", query, "", nil)
		if err != nil {
			return err
		}
		var page struct {
			Optouts []operate.Optout `json:"optouts"`
			Cursor  string           `json:"cursor"`
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		resp.Body.Close()
		if err != nil {
			return c.unreachable(ctx, err)
		}
		for _, o := range page.Optouts {
			if err := fn(o); err != nil {
				return err
			}
		}
		if page.Cursor == "" {
			return nil
		}
		query.Set("cursor", page.Cursor)
	}
}

// queryOf makes a query of names and values; empty values are left out.
func queryOf(namesAndValues ...string) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] != "" {
			query.Set(namesAndValues[i], namesAndValues[i+1])
		}
	}
	return query
}

// eachElement calls fn for each element of the array in an answer, as they come.
func eachElement[T any](ctx context.Context, c *adminClient, resp *http.Response, fn func(T) error) error {
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for range 3 { // {, the name, [
		if _, err := d.Token(); err != nil {
			return c.unreachable(ctx, err)
		}
	}
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			return c.unreachable(ctx, err)
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return c.unreachable(ctx, err)
	}
	return nil
}

// Interface guards
var _ operate.Verbs = (*adminClient)(nil)
