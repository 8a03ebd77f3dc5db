package caddymodule

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile is a line of the corpus. See smsapi/testdata.
type hostile struct {
	ID       string   `json:"id"`
	Category string   `json:"category"`
	Raw      string   `json:"raw"` // each character one byte
	Note     string   `json:"note"`
	Expect   string   `json:"expect"`
	Also     []string `json:"also"`
	Fixture  string   `json:"fixture"`
}

// bytes is the request as it is sent.
func (h hostile) bytes() []byte {
	b := make([]byte, 0, len(h.Raw))
	for _, r := range h.Raw {
		b = append(b, byte(r))
	}
	return b
}

func readCorpus(t testing.TB) []hostile {
	t.Helper()
	files, err := filepath.Glob("../smsapi/testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	var cases []hostile
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(content) {
			var h hostile
			if err := json.Unmarshal(line, &h); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			cases = append(cases, h)
		}
	}
	return cases
}

// TestCorpus sends every hostile request over a connection of its own through a
// whole Caddy, and looks at what it answered and what the backend received.
func TestCorpus(t *testing.T) {
	const lanes = 8 // sites side by side, each with a backend of its own
	g := startGateway(t, newBackend(t), options{realms: "realm myrealm " + testHash() + "\nrealm second " + testHash()})
	text := g.caddyfile(options{backend: "127.0.0.1:9", realms: "realm myrealm " + testHash() + "\nrealm second " + testHash()})
	var addrs []string
	var backends []*backend
	for range lanes {
		addr, b := freeAddr(t), newBackend(t)
		addrs, backends = append(addrs, addr), append(backends, b)
		text += fmt.Sprintf("\nhttp://:%s {\n\tbind 127.0.0.1\n\tsms_optout\n\treverse_proxy %s\n}\n", port(addr), b.addr)
	}
	text = strings.Replace(text, "http://:"+port(g.addr), "http://:"+port(freeAddr(t)), 1)
	g.addr = addrs[0]
	g.mustLoad(text)

	run := func(cases []hostile) {
		work := make(chan hostile)
		var wg sync.WaitGroup
		for i := range lanes {
			wg.Go(func() {
				for h := range work {
					if err := h.judge(addrs[i], backends[i]); err != nil {
						t.Errorf("%s (%s): want %s %v: %v", h.ID, h.Note, h.Expect, h.Also, err)
					}
				}
			})
		}
		for _, h := range cases {
			work <- h
		}
		close(work)
		wg.Wait()
	}
	all := readCorpus(t)
	ran := 0
	for _, fixture := range fixtures {
		if r := g.get(call("smsstopsubscribersend", "phone", testPhone, "sender_code", fixture.sender)); r.Body != stopSuccess {
			t.Fatal(r.Body)
		}
		ours := slices.DeleteFunc(slices.Clone(all), func(h hostile) bool { return h.Fixture != fixture.name })
		run(ours)
		ran += len(ours)
	}
	if ran != len(all) {
		t.Errorf("%d of %d requests have a fixture", ran, len(all))
	}
	t.Logf("%d requests", len(all))
}

// fixtures are the senders that the phone has opted out of, one after the other.
var fixtures = []struct{ name, sender string }{
	{"", "120162701555"},
	{"short", "12345"},
	{"number", "12065550000"},
	{"twice", "123123"},
	{"twicephone", "12065520655"},
	{"alnum", "MyBrand"},
	{"long", "MyLongBrand"},
	{"marked", "Shop!"},
}

// judge sends one request and says what is wrong with its fate.
func (h hostile) judge(addr string, b *backend) error {
	b.take()
	raw := h.bytes()
	answers, err := exchangeRaw(addr, raw)
	if err != nil {
		return err
	}
	got := b.take()
	if h.Category == "frame" || h.Category == "conn" {
		// A harmless request may share the connection with the send.
		if h.Expect != "passes" {
			got = slices.DeleteFunc(got, func(r received) bool {
				return !strings.Contains(strings.ToLower(r.Target), "api_web") || !bytes.Contains(raw, []byte(testPhone)) || !bytes.Contains(r.Raw, []byte("2065551212"))
			})
		}
	}
	fate := "refused"
	switch {
	case len(got) > 0:
		fate = "passes"
	case slices.ContainsFunc(answers, func(r reply) bool {
		return r.Status == 200 && strings.HasPrefix(r.Body, "FAILURE: ") || r.Status == 200 && strings.HasPrefix(string(raw), "HEAD")
	}):
		fate = "blocked"
	}
	if fate != h.Expect && !slices.Contains(h.Also, fate) {
		return fmt.Errorf("%s: %v, %d reached the backend", fate, answers, len(got))
	}
	if fate != "passes" {
		return nil
	}
	if len(got) != 1 {
		return fmt.Errorf("%d requests reached the backend", len(got))
	}
	want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return nil // passes, though no valid request: only where the corpus says so
	}
	body, _ := io.ReadAll(want.Body)
	if line := want.Method + " " + want.RequestURI + " HTTP/1.1"; got[0].Line != line || !bytes.Equal(got[0].Body, body) {
		return fmt.Errorf("it arrived as %q with %d bytes, sent as %q with %d", got[0].Line, len(got[0].Body), line, len(body))
	}
	return nil
}

// exchangeRaw sends bytes and returns all answers that come for them.
func exchangeRaw(addr string, raw []byte) (answers []reply, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(3 * time.Second)) // for what waits for more
	if _, err := c.Write(raw); err != nil {
		return nil, nil // the server had enough before the end
	}
	method, _, _ := strings.Cut(string(raw), " ")
	br := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return answers, nil
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return append(answers, reply{Status: resp.StatusCode}), nil
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return answers, nil
		}
		answers = append(answers, reply{resp.StatusCode, resp.Header, string(body)})
		if resp.Close {
			return answers, nil
		}
		// A second answer, of a request that was sent along, comes at once.
		c.SetDeadline(time.Now().Add(30 * time.Millisecond))
	}
}
