package relay

import (
	"context"
	"sync"

	"github.com/stopgate/stopgate/phone"
)

// Order keeps what is told about a phone, and the subscribes of it that pass to
// the same backend, from crossing: the backend hears of both in the order in which
// the gateway has acknowledged them.
//
// A subscribe holds its phones from before it is decided upon until the backend
// has answered and what follows from that is recorded. Meanwhile no delivery about
// them begins. An Order belongs to a list, and outlives the engines that deliver.
type Order struct {
	mu     sync.Mutex
	phones map[phone.Number]*crossing
}

// crossing is what goes on about one phone.
type crossing struct {
	holds      int
	deliveries int
	quiet      chan struct{} // closed when the deliveries are done; nil if nobody waits
	waiting    []func()      // deliveries that want to begin
}

// NewOrder returns an order in which nothing goes on.
func NewOrder() *Order { return &Order{phones: make(map[phone.Number]*crossing)} }

// Hold waits until no delivery about the phones is under way, and lets none begin
// until release is called, once. Several may hold the same phone. If ctx ends
// first, nothing is held, and release is nil.
func (o *Order) Hold(ctx context.Context, phones []phone.Number) (release func(), err error) {
	o.mu.Lock()
	var wait []chan struct{}
	for _, n := range phones {
		c := o.at(n)
		c.holds++
		if c.deliveries > 0 {
			if c.quiet == nil {
				c.quiet = make(chan struct{})
			}
			wait = append(wait, c.quiet)
		}
	}
	o.mu.Unlock()

	held := append([]phone.Number(nil), phones...) // the caller's may be reused
	for _, quiet := range wait {
		select {
		case <-quiet:
		case <-ctx.Done():
			o.letGo(held)
			return nil, ctx.Err()
		}
	}
	return sync.OnceFunc(func() { o.letGo(held) }), nil
}

// Holds is the number of subscribes that hold a phone, or wait for it.
func (o *Order) Holds(n phone.Number) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.phones[n]; c != nil {
		return c.holds
	}
	return 0
}

func (o *Order) letGo(phones []phone.Number) {
	var ready []func()
	o.mu.Lock()
	for _, n := range phones {
		c := o.phones[n]
		if c.holds--; c.holds == 0 {
			ready = append(ready, c.waiting...)
			c.waiting = nil
		}
		o.tidy(n, c)
	}
	o.mu.Unlock()
	for _, f := range ready {
		f()
	}
}

// begin begins a delivery about n, which done ends. It does not if the phone is
// held; ready is called once it no longer is, from another goroutine.
func (o *Order) begin(n phone.Number, ready func()) (done func(), ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.at(n)
	if c.holds > 0 {
		c.waiting = append(c.waiting, ready)
		return nil, false
	}
	c.deliveries++
	return func() { o.end(n) }, true
}

func (o *Order) end(n phone.Number) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.phones[n]
	if c.deliveries--; c.deliveries == 0 && c.quiet != nil {
		close(c.quiet)
		c.quiet = nil
	}
	o.tidy(n, c)
}

func (o *Order) at(n phone.Number) *crossing {
	c := o.phones[n]
	if c == nil {
		c = new(crossing)
		o.phones[n] = c
	}
	return c
}

func (o *Order) tidy(n phone.Number, c *crossing) {
	if c.holds == 0 && c.deliveries == 0 {
		delete(o.phones, n)
	}
}
