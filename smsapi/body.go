package smsapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"unsafe"
)

// Body reads a request's body at most once, bounded, and puts it back so that
// the request can still be forwarded byte for byte.
type Body struct {
	r    *http.Request
	max  int64
	read bool
	b    []byte
	ref  *Refusal
}

// NewBody returns the body of r, of which at most max bytes are read. It reads
// nothing yet.
func NewBody(r *http.Request, max int64) Body { return Body{r: r, max: max} }

// absent reports that the request has no body, without reading. A chunked
// request may still turn out to have an empty one.
func (b *Body) absent() bool {
	return b.r.Body == nil || b.r.Body == http.NoBody || b.r.ContentLength == 0
}

// Bytes is the whole body. A body over the limit or one that breaks off is a
// refusal. Either way the request's Body is replaced by one that yields the same
// bytes, and ends as the original does; its ContentLength and TransferEncoding
// stay, so that it is framed on the way out as it would have been.
//
// The bytes are not pooled: an http.Transport may still read a request's body
// after the round trip has returned.
func (b *Body) Bytes() ([]byte, *Refusal) {
	if b.read || b.absent() {
		return b.b, b.ref
	}
	b.read = true
	if b.r.ContentLength > b.max {
		b.ref = tooLarge
		return nil, b.ref
	}
	original := b.r.Body
	head, err := readBounded(original, b.r.ContentLength, b.max)
	if err == nil {
		b.b = head
		b.r.Body = &replay{Reader: bytes.NewReader(head), Closer: original}
		return b.b, nil
	}
	// Who forwards a refused request all the same, to observe, forwards all of it.
	b.r.Body = &replay{Reader: io.MultiReader(bytes.NewReader(head), failing{original, err}), Closer: original}
	b.ref = brokenBody
	var tooBig *http.MaxBytesError
	if err == errTooLarge || errors.As(err, &tooBig) {
		b.ref = tooLarge
	}
	return nil, b.ref
}

// Text is [Body.Bytes] as a string that shares their memory. Nobody writes to
// them: they are read in full before they are given out.
func (b *Body) Text() (string, *Refusal) {
	body, refusal := b.Bytes()
	return unsafe.String(unsafe.SliceData(body), len(body)), refusal
}

// Form is the request's body as an urlencoded form, or "" where there is none. A
// body of another kind is refused, and not looked at where the headers tell.
func (b *Body) Form() (string, *Refusal) {
	if len(b.r.Trailer) > 0 {
		return "", refusedTrailer
	}
	if b.absent() {
		return "", nil
	}
	typeRefusal := formRefusal(b.r.Header)
	if typeRefusal != nil && b.r.ContentLength > 0 {
		return "", typeRefusal
	}
	form, refusal := b.Text()
	switch {
	case refusal != nil:
		return "", refusal
	case len(b.r.Trailer) > 0: // those that no Trailer header announced
		return "", refusedTrailer
	case form == "":
		return "", nil
	case typeRefusal != nil:
		return "", typeRefusal
	case hasWideMark(form):
		return "", refusedType
	case LooksStructured(form) || beginsOddly(form):
		return "", RefusedLook
	}
	// The line's end that some clients write behind a form is none of its last value.
	return strings.TrimSuffix(strings.TrimSuffix(form, "\n"), "\r"), nil
}

var refusedTrailer = &Refusal{
	Status: http.StatusBadRequest,
	Code:   "trailer",
	Reason: "A request to the SMS API must not have trailers",
}

// replay yields bytes already read and closes what they were read from.
type replay struct {
	io.Reader
	io.Closer
}

// failing is the rest of a body behind what was read of it: more, if that was too
// much, or the error that it broke off with.
type failing struct {
	rest io.Reader
	err  error
}

func (f failing) Read(p []byte) (int, error) {
	if f.err == errTooLarge {
		return f.rest.Read(p)
	}
	return 0, f.err
}

var (
	tooLarge = &Refusal{
		Status: http.StatusRequestEntityTooLarge,
		Code:   "body_too_large",
		Reason: "The request body is larger than this gateway reads",
	}
	brokenBody = &Refusal{
		Status: http.StatusBadRequest,
		Code:   "body_incomplete",
		Reason: "The request body could not be read to its end",
	}
)

var errTooLarge = errors.New("more than is read")

// readBounded reads a body to its end. With an error it returns what it has read.
func readBounded(body io.Reader, declared, max int64) ([]byte, error) {
	size := min(declared, 64<<10) // a declared length is a promise; memory is given as bytes arrive
	if size < 0 {
		size = 512
	}
	buf := make([]byte, 0, size+1) // one more, so that the end is seen without growing
	for {
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > max {
			return buf, errTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}
