package caddymodule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Networks take turns: who has one password waiting does not wait for all of
// another's.
func TestHashingTurns(t *testing.T) {
	t.Parallel()
	h := newHashing(1)
	busy := h.queue("192.0.2.1") // takes the hasher
	var turns []*turn
	for _, remote := range []string{"a", "a", "a", "b", "a", "c", "b"} {
		turns = append(turns, h.queue(remote))
	}
	var order []string
	for range turns {
		h.release()
		for i, tn := range turns {
			select {
			case <-tn.come:
				if !slices.Contains(order, fmt.Sprint(tn.network, i)) {
					order = append(order, fmt.Sprint(tn.network, i))
				}
			default:
			}
		}
	}
	if got := strings.Join(order, " "); got != "a0 b3 c5 a1 b6 a2 a4" {
		t.Errorf("turns came as %s", got)
	}
	h.release()
	if h.free != 1 || h.waiting != 0 || len(h.queues) != 0 || len(h.order) != 0 || busy == nil {
		t.Errorf("left over: %+v", h)
	}
}

// One network has sixteen places, all together have sixty-four, and who gives up
// makes room.
func TestHashingPlaces(t *testing.T) {
	t.Parallel()
	h := newHashing(0)
	fill := func(network func(i int) string, want int) (turns []*turn) {
		t.Helper()
		for i := range 200 {
			if tn := h.queue(network(i)); tn != nil {
				turns = append(turns, tn)
			}
		}
		if len(turns) != want {
			t.Errorf("%d places, want %d", len(turns), want)
		}
		return turns
	}
	first := fill(func(int) string { return "192.0.2.1" }, maxWaitingRemote)
	fill(func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, maxWaitingRemote) // one /64
	fill(func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }, maxWaiting-2*maxWaitingRemote)
	for _, tn := range first {
		if !h.leave(tn) || h.leave(tn) {
			t.Error("a place can be left once")
		}
	}
	if slices.Contains(h.order, "192.0.2.1") {
		t.Error("a network without a queue still takes turns")
	}
	fill(func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, maxWaitingRemote)
}

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.1":        "192.0.2.1",
		"::ffff:192.0.2.1": "::ffff:192.0.2.1",
		"2001:db8:1:2:3::": "2001:db8:1:2::/64",
		"fe80::1%eth0":     "fe80::/64",
		"":                 "",
		"@":                "@",
	} {
		if got := networkOf(remote); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

// A hash module that panics neither ends the process nor takes the hasher along.
func TestHashingPanic(t *testing.T) {
	t.Parallel()
	as := testAccounts(panickingHash{}, "myrealm")
	for i := range 5 {
		if got := as.verify(t.Context(), "myrealm", fmt.Sprint(i), "192.0.2.9"); got != busy {
			t.Errorf("%v", got)
		}
	}
	eventually(t, "the hashers are back", func() bool {
		as.hashing.mu.Lock()
		defer as.hashing.mu.Unlock()
		return as.hashing.free == 2
	})
}

type panickingHash struct{}

func (panickingHash) Compare(_, plaintext []byte) (bool, error) { panic("amid " + string(plaintext)) }

// What a hash must look like, and what it may cost.
func TestHashKind(t *testing.T) {
	t.Parallel()
	const (
		salt = "YxWUw0Ua/Eq89QW5NXZaKA"
		key  = "NyaHMCYvn7hYYfoD5WnNBFAtr7wBxqFaFsk8NDuy74o"
	)
	argon := func(params, salt, key string) string { return "$argon2id$v=19$" + params + "$" + salt + "$" + key }
	for name, tc := range map[string]struct{ hash, kind string }{
		"argon2id":              {argon("m=47104,t=1,p=1", salt, key), "argon2id"},
		"argon2id, large":       {argon("m=1048576,t=16,p=255", salt, key), "argon2id"},
		"bcrypt":                {hashOf("x"), "bcrypt"},
		"bcrypt 2y":             {"$2y$" + hashOf("x")[4:], "bcrypt"},
		"empty":                 {"", ""},
		"plain":                 {"mypass", ""},
		"base64":                {"JDJhJDE0JA==", ""},
		"argon2i":               {"$argon2i$v=19$m=47104,t=1,p=1$" + salt + "$" + key, ""},
		"argon2id, key cut":     {argon("m=47104,t=1,p=1", salt, ""), ""},
		"argon2id, short key":   {argon("m=47104,t=1,p=1", salt, "NyaH"), ""},
		"argon2id, no salt":     {argon("m=47104,t=1,p=1", "", key), ""},
		"argon2id, bad salt":    {argon("m=47104,t=1,p=1", "!!!!!!!!!!!", key), ""},
		"argon2id, no passes":   {argon("m=47104,t=0,p=1", salt, key), ""},
		"argon2id, no threads":  {argon("m=47104,t=1,p=0", salt, key), ""},
		"argon2id, all memory":  {argon("m=4294967295,t=1,p=1", salt, key), ""},
		"argon2id, for hours":   {argon("m=47104,t=4294967295,p=1", salt, key), ""},
		"argon2id, old version": {"$argon2id$v=16$m=47104,t=1,p=1$" + salt + "$" + key, ""},
		"bcrypt, cut":           {hashOf("x")[:50], ""},
		"bcrypt, not base64":    {"$2a$04$" + strings.Repeat("!", 53), ""},
		"bcrypt, for hours":     {"$2a$31$" + hashOf("x")[7:], ""},
	} {
		kind, err := hashKind(tc.hash)
		if (err == nil) != (tc.kind != "") || err == nil && kind != tc.kind {
			t.Errorf("%s: %s, %v", name, kind, err)
		}
		if err != nil && len(tc.hash) > 5 && strings.Contains(err.Error(), tc.hash) {
			t.Errorf("%s: the error shows the hash", name)
		}
	}
}
