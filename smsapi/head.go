package smsapi

import (
	"net/http"
	"net/url"
	"strings"
)

// HeadRefusal refuses what would get past api unseen whatever path it names: a
// tunnel, a request that a header moves to a path that api guards, and one whose
// target is no path. The handler asks it about every request; an ordinary one
// costs a few look-ups.
//
// A target such as x:http://h/bin/api_web/phone/1 has no path to net/url, and leaves
// the proxy without its "x:", as an absolute URL: the backend finds a path that
// nobody has looked at.
//
// The headers that move a request are read by IIS URL Rewrite, Symfony and Zend
// (X-Original-URL, X-Rewrite-URL), and by Pyramid (X-Vhm-Root). Those that change its method need no rule:
// what a request asks for does not depend on its method here.
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
	for _, name := range movingHeaders {
		if targets := r.Header[name]; len(targets) > 0 && movesToGuarded(api, r, targets) {
			return refusedMove
		}
	}
	for _, name := range prefixHeaders {
		if prefixes := r.Header[name]; len(prefixes) > 0 && leavesGuarded(api, r.URL, prefixes) {
			return refusedMove
		}
	}
	return nil
}

var (
	// movingHeaders name the path that a request is for.
	movingHeaders = [...]string{"X-Original-Url", "X-Rewrite-Url", "X-Vhm-Root"}
	// prefixHeaders name what is cut off it.
	prefixHeaders = [...]string{"X-Script-Name", "X-Forwarded-Prefix", "X-Forwarded-Script-Name", "X-Traversal-Path"}

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
		Reason: "X-Original-URL, X-Rewrite-URL, X-Vhm-Root and X-Script-Name must not lead to the SMS API, so send the request to the path itself",
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

// movesToGuarded reports whether one of the targets leads to a path that api
// guards. A target that is the request's own moves nothing: front proxies note
// it there.
func movesToGuarded(api API, r *http.Request, targets []string) bool {
	for _, target := range targets {
		own := r.URL.RequestURI()
		if target == own {
			continue
		}
		if behind, ok := behindAuthority(target); ok {
			if behind == own {
				continue
			}
			if targetIsGuarded(api, behind) {
				return true
			}
		}
		if targetIsGuarded(api, target) {
			return true
		}
	}
	return false
}

// leavesGuarded reports whether what is behind one of the prefixes in u's path is a
// path that api guards, and u's own is none. A snippet for Flask that many have copied
// cuts X-Script-Name off the path: /xapi_web without /x is /api_web.
//
// Several lines are one value, with commas, to WSGI servers, and some take a value
// with a comma for a list.
func leavesGuarded(api API, u *url.URL, prefixes []string) bool {
	whole := strings.Join(prefixes, ",")
	for prefix := range strings.SplitSeq(whole, ",") {
		if leavesGuardedBehind(api, u, prefix) {
			return true
		}
	}
	return leavesGuardedBehind(api, u, whole)
}

func leavesGuardedBehind(api API, u *url.URL, prefix string) bool {
	prefix = strings.TrimSpace(prefix)
	for _, path := range [...]string{u.Path, u.RawPath} {
		rest, ok := strings.CutPrefix(path, prefix)
		if ok && prefix != "" && !api.Guards(u) && api.Guards(&url.URL{Path: "/" + rest}) {
			return true
		}
	}
	return false
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

// targetIsGuarded takes the path as written: Guards decodes, and a target that
// does not parse is still looked at.
func targetIsGuarded(api API, target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return api.Guards(&url.URL{Path: path})
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
