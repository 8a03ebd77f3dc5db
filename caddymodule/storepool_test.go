package caddymodule

import (
	"errors"
	"testing"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
)

// settings is an opener that notes when its settings were brought to the store.
type settings struct {
	name string
	to   *[]string
}

func (s settings) StoreKey() string                      { return "settings" }
func (s settings) OpenStore() (optoutstore.Store, error) { return nil, errors.New("not opened here") }
func (s settings) Reconfigure(optoutstore.Store)         { *s.to = append(*s.to, s.name) }

// The newest configuration's settings count, and after a load that failed those of
// the one that goes on.
func TestSettingsOfSharedStore(t *testing.T) {
	t.Parallel()
	var got []string
	a, b, c := settings{"a", &got}, settings{"b", &got}, settings{"c", &got}
	s := newSharedStore(storetest.NewModel())
	s.join(a)
	s.join(b) // a reload that fails
	s.part(b)
	s.join(c) // one that works
	s.part(a)
	s.part(a) // twice is none
	s.part(c)
	want := []string{"a", "b", "a", "c"}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// Closing waits for who is inside, and lets nobody in any more.
func TestSharedStoreDrains(t *testing.T) {
	t.Parallel()
	store := storetest.NewFaulty(storetest.NewModel())
	s := newSharedStore(store)
	if err := s.enter(); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- s.Destruct() }()
	eventually(t, "it is closing", s.closing.Load)
	if err := s.enter(); !errors.Is(err, optoutstore.ErrClosed) {
		t.Errorf("entered a closing store: %v", err)
	}
	if n := store.Calls(storetest.MethodClose); n != 0 {
		t.Error("closed under a user")
	}
	s.leave()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n := store.Calls(storetest.MethodClose); n != 1 {
		t.Errorf("closed %d times", n)
	}
}
