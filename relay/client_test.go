package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi/whatcounts"
)

const (
	testPassword = "correct&horse"
	testSender   = phone.Sender("120162701555")
	testPhone    = "12065551212"
)

func testClient(t testing.TB, endpoint string, o ClientOptions) *Client {
	t.Helper()
	region, err := phone.NewRegion("US")
	if err != nil {
		t.Fatal(err)
	}
	o.API = whatcounts.New(region)
	if o.Endpoint, err = url.Parse(endpoint); err != nil {
		t.Fatal(err)
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	o.Connections, o.List = 2, "list-1"
	c := NewClient(o)
	t.Cleanup(c.Close)
	return c
}

func (c *Client) tellTest(t testing.TB) Answer {
	t.Helper()
	return c.Tell(t.Context(), "myrealm", testPassword, testSender, number(t, testPhone))
}

// A backend answers as it likes. Only a whole answer of the API tells anything.
func TestClientAnswers(t *testing.T) {
	t.Parallel()
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	// raw answers with bytes, and closes the connection.
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(c, answer)
			c.Close()
		}
	}
	const short = 150 * time.Millisecond
	for _, test := range []struct {
		name    string
		backend http.HandlerFunc
		timeout time.Duration
		toldIf  []string
		want    Result
		reason  string
	}{
		{"success", text(200, "SUCCESS: Stopping message to phone was successful"), 0, nil, Told, ""},
		{"success without a text", text(200, "SUCCESS"), 0, nil, Told, ""},
		{"success and a line break", text(200, "\r\nSUCCESS: yes\r\n"), 0, nil, Told, ""},
		{"success of another word", text(200, "SUCCESSFUL"), 0, nil, NotUnderstood, ""},
		{"success in another status", text(201, "SUCCESS: yes"), 0, nil, HTTPStatus, "201"},
		{"success in an error", text(500, "SUCCESS: yes"), 0, nil, HTTPStatus, "500"},
		{"success on a page", text(200, "<html>SUCCESS: yes</html>"), 0, nil, NotUnderstood, ""},
		{"failure", text(200, "FAILURE: Phone was not found"), 0, nil, Failure, "Phone was not found"},
		{"failure that repeats the request", text(200, "FAILURE: password "+testPassword+" of 12065551212 is wrong"), 0, nil, Failure, "password *** of *********** is wrong"},
		{"failure that is good enough", text(200, "FAILURE: Phone was NOT found"), 0, []string{"no such", "not found"}, ToldByText, "Phone was NOT found"},
		{"failure of another text", text(200, "FAILURE: Wrong password"), 0, []string{"not found"}, Failure, "Wrong password"},
		{"the text without a failure", text(200, "not found"), 0, []string{"not found"}, NotUnderstood, ""},
		{"the text in an error", text(404, "FAILURE: not found"), 0, []string{"not found"}, HTTPStatus, "404"},
		{"no content", text(204, ""), 0, nil, HTTPStatus, "204"},
		{"nothing", text(200, ""), 0, nil, NotUnderstood, ""},
		{"a page", text(200, "<!DOCTYPE html><title>Welcome</title>"), 0, nil, NotUnderstood, "endpoint"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 0, nil, Redirected, "307"},
		{"the gateway itself", text(508, "FAILURE: loop"), 0, nil, HTTPStatus, "leads back"},
		{"unavailable", text(503, "FAILURE: later"), 0, nil, HTTPStatus, "503"},
		{"huge", text(200, "SUCCESS: "+strings.Repeat("x", 1<<20)), 0, nil, TooLong, ""},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, "SUCCESS: SUCCESS: "); err != nil {
					return
				}
			}
		}, 0, nil, TooLong, ""},
		{"never ends", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "SUCCESS: yes")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, short, nil, TimedOut, ""},
		{"drips", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, "S")
				if http.NewResponseController(w).Flush() != nil {
					return
				}
				time.Sleep(10 * time.Millisecond) // this is what it does, not a wait
			}
		}, short, nil, TimedOut, ""},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, short, nil, TimedOut, ""},
		{"closes", raw(""), 0, nil, Unreachable, "closed"},
		{"closes in the header", raw("HTTP/1.1 200 OK\r\nContent-Le"), 0, nil, Unreachable, ""},
		{"closes in the body", raw("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nSUCCESS: yes"), 0, nil, Unreachable, "closed"},
		{"closes in a chunk", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nSUCCESS: yes"), 0, nil, Unreachable, "closed"},
		{"no length, closes", raw("HTTP/1.0 200 OK\r\n\r\nSUCCESS: yes"), 0, nil, Told, ""},
		{"garbage", raw("\x16\x03\x01\x02\x00\x01\xfc\r\n\r\n"), 0, nil, Unreachable, ""},
		{"an endless header", raw("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 200)), 0, nil, Unreachable, ""},
		{"compressed unasked", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "SUCCESS: yes")
		}, 0, nil, NotUnderstood, "Content-Encoding"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var seen atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen.Add(1)
				io.Copy(io.Discard, r.Body) // else the server does not notice that the client has gone
				test.backend(w, r)
			}))
			defer s.Close()
			c := testClient(t, s.URL+"/bin/api_web", ClientOptions{Timeout: test.timeout, ToldIf: test.toldIf})
			defer c.Close()
			got := c.tellTest(t)
			if got.Result != test.want || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("%v %q", got.Result, got.Reason)
			}
			for _, secret := range []string{testPassword, "correct", "horse", testPhone} {
				if strings.Contains(got.Reason, secret) {
					t.Errorf("the reason holds %q: %q", secret, got.Reason)
				}
			}
			if n := seen.Load(); n != 1 {
				t.Errorf("the backend was asked %d times", n)
			}
		})
	}
}

// What the backend is asked: one POST with the arguments in its body, over a
// connection that is used again.
func TestClientRequest(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	requests := make(chan *http.Request, 2)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		requests <- r
		io.WriteString(w, "SUCCESS: yes")
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := testClient(t, s.URL+"/bin/api_web", ClientOptions{})
	defer c.Close()
	for range 2 {
		if got := c.tellTest(t); got.Result != Told {
			t.Fatalf("%v %q", got.Result, got.Reason)
		}
		r := <-requests
		want := url.Values{"c": {"smsstopsubscribersend"}, "r": {"myrealm"}, "p": {testPassword}, "phone": {testPhone}, "sender_code": {string(testSender)}}
		if r.Method != http.MethodPost || r.RequestURI != "/bin/api_web" || r.PostForm.Encode() != want.Encode() {
			t.Errorf("%s %s %v", r.Method, r.RequestURI, r.PostForm)
		}
		if r.Header.Get(Header) != "list-1" {
			t.Errorf("%s: %q", Header, r.Header.Get(Header))
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A backend that is not there, by every way of not being there.
func TestClientUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()

	// It accepts and says nothing.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()

	tls := httptest.NewTLSServer(http.NotFoundHandler()) // of an unknown authority
	defer tls.Close()

	for _, test := range []struct {
		name, endpoint string
		timeout        time.Duration
		want           Result
		reason         string
	}{
		{"nobody listens", "http://" + gone + "/", 0, Unreachable, "refused"},
		{"nobody answers", "http://" + mute.Addr().String() + "/", 100 * time.Millisecond, TimedOut, ""},
		{"no handshake", "https://" + mute.Addr().String() + "/", 100 * time.Millisecond, TimedOut, ""},
		{"an unknown certificate", tls.URL, 0, Unreachable, "certificate"},
		{"plain HTTP to TLS", strings.Replace(tls.URL, "https", "http", 1), 0, HTTPStatus, "400"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testClient(t, test.endpoint, ClientOptions{Timeout: test.timeout})
			defer c.Close()
			got := c.tellTest(t)
			if got.Result != test.want || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("%v %q", got.Result, got.Reason)
			}
		})
	}
}

// Being stopped is not the backend's fault, and ends a delivery at once.
func TestClientAborted(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(begun)
		<-r.Context().Done()
	}))
	defer s.Close()
	c := testClient(t, s.URL, ClientOptions{Timeout: time.Hour})
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	got := c.Tell(ctx, "myrealm", testPassword, testSender, number(t, testPhone))
	if got.Result != Unreachable || !strings.Contains(got.Reason, "stopped") {
		t.Errorf("%v %q", got.Result, got.Reason)
	}
}

// No error's text shows where the request went or what was in it.
func TestBrokenSaysNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	secret := &url.Error{Op: "Post", URL: "http://inner.example/?p=secret", Err: fmt.Errorf("dial inner.example: %w", errors.New("secret"))}
	if a := broken(secret); strings.Contains(a.Reason, "secret") || strings.Contains(a.Reason, "inner") {
		t.Errorf("%q", a.Reason)
	}
	_, err := http.ReadResponse(bufio.NewReader(strings.NewReader("secret\r\n\r\n")), nil)
	if a := broken(err); strings.Contains(a.Reason, "secret") {
		t.Errorf("%q", a.Reason)
	}
}
