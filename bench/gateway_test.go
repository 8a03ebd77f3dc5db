package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"golang.org/x/crypto/bcrypt"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/stopgate/stopgate/caddymodule"
)

const (
	clients = 16
	// round is how many requests one measurement takes; rounds of the two sites
	// take turns, so that a change of the machine's speed hits both.
	round = 2000
)

// BenchmarkPassingSends sends messages that pass through a site with the directive
// and one without. The ratio is the throughput with it over that without.
func BenchmarkPassingSends(b *testing.B) {
	guarded, bare := serve(b)
	args := url.Values{
		"r": {"myrealm"}, "p": {"mypass"}, "c": {"smssendmessagetophone"},
		"phone": {"13105550000"}, "sender_code": {"120162701555"}, "message_text": {"hello"},
	}.Encode()
	for _, tc := range []struct {
		name string
		send func(c *http.Client, base string) (*http.Response, error)
	}{
		{"GET", func(c *http.Client, base string) (*http.Response, error) { return c.Get(base + "?" + args) }},
		{"POST", func(c *http.Client, base string) (*http.Response, error) {
			return c.Post(base, "application/x-www-form-urlencoded", strings.NewReader(args))
		}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			var ratios, with, without []float64
			for b.Loop() {
				w := measure(b, guarded, tc.send)
				o := measure(b, bare, tc.send)
				with, without, ratios = append(with, w), append(without, o), append(ratios, w/o)
			}
			b.ReportMetric(median(ratios), "ratio")
			b.ReportMetric(median(with), "req/s-with")
			b.ReportMetric(median(without), "req/s-without")
			b.ReportMetric(0, "ns/op") // of a round; says nothing
		})
	}
}

// site is where a site listens and what its API is called.
type site struct{ socket, url string }

// measure returns requests per second over one round.
func measure(b *testing.B, s site, send func(*http.Client, string) (*http.Response, error)) float64 {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: clients,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.socket)
		},
	}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range clients {
		wg.Go(func() {
			for next.Add(1) <= round {
				resp, err := send(client, s.url)
				if err != nil {
					b.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !strings.HasPrefix(string(body), "SUCCESS") {
					b.Errorf("%v %q", err, body)
					return
				}
			}
		})
	}
	wg.Wait()
	return round / time.Since(begin).Seconds()
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// serve starts a backend and a Caddy with two sites in front of it.
func serve(b *testing.B) (guarded, bare site) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	backend := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "SUCCESS: Sending message to phone was successful")
	})}
	go backend.Serve(ln)
	b.Cleanup(func() { backend.Close() })

	hash, err := bcrypt.GenerateFromPassword([]byte("mypass"), bcrypt.MinCost)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	os.Setenv("XDG_DATA_HOME", dir)
	sockets := [2]string{filepath.Join(dir, "guarded.sock"), filepath.Join(dir, "bare.sock")}
	text := fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
	log {
		level ERROR
	}
	sms_optout {
		store badger %s/optouts
		realm myrealm %s
	}
}
http://guarded.example {
	bind unix/%s
	sms_optout
	reverse_proxy %[5]s
}
http://bare.example {
	bind unix/%[4]s
	reverse_proxy %[5]s
}
`, dir, hash, sockets[0], sockets[1], ln.Addr())
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := caddy.Load(cfg, true); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { caddy.Stop() })

	return site{sockets[0], "http://guarded.example/bin/api_web"}, site{sockets[1], "http://bare.example/bin/api_web"}
}
