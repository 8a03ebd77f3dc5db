package relay

import (
	"container/heap"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// key is a pair within its realm.
type key struct {
	sender phone.Sender
	phone  phone.Number
}

// item is a pair that the backend has to be told of. The engine's lock guards it.
type item struct {
	key
	// first and newest are the numbers of the events that made it due, since that
	// of the first.
	first, newest uint64
	since         time.Time
	source        source

	tries int       // in a row without an answer, or without a note of it in the list
	next  time.Time // of the next try, in a heap
	at    int       // in its heap
}

func (it *item) pair(realm string) optoutstore.Pair {
	return optoutstore.Pair{Realm: realm, Sender: it.sender, Phone: it.phone}
}

// queue is a line of items.
type queue struct {
	items []*item
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(it *item) { q.items = append(q.items, it) }

func (q *queue) pop() *item {
	if q.len() == 0 {
		return nil
	}
	it := q.items[q.head]
	q.items[q.head] = nil
	if q.head++; q.head > len(q.items)/2 {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	return it
}

// later holds items until their time, the earliest first.
type later []*item

func (l later) Len() int           { return len(l) }
func (l later) Less(i, j int) bool { return l[i].next.Before(l[j].next) }
func (l later) Swap(i, j int)      { l[i], l[j] = l[j], l[i]; l[i].at, l[j].at = i, j }
func (l *later) Push(x any)        { it := x.(*item); it.at = len(*l); *l = append(*l, it) }
func (l *later) Pop() any {
	old := *l
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*l = old[:len(old)-1]
	return it
}

func (l *later) add(it *item, next time.Time) {
	it.next = next
	heap.Push(l, it)
}

// due takes the earliest item if its time has come, and else tells how long that
// is; zero where there is none.
func (l *later) due(now time.Time) (*item, time.Duration) {
	if len(*l) == 0 {
		return nil, 0
	}
	if wait := (*l)[0].next.Sub(now); wait > 0 {
		return nil, wait
	}
	return heap.Pop(l).(*item), 0
}

// any takes the earliest item, whether or not its time has come.
func (l *later) any() *item {
	if len(*l) == 0 {
		return nil
	}
	return heap.Pop(l).(*item)
}

// rush makes all of them due.
func (l later) rush(now time.Time) {
	for _, it := range l {
		it.next = now // all alike: the heap's order holds
	}
}
