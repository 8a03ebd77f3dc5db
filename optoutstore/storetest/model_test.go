package storetest

import (
	"fmt"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
)

func TestModelContract(t *testing.T) {
	Contract(t, func(*testing.T) optoutstore.Store { return NewModel() })
}

func TestModelRandom(t *testing.T) {
	// The events of a Model are what is left of it, so that they are its disk.
	disk := make(map[string][]optoutstore.Event)
	crashes := 0
	Random(t, Keeper{
		Open: func(dir string) (optoutstore.Store, error) {
			m, err := Replay(disk[dir])
			return &kept{m, func() { disk[dir] = m.All() }}, err
		},
		Crash: func(s optoutstore.Store, dir string) (string, error) {
			crashes++
			dir = fmt.Sprint(dir, " after crash ", crashes)
			disk[dir] = s.(*kept).All()
			return dir, s.Close()
		},
	})
	if crashes == 0 {
		t.Error("no crash")
	}
}

// kept is a Model that is written to disk when it is closed.
type kept struct {
	*Model
	write func()
}

func (k *kept) Close() error {
	err := k.Model.Close()
	k.write()
	return err
}

// TestReplay checks that what no store could have recorded is refused.
func TestReplay(t *testing.T) {
	at := func(number uint64, kind optoutstore.Kind) optoutstore.Event {
		return optoutstore.Event{Change: change(realm, news, ann), Number: number, Kind: kind}
	}
	const out, again, lifted = optoutstore.OptedOut, optoutstore.OptedOutAgain, optoutstore.Lifted
	for _, events := range [][]optoutstore.Event{
		{},
		{at(1, out)},
		{at(1, out), at(2, again), at(3, lifted), at(4, out)},
	} {
		if _, err := Replay(events); err != nil {
			t.Errorf("Replay of %v: %v", events, err)
		}
	}
	for _, events := range [][]optoutstore.Event{
		{at(0, out)},
		{at(2, out)},
		{at(1, again)},
		{at(1, lifted)},
		{at(1, out), at(2, out)},
		{at(1, out), at(1, again)},
		{at(1, out), at(3, again)},
		{at(1, out), at(2, lifted), at(3, lifted)},
	} {
		if _, err := Replay(events); err == nil {
			t.Errorf("Replay of %v: no error", events)
		}
	}
}
