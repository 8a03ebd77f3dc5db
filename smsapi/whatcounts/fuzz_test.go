package whatcounts

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzRead holds the whole reading against the models: it never panics, and no
// model sees a send to the opted-out pair in what is forwarded.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"hostile.jsonl", "more.jsonl"} {
		for _, c := range cases(f, name) {
			r, err := parse(c.Raw)
			if err != nil || c.Fixture != "" || !strings.Contains(c.Raw, "api_web") {
				continue
			}
			_, body, _ := strings.Cut(c.Raw, "\r\n\r\n")
			f.Add(r.Method, r.URL.RawQuery, body, r.Header.Get("Cookie"))
		}
	}
	fix := newFixture(f, "")
	f.Fuzz(func(t *testing.T, method, query, body, cookie string) {
		if strings.ContainsAny(query, " \r\n\t") || strings.ContainsAny(cookie, "\r\n") || !isMethod(method) {
			t.Skip("another request than it looks")
		}
		checkModels(t, fix, asked{method, query, body, cookie})
	})
}

func isMethod(s string) bool {
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && s != http.MethodConnect && !strings.EqualFold(s, "PRI")
}
