package caddymodule

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stopgate/stopgate/caddymodule/operate"
	"github.com/stopgate/stopgate/optoutstore"
)

// The headers by which the command says who acts. The endpoint is trusted, so they
// are believed.
const (
	headerSource    = "X-Sms-Optout-Source"
	headerActor     = "X-Sms-Optout-Actor"
	headerRequestID = "X-Request-Id"
)

// maxAdminBody is the largest JSON body of a question or an order, in bytes.
const maxAdminBody = 64 << 10

// callerOf says who sends a request. A client certificate, which Caddy's remote
// admin endpoint demands, goes before what a header says.
func callerOf(r *http.Request) (operate.Caller, error) {
	c := operate.Caller{
		Source:    optoutstore.SourceAdmin,
		Actor:     r.Header.Get(headerActor),
		RequestID: r.Header.Get(headerRequestID),
	}
	switch source := optoutstore.Source(r.Header.Get(headerSource)); source {
	case "", optoutstore.SourceAdmin:
	case optoutstore.SourceCLI:
		c.Source = source
	default:
		return c, adminError(http.StatusBadRequest, fmt.Errorf("%s: use %s or %s", headerSource, optoutstore.SourceAdmin, optoutstore.SourceCLI))
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		cert := r.TLS.PeerCertificates[0]
		c.Actor = cert.Subject.CommonName
		if c.Actor == "" {
			sum := sha256.Sum256(cert.Raw)
			c.Actor = "certificate sha256:" + hex.EncodeToString(sum[:])
		}
	}
	if c.RequestID == "" {
		c.RequestID = rand.Text()
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.Remote = host
	}
	return c, c.Check()
}

// arguments reads what a request asks for: the query of a GET, where each argument
// may stand once, or the JSON object in the body of a POST. Others than the named
// are refused, for one that is mistyped would ask for something else.
func arguments(r *http.Request, names ...string) (map[string]string, error) {
	if r.Method != http.MethodGet {
		args := map[string]string{}
		if err := jsonBody(r, &args); err != nil {
			return nil, err
		}
		for name := range args {
			if !slices.Contains(names, name) {
				return nil, unknownArgument(names)
			}
		}
		return args, nil
	}
	return queryArguments(r, names...)
}

func queryArguments(r *http.Request, names ...string) (map[string]string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, adminError(http.StatusBadRequest, errors.New("the query is not well-formed"))
	}
	args := map[string]string{}
	for name, values := range query {
		if !slices.Contains(names, name) {
			return nil, unknownArgument(names)
		}
		if len(values) != 1 {
			return nil, adminError(http.StatusBadRequest, fmt.Errorf("%s is given more than once", name))
		}
		args[name] = values[0]
	}
	return args, nil
}

func unknownArgument(names []string) error {
	if len(names) == 0 {
		return adminError(http.StatusBadRequest, errors.New("this takes no arguments"))
	}
	return adminError(http.StatusBadRequest, fmt.Errorf("an argument is not known; there are %s", strings.Join(names, ", ")))
}

// jsonBody reads the one JSON value in the body of a request into v.
func jsonBody(r *http.Request, v any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return adminError(http.StatusUnsupportedMediaType, errors.New("the body has to be JSON, with Content-Type application/json"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxAdminBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return adminError(http.StatusRequestEntityTooLarge, fmt.Errorf("the body is longer than %d bytes", maxAdminBody))
	}
	if err != nil {
		return adminError(http.StatusBadRequest, errors.New("the body ended early"))
	}
	if !utf8.Valid(body) { // the decoder would replace what is not
		return adminError(http.StatusBadRequest, errors.New("the body is not UTF-8"))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err = d.Decode(v); err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
		err = errors.New("there is more behind it")
	}
	return adminError(http.StatusBadRequest, fmt.Errorf("the body is not the JSON object that belongs here: %w", jsonFault(err)))
}

// jsonFault says what is wrong with JSON without showing what it holds.
func jsonFault(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field == "" {
			return errors.New("it is of another type")
		}
		return fmt.Errorf("%s is of another type", e.Field)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("the fault is at byte %d", e.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends early")
	}
	if strings.HasPrefix(err.Error(), "json: unknown field") {
		return errors.New("it has a field that is not known")
	}
	return err
}
