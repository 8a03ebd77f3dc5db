package smsapi

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// guard is an API of which only Guards is of interest.
type guard struct{ API }

func (guard) Guards(u *url.URL) bool { return PathNames(u, "api_web") }

func TestHeadRefusal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, target string
		proto          int
		header         http.Header
		want           *Refusal
	}{
		"ordinary":                   {target: "/"},
		"ordinary, guarded":          {target: "/bin/api_web?c=help"},
		"websocket":                  {target: "/ws", header: http.Header{"Upgrade": {"websocket"}}},
		"websocket, other case":      {target: "/ws", header: http.Header{"Upgrade": {"WebSocket"}}},
		"h2c":                        {target: "/", header: http.Header{"Upgrade": {"h2c"}}, want: refusedUpgrade},
		"websocket or h2c":           {target: "/", header: http.Header{"Upgrade": {"websocket, h2c"}}, want: refusedUpgrade},
		"websocket, then h2c":        {target: "/", header: http.Header{"Upgrade": {"websocket", "h2c"}}, want: refusedUpgrade},
		"TLS":                        {target: "/", header: http.Header{"Upgrade": {"TLS/1.0, HTTP/1.1"}}, want: refusedUpgrade},
		"insecure requests":          {target: "/", header: http.Header{"Upgrade-Insecure-Requests": {"1"}}},
		"opaque":                     {target: "x:http://h/other", want: refusedTarget},
		"opaque, guarded":            {target: "x:http://h/bin/api_web/phone/1", want: refusedTarget},
		"absolute":                   {target: "http://h/other"},
		"connect":                    {method: "CONNECT", target: "/other", want: refusedTunnel},
		"connect, lower case":        {method: "connect", target: "/other", want: refusedTunnel},
		"websocket over HTTP/2":      {method: "CONNECT", target: "/ws", proto: 2, header: http.Header{":protocol": {"websocket"}}},
		"websocket over HTTP/1":      {method: "CONNECT", target: "/ws", header: http.Header{":protocol": {"websocket"}}, want: refusedTunnel},
		"connect-udp over HTTP/2":    {method: "CONNECT", target: "/ws", proto: 2, header: http.Header{":protocol": {"connect-udp"}}, want: refusedTunnel},
		"moved":                      {target: "/", header: http.Header{"X-Original-Url": {"/bin/api_web?c=x"}}, want: refusedMove},
		"moved, rewrite":             {target: "/", header: http.Header{"X-Rewrite-Url": {"/bin/api_web"}}, want: refusedMove},
		"moved, absolute":            {target: "/", header: http.Header{"X-Original-Url": {"http://h/bin/api_web"}}, want: refusedMove},
		"moved, relative":            {target: "/", header: http.Header{"X-Original-Url": {"api_web"}}, want: refusedMove},
		"moved, escaped":             {target: "/", header: http.Header{"X-Original-Url": {"/bin%252fAPI_web;x"}}, want: refusedMove},
		"moved, does not parse":      {target: "/", header: http.Header{"X-Original-Url": {"/%zz/api_web?%"}}, want: refusedMove},
		"moved, second value":        {target: "/", header: http.Header{"X-Original-Url": {"/", "/bin/api_web"}}, want: refusedMove},
		"moved, URL in query":        {target: "/", header: http.Header{"X-Original-Url": {"/bin/api_web?x=a://b/"}}, want: refusedMove},
		"moved, URL behind path":     {target: "/", header: http.Header{"X-Original-Url": {"/bin/api_web/x://y/"}}, want: refusedMove},
		"moved, query on a host":     {target: "/", header: http.Header{"X-Original-Url": {"http://h?/api_web"}}, want: refusedMove},
		"moved to a path in a query": {target: "/", header: http.Header{"X-Original-Url": {"/other?x=/api_web"}}, want: refusedMove},
		"moved elsewhere":            {target: "/", header: http.Header{"X-Original-Url": {"/other?x=api"}}},
		"moved behind arguments":     {target: "/bin/api_web?c=help", header: http.Header{"X-Original-Url": {"/bin/api_web/phone/1/api_web"}}, want: refusedMove},
		"moved for Pyramid":          {target: "/", header: http.Header{"X-Vhm-Root": {"/bin/api_web"}}, want: refusedMove},
		"rooted for Pyramid":         {target: "/", header: http.Header{"X-Vhm-Root": {"/other"}}},
		"moved to itself":            {target: "/bin/api_web?c=help", header: http.Header{"X-Original-Url": {"/bin/api_web?c=help"}}},
		"moved to itself, absolute": {target: "/bin/api_web?c=help",
			header: http.Header{"X-Original-Url": {"https://sms.example/bin/api_web?c=help"}}},
		"moved to other arguments":        {target: "/bin/api_web?c=help", header: http.Header{"X-Original-Url": {"/bin/api_web?c=x"}}, want: refusedMove},
		"moved to itself behind a mount":  {target: "/bin/api_web?c=help", header: http.Header{"X-Original-Url": {"/sms/bin/api_web?c=help"}}},
		"moved to a path with arguments":  {target: "/bin/api_web", header: http.Header{"X-Original-Url": {"/bin/api_web/phone/1"}}, want: refusedMove},
		"moved to parameters":             {target: "/bin/api_web", header: http.Header{"X-Original-Url": {"/bin/api_web;phone=1"}}, want: refusedMove},
		"moved in lighttpd's spelling":    {target: "/", header: http.Header{"X!original-Url": {"/bin/api_web"}}, want: refusedMove},
		"moved by a port":                 {target: "/", header: http.Header{"X-Forwarded-Port": {"80/bin/api%5Fweb#"}}, want: refusedMove},
		"moved by a port, arguments":      {target: "/bin/api_web?c=help", header: http.Header{"X-Forwarded-Port": {"80/bin/api_web?c=x#"}}, want: refusedMove},
		"a port":                          {target: "/bin/api_web?c=help", header: http.Header{"X-Forwarded-Port": {"443"}}},
		"prefix before the path":          {target: "/", header: http.Header{"X-Forwarded-Prefix": {"/bin/api_web;"}}, want: refusedMove},
		"prefix that was cut off":         {target: "/bin/api_web", header: http.Header{"X-Forwarded-Prefix": {"/sms/bin/api_web"}}},
		"prefix, cut off without a slash": {target: "/xapi_web", header: http.Header{"X-Script-Name": {"/x"}}}, // it is guarded
		"root for Daphne":                 {target: "/", header: http.Header{"Daphne-Root-Path": {"/bin/api_web"}}, want: refusedMove},
		"prefix in parts":                 {target: "/", header: http.Header{"X-Forwarded-Prefix": {"/bin/ap/, i_web;x"}}, want: refusedMove},
		"prefix in lines":                 {target: "/", header: http.Header{"X-Forwarded-Prefix": {"/bin/ap", "i_web"}}, want: refusedMove},
		"a service's name":                {target: "/", header: http.Header{"X-Forwarded-Host": {"api_web:8080"}, "X-Backend": {"api_web"}, "X-Api-Key": {"/api_web"}}},
		"a host with a path":              {target: "/", header: http.Header{"X~forwarded~host": {"gw:80/bin/api%5Fweb#"}}, want: refusedMove},
		"a prefix with a slash":           {target: "/bin/api_web", header: http.Header{"X-Forwarded-Prefix": {"/bin/api_web/"}}},
		"addresses":                       {target: "/", header: http.Header{"X-Forwarded-For": {"192.0.2.1, 192.0.2.2"}}},
		"named elsewhere":                 {target: "/", header: http.Header{"Referer": {"http://h/bin/api_web"}}},
		"method override":                 {target: "/bin/api_web", header: http.Header{"X-Http-Method-Override": {"DELETE"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", c.target, nil)
			if c.method != "" {
				r.Method = c.method
			}
			r.ProtoMajor = max(1, c.proto)
			if c.header != nil {
				r.Header = c.header
			}
			if got := HeadRefusal(guard{}, r); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	r := httptest.NewRequest("CONNECT", "/ws", nil)
	r.ProtoMajor, r.Proto = 3, "websocket"
	if got := HeadRefusal(guard{}, r); got != nil {
		t.Errorf("websocket over HTTP/3: %v", got)
	}
}

func TestConnectionRefusal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header http.Header
		want   *Refusal
	}{
		"none":              {http.Header{}, nil},
		"keep-alive":        {http.Header{"Connection": {"keep-alive"}}, nil},
		"several":           {http.Header{"Connection": {"Keep-Alive, TE"}}, nil},
		"own hop":           {http.Header{"Connection": {"close, X-Hop"}}, nil},
		"type":              {http.Header{"Connection": {"close, content-type"}}, refusedConnection},
		"second line":       {http.Header{"Connection": {"close", "Content-Encoding"}}, refusedConnection},
		"length":            {http.Header{"Connection": {"Content-Length"}}, refusedConnection},
		"host":              {http.Header{"Connection": {"Host"}}, refusedConnection},
		"cookie":            {http.Header{"Connection": {"cookie"}}, refusedConnection},
		"credentials":       {http.Header{"Connection": {"Authorization"}}, refusedConnection},
		"forwarded":         {http.Header{"Connection": {"X-Forwarded-For"}}, refusedConnection},
		"underscores":       {http.Header{"Connection": {"content_type"}}, refusedConnection},
		"upgrade":           {http.Header{"Upgrade": {"websocket"}}, refusedGuardedUpgrade},
		"upgrade, no value": {http.Header{"Upgrade": {""}}, refusedGuardedUpgrade},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ConnectionRefusal(&http.Request{Method: "GET", Header: c.header}); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Early data is refused on a guarded path, whoever else may take it.
func TestEarlyData(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "https://gw.example/bin/api_web", nil)
	if refusal := ConnectionRefusal(r); refusal != nil {
		t.Errorf("after the handshake: %v", refusal)
	}
	r.TLS.HandshakeComplete = false
	if refusal := ConnectionRefusal(r); refusal != refusedEarly {
		t.Errorf("before: %v", refusal)
	}
	if refusal := HeadRefusal(guard{}, r); refusal != nil {
		t.Errorf("on any path: %v", refusal)
	}
}

func TestSizeRefusal(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxCarried)
	for name, tc := range map[string]struct {
		target  string
		cookies []string
		want    *Refusal
	}{
		"ordinary":         {"/bin/api_web?c=help", []string{"a=1"}, nil},
		"query, as long":   {"/b?" + long[3:], nil, nil},
		"query":            {"/bin/api_web?" + long, nil, refusedLongTarget},
		"path":             {"/bin/api_web/" + long, nil, refusedLongTarget},
		"path, escaped":    {"/bin/api_web/" + strings.Repeat("%20", maxCarried/3), nil, refusedLongTarget},
		"cookies, as long": {"/bin/api_web", []string{long[2:]}, nil},
		"a cookie":         {"/bin/api_web", []string{long}, refusedLongCookies},
		"cookies":          {"/bin/api_web", []string{long[:40_000], long[:40_000]}, refusedLongCookies},
	} {
		r := httptest.NewRequest("GET", tc.target, nil)
		r.Header["Cookie"] = tc.cookies
		if got := SizeRefusal(r); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSizeRefusalOfAnotherLength(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		target, agent, body string
		want                *Refusal
	}{
		"ordinary":        {"/bin/api_web?c=help", "Mozilla/5.0 (X11; rv:1)", "a=1", nil},
		"in the query":    {"/bin/api_web?content-Length:1", "", "a=1", refusedLength},
		"in a header":     {"/bin/api_web", "x Content-Length: \t1", "a=1", refusedLength},
		"behind a colon":  {"/bin/api_web?a:content-length:0", "", "a=1", refusedLength},
		"without a body":  {"/bin/api_web?Content-Length:1", "", "", nil},
		"without a digit": {"/bin/api_web?Content-Length:x&a=content-length", "length: 5", "a=1", nil},
	} {
		r := httptest.NewRequest("POST", tc.target, strings.NewReader(tc.body))
		r.Header.Set("User-Agent", tc.agent)
		if got := SizeRefusal(r); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What HTTP clients offer by themselves is not passed on, and no more.
func TestDropOffer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		offer            []string
		stays, elsewhere bool // on a guarded path, and on another
	}{
		{[]string{"TLS/1.2"}, false, false},
		{[]string{"TLS/1.3"}, false, false},
		{[]string{"TLS/1.0, HTTP/1.1"}, true, true},
		{[]string{"h2c"}, false, true},
		{[]string{"h2"}, true, true},
		{[]string{"h2c", "h2c"}, true, true},
		{[]string{"h2c, websocket"}, true, true},
		{[]string{"websocket"}, true, true},
		{[]string{"TLS/1.2, h2c"}, true, true},
	} {
		for guarded, stays := range map[bool]bool{true: tc.stays, false: tc.elsewhere} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["Upgrade"] = tc.offer
			DropOffer(r, guarded)
			if _, stayed := r.Header["Upgrade"]; stayed != stays {
				t.Errorf("%q, guarded is %v: stayed is %v", tc.offer, guarded, stayed)
			}
		}
	}
}

func TestHostIsPlain(t *testing.T) {
	t.Parallel()
	for host, plain := range map[string]bool{
		"gw": true, "sms.example.com:8443": true, "192.0.2.1": true, "[2001:db8::1]:80": true, "my_host": true, "xn--bcher-kva.example": true, "": true,
		"gw&phone=12065551212&x": false, "gw;a": false, "[fe80::1%25eth0]:80": true, "a,b": false, "user@gw": false,
	} {
		r := httptest.NewRequest("GET", "/bin/api_web", nil)
		r.Host = host
		if got := ConnectionRefusal(r); (got == nil) != plain {
			t.Errorf("%q: %v", host, got)
		}
	}
}
