package optoutstore

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// eventNumbers are the numbers of the events behind a place, and the place behind
// them.
func eventNumbers(d *Durable, after Place) (numbers []uint64, reached Place, err error) {
	reached, err = d.Events(context.Background(), after, func(e Event, behind Place) error {
		numbers = append(numbers, e.Number)
		return nil
	})
	return numbers, reached, err
}

// Events goes from segment to segment, and from any place in any of them.
func TestEventsAcrossSegments(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.segmentSize = 1000
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 20)
	if _, err := d.Import(context.Background(), []Change{changeN(30), changeN(31), changeN(32)}); err != nil {
		t.Fatal(err)
	}
	optOutEach(t, d, 40, 47)
	if segments, _ := listSegments(osFS{}, o.path(journalName)); len(segments) < 4 {
		t.Fatalf("%d segments", len(segments))
	}
	for range 2 {
		places := []Place{{}}
		_, err := d.Events(context.Background(), Place{}, func(_ Event, behind Place) error {
			places = append(places, behind)
			return nil
		})
		if err != nil || len(places) != 31 {
			t.Fatalf("%d places, %v", len(places), err)
		}
		for i, p := range places {
			for _, from := range []Place{p, PlaceAfter(uint64(i))} {
				numbers, reached, err := eventNumbers(d, from)
				if err != nil || len(numbers) != 30-i || reached.Number() != 30 {
					t.Fatalf("behind %d: %v, %v, %v", i, numbers, reached.Number(), err)
				}
			}
		}
		if numbers, reached, err := eventNumbers(d, PlaceAfter(99)); len(numbers) != 0 || reached.Number() != 99 || err != nil {
			t.Fatalf("behind what is not there: %v, %v", numbers, err)
		}
		mustClose(t, d)
		d = mustOpen(t, o)
	}
}

// What is damaged is an error, and the place in front of it is reached.
func TestEventsOfDamagedJournal(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.scrubSoon = time.Hour
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 20)
	_, whole, starts := segmentBytes(t, o.path(journalName))
	for _, at := range []int{starts[10] + 2, starts[10] + frameHeader, starts[10] + frameHeader + 50, starts[11] - 1} {
		name := filepath.Join(o.path(journalName), segmentName(1))
		bad := append([]byte(nil), whole...)
		bad[at] ^= 0x40
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(bad, 0); err != nil {
			t.Fatal(err)
		}
		numbers, reached, err := eventNumbers(d, Place{})
		wantErr(t, err, ErrDamaged)
		if len(numbers) != 10 || reached.Number() != 10 {
			t.Errorf("byte %d: %d events, up to %d", at, len(numbers), reached.Number())
		}
		if _, err := f.WriteAt(whole, 0); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

func TestOnCommit(t *testing.T) {
	t.Parallel()
	var frames, events, bytes atomic.Int64
	o := testOptions(t)
	o.OnCommit = func(n, size int, took time.Duration) {
		frames.Add(1)
		events.Add(int64(n))
		bytes.Add(int64(size))
		if took <= 0 {
			t.Errorf("it took %v", took)
		}
	}
	d := mustOpen(t, o)
	optOutEach(t, d, 0, 5)
	if _, err := d.Import(context.Background(), []Change{changeN(3), changeN(5), changeN(6)}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Import(context.Background(), []Change{changeN(3)}); err != nil {
		t.Fatal(err)
	}
	_, whole, _ := segmentBytes(t, o.path(journalName))
	if frames.Load() != 6 || events.Load() != 7 || bytes.Load() != int64(len(whole)-segmentHeader) {
		t.Errorf("%d frames, %d events, %d bytes of %d", frames.Load(), events.Load(), bytes.Load(), len(whole)-segmentHeader)
	}
}
