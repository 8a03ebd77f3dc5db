package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
)

// countingHash is a password hash for tests: it counts, and can be held up.
type countingHash struct {
	password string
	hashed   atomic.Int64
	inside   atomic.Int64
	most     atomic.Int64
	hold     chan struct{} // a hash waits for it if it is not nil
}

func (c *countingHash) Compare(_, plaintext []byte) (bool, error) {
	c.hashed.Add(1)
	n := c.inside.Add(1)
	defer c.inside.Add(-1)
	for {
		most := c.most.Load()
		if n <= most || c.most.CompareAndSwap(most, n) {
			break
		}
	}
	if c.hold != nil {
		<-c.hold
	}
	if string(plaintext) == "broken" {
		return false, errors.New("broken")
	}
	return string(plaintext) == c.password, nil
}

func testAccounts(c caddyauth.Comparer, realms ...string) *accounts {
	as := &accounts{
		byRealm: make(map[string]*account),
		seed:    maphash.MakeSeed(),
		hashing: newHashing(2),
	}
	for _, r := range realms {
		a := newAccount("hash of "+r, c)
		as.byRealm[r] = a
		as.list = append(as.list, a)
	}
	return as
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, realm, password string
		want                  verdict
	}{
		{"right", "myrealm", "mypass", right},
		{"wrong", "myrealm", "other", wrong},
		{"empty", "myrealm", "", wrong},
		{"unknown realm, a known password", "nobody", "mypass", wrong},
		{"unknown realm", "nobody", "other", wrong},
		{"empty realm", "", "mypass", wrong},
		{"hash module fails", "myrealm", "broken", wrong},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &countingHash{password: "mypass"}
			as := testAccounts(c, "myrealm")
			for i := range 3 {
				if got := as.verify(t.Context(), tc.realm, tc.password, "192.0.2.1"); got != tc.want {
					t.Errorf("attempt %d: %v", i, got)
				}
			}
			// Known or not, right or wrong: the first attempt is hashed, the same
			// again is remembered.
			if n := c.hashed.Load(); n != 1 {
				t.Errorf("hashed %d times", n)
			}
		})
	}
}

func TestVerifyWithoutRealms(t *testing.T) {
	t.Parallel()
	if got := testAccounts(nil).verify(t.Context(), "myrealm", "mypass", ""); got != wrong {
		t.Errorf("%v", got)
	}
}

// A decoy's password must not be remembered as right, for it is asked with an
// unknown realm.
func TestDecoyIsNotRemembered(t *testing.T) {
	t.Parallel()
	c := &countingHash{password: "mypass"}
	as := testAccounts(c, "myrealm")
	as.verify(t.Context(), "myrealm", "mypass", "")
	as.verify(t.Context(), "nobody", "mypass", "")
	as.verify(t.Context(), "myrealm", "mypass", "")
	if n := c.hashed.Load(); n != 2 {
		t.Errorf("hashed %d times, want 2: the right password was forgotten for the decoy's", n)
	}
}

// Many requests with one password cost one hash.
func TestVerifyTogether(t *testing.T) {
	t.Parallel()
	c := &countingHash{password: "mypass", hold: make(chan struct{})}
	as := testAccounts(c, "myrealm")
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if got := as.verify(t.Context(), "myrealm", "mypass", "192.0.2.2"); got != right {
				t.Errorf("%v", got)
			}
		})
	}
	eventually(t, "one is hashing", func() bool { return c.inside.Load() == 1 })
	close(c.hold)
	wg.Wait()
	if n := c.hashed.Load(); n != 1 {
		t.Errorf("hashed %d times", n)
	}
}

// A flood of guesses is hashed a few at a time, waits in a bounded queue of which
// one address has a part, and leaves those who are known alone.
func TestFloodOfGuesses(t *testing.T) {
	t.Parallel()
	c := &countingHash{password: "mypass"}
	as := testAccounts(c, "myrealm")
	if got := as.verify(t.Context(), "myrealm", "mypass", "192.0.2.3"); got != right {
		t.Fatal(got)
	}
	c.hold = make(chan struct{})

	var wg sync.WaitGroup
	var refused atomic.Int64
	for i := range 500 {
		wg.Go(func() {
			if as.verify(t.Context(), "myrealm", fmt.Sprint("guess ", i), fmt.Sprint("198.51.100.", i%2)) == busy {
				refused.Add(1)
			}
		})
	}
	// Two are hashing, each address has its places in the queue, the rest is
	// refused at once.
	eventually(t, "the queue is full", func() bool { return refused.Load() >= 500-2-2*maxWaitingRemote-2 })
	if got := as.verify(t.Context(), "myrealm", "mypass", "192.0.2.3"); got != right {
		t.Errorf("who is known gets %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := as.verify(ctx, "myrealm", "from elsewhere", "192.0.2.4"); got != busy {
		t.Errorf("who has gone gets %v", got)
	}
	as.hashing.mu.Lock()
	if len(as.hashing.queues["192.0.2.4"]) != 1 {
		t.Error("another address found no place in the queue")
	}
	as.hashing.mu.Unlock()
	close(c.hold)
	wg.Wait()
	if most := c.most.Load(); most > 2 {
		t.Errorf("%d hashed at once", most)
	}
	eventually(t, "the queue is empty", func() bool {
		as.hashing.mu.Lock()
		defer as.hashing.mu.Unlock()
		return as.hashing.waiting == 0 && len(as.hashing.queues) == 0 && len(as.hashing.order) == 0
	})
}

// Hashes are Caddy's own kinds, and a changed one counts from the reload on.
func TestHashesThroughCaddy(t *testing.T) {
	b := newBackend(t)
	const argon = "$argon2id$v=19$m=47104,t=1,p=1$YxWUw0Ua/Eq89QW5NXZaKA$NyaHMCYvn7hYYfoD5WnNBFAtr7wBxqFaFsk8NDuy74o"
	g := startGateway(t, b, options{realms: "realm myrealm " + argon})
	try := func(password string) bool {
		return g.get("r=myrealm&p="+password+"&c=smsstopsubscribersend&phone=12065551212&sender_code=1").Body == stopSuccess
	}
	if !try("mypass") || try("other") {
		t.Error("argon2id: the right password is refused, or a wrong one accepted")
	}
	for _, password := range []string{"second", "third"} {
		g.reload(options{backend: b.addr, realms: "realm myrealm " + hashOf(password)})
		if try("mypass") || !try(password) {
			t.Errorf("after the reload to %q the old password counts, or the new one does not", password)
		}
	}
}

// What was verified is remembered across a reload that leaves the hash.
func TestVerifiedSurvivesReload(t *testing.T) {
	b := newBackend(t)
	g := startGateway(t, b, options{})
	g.mustStop(testPhone)
	held := func() (found *account) {
		accountPool.Range(func(_, value any) bool { found = value.(*account); return true })
		return found
	}
	before := held()
	g.reload(options{backend: b.addr, site: "max_body 3MiB"})
	if after := held(); after != before || after.verified == (digest{}) {
		t.Error("the account was forgotten")
	}
}
