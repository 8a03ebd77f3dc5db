package smsapi

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// HeadRefusal refuses what would get past api unseen whatever path it names: a
// tunnel, a request that a header moves to a path that api guards, and one whose
// target is no path. The handler asks it about every request; an ordinary one
// costs a look at the names of its headers.
//
// A target such as x:http://h/bin/api_web/phone/1 has no path to net/url, and leaves
// the proxy without its "x:", as an absolute URL: the backend finds a path that
// nobody has looked at.
//
// A header moves a request if it names the endpoint and the backend reads the path in it,
// or puts it before the path or into the URL; see movingHeaders. Those that change its
// method need no rule: what a request asks for does not depend on its method here.
func HeadRefusal(api API, r *http.Request) *Refusal {
	if isConnect(r.Method) && !isWebSocketConnect(r) {
		return refusedTunnel
	}
	if r.URL.Opaque != "" {
		return refusedTarget
	}
	if upgrade := r.Header["Upgrade"]; len(upgrade) > 0 && !onlyWebSocket(upgrade) {
		return refusedUpgrade
	}
	for name, values := range r.Header {
		if kind := movedBy(name); kind != nothing && movesToGuarded(api, r, values, kind) {
			return refusedMove
		}
	}
	return nil
}

var (
	refusedTunnel = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "tunnel",
		Reason: "CONNECT is not carried here, since a tunnel would carry messages unseen",
	}
	refusedUpgrade = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "upgrade",
		Reason: "Only an upgrade to websocket is carried here, so leave the Upgrade header out (HTTP clients that offer h2c can be set to HTTP/1.1)",
	}
	refusedTarget = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "target",
		Reason: "The request's target is neither a path nor a URL with a host, so send the request to the path itself",
	}
	refusedMove = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "moved_by_header",
		Reason: "A header such as X-Original-URL or X-Forwarded-Prefix must not lead to the SMS API, so send the request to the path itself",
	}
)

func isConnect(method string) bool {
	return len(method) == len(http.MethodConnect) && strings.EqualFold(method, http.MethodConnect)
}

// isWebSocketConnect reports whether r is RFC 8441's or RFC 9220's way to open a
// WebSocket, which Caddy turns into an upgrade.
func isWebSocketConnect(r *http.Request) bool {
	if r.ProtoMajor < 2 || r.Method != http.MethodConnect {
		return false
	}
	protocol := r.Header[":protocol"]
	return len(protocol) == 1 && protocol[0] == "websocket" || r.ProtoMajor == 3 && r.Proto == "websocket"
}

// DropOffer takes an offer out of r that an HTTP client makes by itself with requests
// over plain HTTP: that of TLS by Apache's HttpClient 5.4, and on a guarded path that of
// HTTP/2 by Java's own HttpClient. A recipient may ignore it (RFC 9110, section 7.8);
// here every backend does, and the client goes on as it began. Any other offer but
// WebSocket is refused: behind it nobody would see what is carried.
func DropOffer(r *http.Request, guarded bool) {
	upgrade := r.Header["Upgrade"]
	if len(upgrade) != 1 {
		return
	}
	switch upgrade[0] {
	case "TLS/1.2", "TLS/1.3":
	case "h2c":
		if !guarded {
			return
		}
	default:
		return
	}
	delete(r.Header, "Upgrade")
}

func onlyWebSocket(upgrade []string) bool {
	for _, line := range upgrade {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" && !strings.EqualFold(token, "websocket") {
				return false
			}
		}
	}
	return true
}

// holds says what a header that moves requests holds.
type holds uint8

const (
	nothing holds = iota // it moves none
	aPath
	aName // or a path: what has no slash is a name, for services are called api_web, too
)

// movingHeaders are the headers by which backends learn of another path, by their letters
// and digits alone: lighttpd tells a FastCGI program of X!Original-URL as of
// X-Original-URL.
var movingHeaders = map[string]holds{
	"xoriginalurl":         aPath, // IIS URL Rewrite, Symfony, Zend
	"xrewriteurl":          aPath, // the same
	"xvhmroot":             aPath, // Pyramid
	"xforwardedprefix":     aPath, // Spring puts it before the path
	"xscriptname":          aPath, // snippets for WSGI servers put it there, or cut it off
	"xforwardedscriptname": aPath, // Plack
	"xtraversalpath":       aPath, // Plack
	"xforwardedport":       aName, // Astro, Catalyst and SvelteKit put these into the URL
	"xforwardedhost":       aName,
	"xforwardedproto":      aName,
	"xforwardedserver":     aName,
	"xrequestbase":         aPath, // Catalyst
	"daphnerootpath":       aPath, // Daphne
	"xastropath":           aPath, // Astro and Nitro for Vercel and Azure
	"xnowroutematches":     aPath,
	"xmsoriginalurl":       aPath,
	"xaccelmapping":        aPath, // Rack::Sendfile and Symfony tell nginx to go on there
	"xmiddlewarerewrite":   aPath, // Next.js, where a middleware hands the request's headers back
}

// movedBy is what a header of that name could say about where a request goes.
func movedBy(name string) holds {
	const longest = len("xforwardedscriptname")
	if name == "" || name[0] != 'X' && name[0] != 'D' || len(name) > 4*longest {
		return nothing
	}
	var buf [longest]byte
	n := 0
	for i := range len(name) {
		c := lower(name[i])
		if !isAlnum(c) {
			continue
		}
		if n == longest {
			return nothing
		}
		buf[n] = c
		n++
	}
	return movingHeaders[string(buf[:n])]
}

// movesToGuarded reports whether one of a header's values leads to the endpoint, unless
// the request goes there anyway and the value brings no arguments of its own: front
// proxies note in such headers what the request was, or what they cut off its path.
//
// Spring puts the parts of a list together with nothing between (X-Forwarded-Prefix).
func movesToGuarded(api API, r *http.Request, values []string, kind holds) bool {
	if joined, is := joinedList(values); is && leadsToGuarded(api, r, joined, kind) {
		return true
	}
	for _, value := range values {
		if leadsToGuarded(api, r, value, kind) {
			return true
		}
	}
	return false
}

func leadsToGuarded(api API, r *http.Request, value string, kind holds) bool {
	if kind == aName && !mayHoldSlash(value) {
		return false
	}
	path, query, _ := strings.Cut(value, "?")
	return api.Guards(&url.URL{Path: path, RawQuery: query}) && (!api.Guards(r.URL) || bringsArguments(api, value, r.URL))
}

// mayHoldSlash reports whether value holds a slash to somebody.
func mayHoldSlash(value string) bool {
	for i := range len(value) {
		if c := value[i]; c == '/' || c == '\\' || c == '%' || c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// joinedList is the parts of a list put together as Spring's ForwardedPrefixExtractor
// does, without blanks and the slashes at their ends, and whether there are more than one.
func joinedList(values []string) (joined string, is bool) {
	if len(values) == 1 && strings.IndexByte(values[0], ',') < 0 {
		return "", false
	}
	var b strings.Builder
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			b.WriteString(strings.TrimRight(strings.TrimSpace(part), "/"))
		}
	}
	return b.String(), true
}

// bringsArguments reports whether a URL or a part of one could have other arguments than
// those of u to some reader: another query, or more than a plain path before it.
func bringsArguments(api API, value string, u *url.URL) bool {
	own := u.RequestURI()
	if value == own {
		return false
	}
	if behind, ok := behindAuthority(value); ok {
		value = behind
	}
	if value == own {
		return false
	}
	path, query, _ := strings.Cut(value, "?")
	if query != "" && query != u.RawQuery {
		return true
	}
	path, own = strings.TrimRight(path, "/"), strings.TrimRight(u.Path, "/")
	for i := range len(path) {
		if c := path[i]; !isAlnum(lower(c)) && strings.IndexByte("/_-.", c) < 0 {
			return true
		}
	}
	last := strings.LastIndexByte(path, '/') + 1
	return path[last:] != own[strings.LastIndexByte(own, '/')+1:] || api.Guards(&url.URL{Path: path[:last]})
}

// behindAuthority is what follows scheme and host of an absolute target. A "://"
// behind the first delimiter is of no scheme.
func behindAuthority(target string) (string, bool) {
	i := strings.Index(target, "://")
	if i < 0 || strings.ContainsAny(target[:i], "/?#") {
		return "", false
	}
	target = target[i+len("://"):]
	end := strings.IndexAny(target, "/?#")
	if end < 0 {
		return "", true
	}
	return target[end:], true
}

// ConnectionRefusal refuses a request to a guarded path that asks the next hop
// for another protocol, or that has a proxy remove headers which decide how the
// request is read: what was read here would not be what arrives. And one that came
// before its connection was whole: who has copied the packets of an HTTP/3 request
// can send them again, and undo a later stop with a subscribe, or repeat a message
// (RFC 8470; a client sends it again once it hears 425).
func ConnectionRefusal(r *http.Request) *Refusal {
	if r.TLS != nil && !r.TLS.HandshakeComplete {
		return refusedEarly
	}
	if !isPlainHost(r.Host) {
		return refusedHost
	}
	if len(r.Header["Upgrade"]) > 0 || isConnect(r.Method) {
		return refusedGuardedUpgrade
	}
	for _, line := range r.Header["Connection"] {
		if line == "keep-alive" || line == "close" {
			continue
		}
		for token := range strings.SplitSeq(line, ",") {
			if isEndToEnd(strings.TrimSpace(token)) {
				return refusedConnection
			}
		}
	}
	return nil
}

var (
	refusedEarly = &Refusal{
		Status: http.StatusTooEarly,
		Code:   "early_data",
		Reason: "The request came as early data, which anybody can repeat, so send it again once the TLS handshake is done",
	}
	refusedHost = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "host",
		Reason: "The Host header is neither a name nor an address, so write nothing else in it",
	}
	refusedGuardedUpgrade = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "upgrade_guarded",
		Reason: "The SMS API is not spoken over an upgraded connection, so leave the Upgrade header out",
	}
	refusedConnection = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "connection_header",
		Reason: "The Connection header names headers that must reach the SMS backend, so leave them out of it",
	}
)

// isEndToEnd reports whether name is of a header that a reader of the request
// may depend on.
func isEndToEnd(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case "host", "authorization", "cookie", "transfer-encoding", "trailer", "expect", "forwarded",
		"x-original-url", "x-rewrite-url":
		return true
	}
	return strings.HasPrefix(name, "content-") ||
		strings.HasPrefix(name, "x-forwarded-") ||
		strings.HasPrefix(name, "x-http-method") || strings.HasPrefix(name, "x-method-")
}

// isPlainHost reports whether host is made of what names, addresses and ports are made
// of. Hono up to 4.8 searches the whole URL for arguments, its host among the rest
// (utils/url.ts, _getQueryParam).
func isPlainHost(host string) bool {
	for i := range len(host) {
		if !plainHostByte[host[i]] {
			return false
		}
	}
	return true
}

var plainHostByte = func() (t [256]bool) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]%"
	for i := range len(plain) {
		t[plain[i]] = true
	}
	return t
}()
