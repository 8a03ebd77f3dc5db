package relay

import (
	"context"
	"sync"
	"time"

	"github.com/stopgate/stopgate/phone"
)

const (
	// patience is how long subscribes that come one after the other keep a delivery
	// waiting: then it has its turn before the next of them. Else anybody could keep
	// the backend from hearing of a stop, and so the fan-outs blocked.
	patience = 30 * time.Second
	// turnTime is how long a delivery has to begin when it is its turn. It may not
	// want to any more, as where the relay is paused.
	turnTime = time.Second
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
	since      time.Time     // that the first of them waits
	turn       chan struct{} // closed when they have had their turn; nil if it is not theirs
}

// NewOrder returns an order in which nothing goes on.
func NewOrder() *Order { return &Order{phones: make(map[phone.Number]*crossing)} }

// Hold waits until no delivery about the phones is under way, and lets none begin
// until release is called, once. Several may hold the same phone. If ctx ends
// first, nothing is held, and release is nil.
func (o *Order) Hold(ctx context.Context, phones []phone.Number) (release func(), err error) {
	if err := o.lockInTurn(ctx, phones); err != nil {
		return nil, err
	}
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

// lockInTurn locks o at a time at which it is not the turn of deliveries about one
// of the phones. If ctx ends first, o is not locked.
func (o *Order) lockInTurn(ctx context.Context, phones []phone.Number) error {
	for {
		o.mu.Lock()
		turn := o.turnOf(phones)
		if turn == nil {
			return nil
		}
		o.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// turnOf returns what ends the turn of deliveries about one of the phones, or nil
// if it is that of none. The caller holds the lock.
func (o *Order) turnOf(phones []phone.Number) chan struct{} {
	for _, n := range phones {
		c := o.phones[n]
		if c == nil {
			continue
		}
		if c.turn == nil && len(c.waiting) > 0 && time.Since(c.since) > patience {
			c.turn = make(chan struct{}) // begins once nobody holds the phone
		}
		if c.turn != nil {
			return c.turn
		}
	}
	return nil
}

// endTurn lets subscribes of n come again. They wait for what has begun.
func (o *Order) endTurn(n phone.Number) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.phones[n]
	close(c.turn)
	c.turn = nil
	o.tidy(n, c)
}

// Holds is the number of subscribes that hold a phone, or wait for the deliveries
// about it that are under way.
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
			if c.turn != nil {
				time.AfterFunc(turnTime, func() { o.endTurn(n) })
			}
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
		if len(c.waiting) == 0 {
			c.since = time.Now()
		}
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
	if c.holds == 0 && c.deliveries == 0 && c.turn == nil {
		delete(o.phones, n)
	}
}
