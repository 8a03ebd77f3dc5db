package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/phone"
)

// childImport is the argument with which the program runs itself to import, so
// that the memory that takes can be told from its own.
const childImport = "import-rows"

// imported is what an import of the list took.
type imported struct {
	took      time.Duration
	perSecond float64
	anonymous int64 // bytes
}

// importRows makes a list with n opt-outs in store.
func importRows(o options, store string, n int) (imported, error) {
	self, err := os.Executable()
	if err != nil {
		return imported{}, err
	}
	cmd := exec.Command(self, childImport, store, o.witness, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return imported{}, err
	}
	if err := cmd.Start(); err != nil {
		return imported{}, err
	}
	most := make(chan int64)
	done := make(chan struct{})
	go func() {
		var m int64
		for {
			if now, err := memory(cmd.Process.Pid); err == nil {
				m = max(m, now)
			}
			select {
			case <-done:
				most <- m
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	text, err := io.ReadAll(out)
	if werr := cmd.Wait(); err == nil {
		err = werr
	}
	close(done)
	got := imported{anonymous: <-most}
	if err == nil {
		err = json.Unmarshal(text, &got.took)
	}
	if err != nil {
		return imported{}, fmt.Errorf("importing %d rows: %w", n, err)
	}
	got.perSecond = float64(n) / got.took.Seconds()
	return got, nil
}

// importChild imports into the store of the first argument, with the witness beside
// the second, as many rows as the third says, and prints how long that took.
func importChild(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%s is for the program itself", childImport)
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	i := 0
	said := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	next := func() (optoutstore.Change, error) {
		if i == n {
			return optoutstore.Change{}, io.EOF
		}
		number, err := phone.ParseNumber(phoneN(listed, i))
		if err != nil {
			return optoutstore.Change{}, err
		}
		i++
		return optoutstore.Change{
			Pair:        optoutstore.Pair{Realm: realm, Sender: sender, Phone: number},
			EffectiveAt: said.Add(time.Duration(i) * time.Second),
			Source:      optoutstore.SourceImport,
		}, nil
	}
	begin := time.Now()
	_, err = optoutstore.ImportOffline(context.Background(), optoutstore.Options{
		Dir:     args[0],
		Witness: optoutstore.FileWitness(filepath.Join(args[1], "caddy", "sms_optout_witness")),
		Logger:  slog.New(slog.DiscardHandler),
	}, next, nil)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(time.Since(begin))
}
