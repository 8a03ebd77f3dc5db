package optoutstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// source yields changes one by one, as a file that is read does.
func source(changes []Change) func() (Change, error) {
	return func() (Change, error) {
		if len(changes) == 0 {
			return Change{}, io.EOF
		}
		c := changes[0]
		changes = changes[1:]
		return c, nil
	}
}

// importRows are rows of few pairs, some of them more than once, with and without
// times around when.
func importRows(r *rand.Rand, n, phones int, when time.Time) []Change {
	rows := make([]Change, n)
	for i := range rows {
		c := anyChange(r, phones)
		c.Source, c.Remote, c.RequestID = SourceImport, "", ""
		c.Actor = "me"
		if r.IntN(2) == 0 {
			c.Reason = strings.Repeat("é", r.IntN(40))
		}
		if r.IntN(2) == 0 {
			c.EffectiveAt = microTime(when.Add(time.Duration(r.IntN(200)-100) * time.Minute).UnixMicro())
		}
		rows[i] = c
	}
	return rows
}

// importStore is a store with some opt-outs, some of them lifted.
func importStore(t *testing.T, r *rand.Rand, phones int) (Options, time.Time) {
	t.Helper()
	o := testOptions(t)
	now := microTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	o.Now = func() time.Time { return now }
	o.segmentSize, o.importFrame, o.sortMemory = 10_000, 3000, 5000
	d := mustOpen(t, o)
	for range r.IntN(150) {
		anyEvent(t, d, r, anyChange(r, phones))
	}
	mustClose(t, d)
	return o, now
}

// numberless is c with what the order of events decides taken out: the numbers,
// and the order of a phone's events about different pairs.
func (c content) numberless() content {
	out := content{States: map[Pair]State{}, Counts: c.Counts}
	for p, s := range c.States {
		out.States[p] = withoutNumbers(s)
	}
	for _, events := range c.History {
		events = slices.Clone(events)
		slices.SortStableFunc(events, func(a, b Event) int {
			return strings.Compare(a.Realm+"\x00"+string(a.Sender), b.Realm+"\x00"+string(b.Sender))
		})
		for i := range events {
			events[i].Number = 0
		}
		out.History = append(out.History, events)
	}
	return out
}

func withoutNumbers(s State) State {
	s.Number, s.Last = 0, 0
	return s
}

func copied(t *testing.T, o Options) Options {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(o.Dir)); err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Witness = dir, nil
	return o
}

// online records rows in a store that is open.
func online(t *testing.T, o Options, rows []Change) (c content, recorded uint64) {
	t.Helper()
	d := mustOpen(t, o)
	done, err := d.Import(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range done {
		if !i.Known {
			recorded++
		}
	}
	c = contentOf(t, d, importPhones)
	mustClose(t, d)
	return c, recorded
}

const importPhones = 12

// contentAt is the content of a store that is not open.
func contentAt(t *testing.T, o Options) content {
	t.Helper()
	d := mustOpen(t, o)
	waitReady(t, d)
	c := contentOf(t, d, importPhones)
	mustClose(t, d)
	return c
}

// An offline import leaves what an online import of the same rows does, and
// another one of them adds nothing.
func TestImportOffline(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			o, now := importStore(t, r, importPhones)
			rows := importRows(r, 150, importPhones, now)
			want, recorded := online(t, copied(t, o), rows)

			var told []uint64
			sum, err := ImportOffline(context.Background(), o, source(rows), func(n uint64) { told = append(told, n) })
			if err != nil {
				t.Fatal(err)
			}
			if sum.Rows != 150 || sum.Recorded != recorded || sum.Known != 150-recorded || sum.Took <= 0 {
				t.Fatalf("%+v, want %d recorded", sum, recorded)
			}
			if !slices.Equal(told, []uint64{150}) {
				t.Fatalf("progress %v", told)
			}
			got := contentAt(t, o)
			if err := got.numberless().equal(want.numberless()); err != nil {
				t.Fatal(err)
			}
			left := leftovers(t, o)
			if len(left) > 0 {
				t.Fatalf("left behind: %v", left)
			}

			sum, err = ImportOffline(context.Background(), o, source(rows), nil)
			if err != nil || sum.Recorded != 0 || sum.Known != 150 {
				t.Fatalf("again: %+v, %v", sum, err)
			}
			if err := contentAt(t, o).equal(got); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// leftovers are the temporary files in a store's directory.
func leftovers(t *testing.T, o Options) []string {
	t.Helper()
	var left []string
	for _, pattern := range []string{sortPattern, "*.new"} {
		names, err := filepath.Glob(o.path(pattern))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, names...)
	}
	return left
}

// An import makes a store where there is none, and the witness knows it then.
func TestImportOfflineNewStore(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	rows := make([]Change, 1000)
	for i := range rows {
		rows[i] = changeN(i)
	}
	sum, err := ImportOffline(context.Background(), o, source(rows), nil)
	if err != nil || sum.Recorded != 1000 {
		t.Fatalf("%+v, %v", sum, err)
	}
	m, known, err := o.Witness.Load(o.Dir)
	if err != nil || !known || m.Number != 1000 {
		t.Fatalf("the witness has %+v, %v, %v", m, known, err)
	}
	var log logLines
	o.Logger = log.logger()
	d := mustOpen(t, o)
	wantFilled(t, d, 1000)
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "built again") {
		t.Fatalf("the index was built again:\n%s", log.String())
	}
}

// What cannot be imported changes nothing.
func TestImportOfflineRefused(t *testing.T) {
	t.Parallel()
	broken := errors.New("the file ends amid a row")
	for name, tc := range map[string]struct {
		rows func(cancel func()) func() (Change, error)
		free uint64
		want error
		text string
	}{
		"the reader fails": {want: broken, rows: func(func()) func() (Change, error) {
			n := 0
			return func() (Change, error) {
				if n++; n > 100 {
					return Change{}, broken
				}
				return changeN(n), nil
			}
		}},
		"a row without a sender": {want: ErrInvalid, text: "row 2: ", rows: func(func()) func() (Change, error) {
			return source([]Change{changeN(1), {Pair: Pair{Realm: "realm", Phone: pairN(1).Phone}}})
		}},
		"cancelled": {want: context.Canceled, rows: func(cancel func()) func() (Change, error) {
			n := 0
			return func() (Change, error) {
				if n++; n == 10 {
					cancel()
				}
				return changeN(n), nil // without an end
			}
		}},
		"no rows": {rows: func(func()) func() (Change, error) { return source(nil) }},
		"short of space": {want: ErrNoSpace, free: 700 << 20, rows: func(func()) func() (Change, error) {
			return source([]Change{changeN(1), changeN(2), changeN(1000)})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			o := testOptions(t)
			d := mustOpen(t, o)
			optOutEach(t, d, 0, 3)
			want := contentOf(t, d, importPhones)
			mustClose(t, d)
			p := o
			p.sortMemory = 1000
			if tc.free != 0 {
				p.MinFree = 1000 << 20
				p.FreeSpace = func(string) (uint64, error) { return tc.free, nil }
			}
			_, err := ImportOffline(ctx, p, tc.rows(cancel), nil)
			if tc.want != nil || err != nil {
				wantErr(t, err, tc.want)
			}
			if err != nil && !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error %q", err)
			}
			if left := leftovers(t, o); len(left) > 0 {
				t.Fatalf("left behind: %v", left)
			}
			if err := contentAt(t, o).equal(want); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		o := testOptions(t)
		mustOpen(t, o)
		_, err := ImportOffline(context.Background(), o, source([]Change{changeN(1)}), nil)
		wantErr(t, err, ErrLocked)
	})
}

// Wherever an import fails, or the process is killed, the store opens and is
// right: each row is recorded or not. The same import again completes it.
func TestImportOfflineInterrupted(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	o, now := importStore(t, r, importPhones)
	rows := importRows(r, 120, importPhones, now)
	before := contentAt(t, o)
	want, _ := online(t, copied(t, o), rows)
	want = want.numberless()

	complete := func(t *testing.T, o Options) {
		t.Helper()
		d := mustOpen(t, o)
		waitReady(t, d)
		// Not less than before, and nothing that is in no row; Verify is in it.
		now := contentOf(t, d, importPhones).numberless()
		for p, s := range now.States {
			if s != want.States[p] && s != withoutNumbers(before.States[p]) {
				t.Errorf("a pair is neither as before nor as after: %+v", s)
			}
		}
		if len(now.States) < len(before.States) {
			t.Errorf("%d states, %d before", len(now.States), len(before.States))
		}
		mustClose(t, d)
		if left := leftovers(t, o); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if _, err := ImportOffline(context.Background(), o, source(rows), nil); err != nil {
			t.Fatal(err)
		}
		if err := contentAt(t, o).numberless().equal(want); err != nil {
			t.Fatal(err)
		}
	}
	for at := 0; ; at++ {
		failing, killed := copied(t, o), Options{}
		p, calls := failing, 0
		p.fs = &faultFS{fail: func(op, name string) error {
			if strings.Contains(name, ".witness") {
				return nil
			}
			calls++
			if calls-1 < at {
				return nil
			}
			if calls-1 == at {
				killed = copied(t, failing)
			}
			return syscall.EIO // and nothing works from then on
		}}
		_, err := ImportOffline(context.Background(), p, source(rows), nil)
		if calls <= at {
			if err != nil {
				t.Fatal(err)
			}
			if at < 25 {
				t.Fatalf("%d calls of the file system", at)
			}
			break
		}
		if err == nil {
			// Closing the journal cuts off room that was not used, if it can.
			if err := contentAt(t, failing).numberless().equal(want); err != nil {
				t.Errorf("call %d failed, and nobody noticed: %v", at, err)
			}
		}
		for name, o := range map[string]Options{"failed": failing, "killed": killed} {
			if name == "failed" && at%3 != 0 {
				continue // it leaves less than being killed does
			}
			t.Run(fmt.Sprint(name, " at call ", at), func(t *testing.T) {
				t.Parallel()
				complete(t, o)
			})
		}
	}
}

// BenchmarkImportOffline imports OPTOUTSTORE_BENCH_ROWS rows into a new store, and
// then again, which records nothing.
func BenchmarkImportOffline(b *testing.B) {
	rows := benchRowsFromEnv()
	o := testOptions(b)
	for _, name := range []string{"new", "again"} {
		b.Run(name, func(b *testing.B) {
			if b.N > 1 {
				b.Skip("give -benchtime 1x: the second import of the same rows is another thing")
			}
			p := watchMemory(b)
			n := 0
			sum, err := ImportOffline(context.Background(), o, func() (Change, error) {
				if n == rows {
					return Change{}, io.EOF
				}
				n++
				c := spreadN(n)
				c.Source, c.Remote, c.RequestID, c.Actor = SourceImport, "", "", "operator"
				return c, nil
			}, nil)
			p.report(b)
			if want := map[string]int{"new": rows}[name]; err != nil || sum.Recorded != uint64(want) {
				b.Fatal(sum, err)
			}
			b.ReportMetric(float64(rows)/sum.Took.Seconds(), "rows/s")
		})
	}
}
