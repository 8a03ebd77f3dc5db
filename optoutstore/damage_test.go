package optoutstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// damagedPairs is how many pairs the store has that is damaged: several segments
// of journal, and two tables.
const damagedPairs = 1500

// outcomes of damage.
const (
	unharmed = "goes on as if nothing had happened"
	rebuilt  = "builds the index again"
	degraded = "enforces, records, and says that the journal is damaged"
	refused  = "does not open"
	unsaid   = "has no such case" // but see TestMemtableLogDamage
)

// damages are what can happen to a store, what it does about it at its next open
// and while it is open, and what it says then: in the log where it builds the
// index again, in its error or its health else.
var damages = []struct {
	name       string
	do         func(t *testing.T, o Options)
	atOpen     string
	atOpenSays string
	open       string
	openSays   string
}{
	{"index: directory missing", removeAll(indexName), rebuilt, "MANIFEST is missing", rebuilt, "cannot be read"},
	{"index: directory emptied", emptyDir(indexName), rebuilt, "MANIFEST is missing", rebuilt, "cannot be read"},
	{"index: log missing", eachFile(indexName, "*.mem", remove), unsaid, "", unharmed, ""},
	{"index: MANIFEST missing", eachFile(indexName, "MANIFEST", remove), rebuilt, "MANIFEST is missing", rebuilt, "MANIFEST cannot be read"},
	{"index: MANIFEST cut", eachFile(indexName, "MANIFEST", cutEnd(3)), rebuilt, "older than the checkpoint", rebuilt, "MANIFEST does not name all"},
	{"index: MANIFEST emptied", eachFile(indexName, "MANIFEST", truncateTo(0)), rebuilt, "older than the checkpoint", rebuilt, "MANIFEST is damaged"},
	{"index: MANIFEST flipped", eachFile(indexName, "MANIFEST", flipAt(-3)), rebuilt, "older than the checkpoint", rebuilt, "MANIFEST is damaged"},
	{"index: KEYREGISTRY missing", eachFile(indexName, "KEYREGISTRY", remove), unharmed, "", unharmed, ""},
	{"index: DISCARD missing", eachFile(indexName, "DISCARD", remove), unharmed, "", unharmed, ""},
	{"index: table missing", oneFile(indexName, "*.sst", remove), rebuilt, "cannot be read", rebuilt, "cannot be read"},
	{"index: table cut", oneFile(indexName, "*.sst", truncateTo(1000)), rebuilt, "is damaged", rebuilt, "is damaged"},
	{"index: table emptied", oneFile(indexName, "*.sst", truncateTo(0)), rebuilt, "is damaged", rebuilt, "is damaged"},
	{"index: table, first byte flipped", oneFile(indexName, "*.sst", flipAt(0)), rebuilt, "is damaged", rebuilt, "is damaged"},
	{"index: table, data flipped", oneFile(indexName, "*.sst", flipAt(5000)), rebuilt, "is damaged", rebuilt, "is damaged"},
	{"index: table, index flipped", oneFile(indexName, "*.sst", flipAt(-60)), rebuilt, "is damaged", rebuilt, "is damaged"},
	{"index: table, footer flipped", oneFile(indexName, "*.sst", flipAt(-1)), rebuilt, "is damaged", rebuilt, "is damaged"},
	{"index: table, length in the footer flipped", oneFile(indexName, "*.sst", flipAt(-4)), rebuilt, "is damaged", rebuilt, "is damaged"},
	{"checkpoint missing", eachFile(".", checkpointName, remove), rebuilt, "there is no checkpoint", unharmed, ""},
	{"checkpoint flipped", eachFile(".", checkpointName, flipAt(20)), rebuilt, "the checkpoint is damaged", unharmed, ""},
	{"list of verified tables missing", eachFile(".", tableListName, remove), unharmed, "", unharmed, ""},
	{"list of verified tables flipped", eachFile(".", tableListName, flipAt(20)), unharmed, "", unharmed, ""},

	{"journal: directory missing", removeAll(journalName), refused, "journal cannot be read", degraded, "is missing"},
	{"journal: emptied", emptyDir(journalName), refused, "holds no segment", degraded, "is missing"},
	{"journal: newest segment flipped", newestSegment(flipAt(segmentHeader + 40)), degraded, "cannot be read", degraded, "is damaged at byte 88"},
	{"journal: older segment flipped", oneFile(journalName, "*.seg", flipAt(1000)), degraded, "is damaged at byte", degraded, "is damaged at byte"},
	{"journal: older segment's header flipped", oneFile(journalName, "*.seg", flipAt(30)), degraded, "header", degraded, "is another file"},
	{"journal: older segment missing", oneFile(journalName, "*.seg", remove), degraded, "are missing: events 1 to", degraded, "is missing: events 1 to"},
	{"journal: segment in the middle missing", secondSegment(remove), degraded, "bytes are missing, of events", degraded, "is missing: events"},
	{"journal: older segment cut", oneFile(journalName, "*.seg", truncateTo(2000)), degraded, "bytes are missing, of events 1 to", degraded, "has 2000 bytes"},
	{"journal: older segment longer", oneFile(journalName, "*.seg", lengthen), degraded, "longer than it was", unharmed, ""},
	{"journal: segments swapped", swapSegments, degraded, "begins with event", degraded, "another file"},
	{"journal: torn tail", newestSegment(lengthen), unharmed, "", unsaid, ""},
	{"journal: end cut off", newestSegment(cutEnd(1)), refused, "1,500 were acknowledged", degraded, "were written"},
	{"identity missing", eachFile(".", identityName, remove), refused, "the file STORE is missing", unharmed, ""},
	{"store directory missing", removeAll("."), refused, "had acknowledged 1,500 events", unsaid, ""},
}

func removeAll(dir string) func(*testing.T, Options) {
	return func(t *testing.T, o Options) {
		if err := os.RemoveAll(o.path(dir)); err != nil {
			t.Fatal(err)
		}
	}
}

func emptyDir(dir string) func(*testing.T, Options) {
	return eachFile(dir, "*", remove)
}

func eachFile(dir, pattern string, do func(*testing.T, string)) func(*testing.T, Options) {
	return func(t *testing.T, o Options) {
		for _, name := range files(t, o, dir, pattern) {
			do(t, name)
		}
	}
}

// oneFile does something to the first of some files.
func oneFile(dir, pattern string, do func(*testing.T, string)) func(*testing.T, Options) {
	return func(t *testing.T, o Options) { do(t, files(t, o, dir, pattern)[0]) }
}

func secondSegment(do func(*testing.T, string)) func(*testing.T, Options) {
	return func(t *testing.T, o Options) { do(t, files(t, o, journalName, "*.seg")[1]) }
}

func newestSegment(do func(*testing.T, string)) func(*testing.T, Options) {
	return func(t *testing.T, o Options) {
		names := files(t, o, journalName, "*.seg")
		do(t, names[len(names)-1])
	}
}

func files(t *testing.T, o Options, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(o.path(dir), pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	return names
}

func remove(t *testing.T, name string) {
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func flipAt(at int64) func(*testing.T, string) {
	return func(t *testing.T, name string) { flip(t, name, at) }
}

func truncateTo(size int64) func(*testing.T, string) {
	return func(t *testing.T, name string) {
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
	}
}

func cutEnd(n int64) func(*testing.T, string) {
	return func(t *testing.T, name string) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		truncateTo(info.Size()-n)(t, name)
	}
}

func lengthen(t *testing.T, name string) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("SGfr and no whole frame")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func swapSegments(t *testing.T, o Options) {
	names := files(t, o, journalName, "*.seg")
	for _, move := range [][2]string{{names[0], names[0] + "x"}, {names[1], names[0]}, {names[0] + "x", names[1]}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
	}
}

// scrubbing makes a store read itself all the time.
func scrubbing(o Options) Options {
	o.scrubSoon, o.scrubEvery, o.scrubRate = 10*time.Millisecond, 10*time.Millisecond, 1<<40
	return o
}

// damagedStore makes a closed store to be damaged.
func damagedStore(t *testing.T) Options {
	t.Helper()
	o := scrubbing(testOptions(t))
	o.segmentSize = 50 << 10
	d := mustOpen(t, o)
	fill(t, d, 0, damagedPairs/2)
	mustClose(t, d)
	d = mustOpen(t, o)
	fill(t, d, damagedPairs/2, damagedPairs)
	wait(t, "the tables are verified", func() bool { return len(readTableList(osFS{}, o.path(tableListName))) > 0 })
	mustClose(t, d)
	return o
}

// copyOf is a store of its own with the same content.
func copyOf(t *testing.T, from Options, log *logLines) Options {
	t.Helper()
	o, dir := from, t.TempDir()
	o.Dir, o.Witness, o.Logger = filepath.Join(dir, "store"), FileWitness(filepath.Join(dir, "witness")), log.logger()
	copyStore(t, from.Dir, o.Dir)
	m, _, err := from.Witness.Load(from.Dir)
	if err == nil {
		err = o.Witness.Save(o.Dir, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// neverForgets asks for every pair until the store answers for all, or an error
// will do. No answer is ever "not opted out".
func neverForgets(t *testing.T, d *Durable, errorsToo bool) {
	t.Helper()
	for n := range damagedPairs {
		_, found, err := d.Lookup(context.Background(), query(pairN(n)))
		if err == nil && !found {
			t.Fatalf("pair %d is said not to have opted out; %+v", n, d.Health())
		}
		if err != nil && !errorsToo {
			t.Fatalf("pair %d: %v", n, err)
		}
	}
}

func TestDamageAtOpen(t *testing.T) {
	t.Parallel()
	whole := damagedStore(t)
	for _, tc := range damages {
		if tc.atOpen == unsaid {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log logLines
			o := copyOf(t, whole, &log)
			o.inlineRebuild = -1
			tc.do(t, o)
			d, err := Open(o)
			if tc.atOpen == refused {
				if err == nil {
					d.Close()
				}
				if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrLoss) && !errors.Is(err, ErrUnavailable) ||
					!strings.Contains(err.Error(), tc.atOpenSays) {
					t.Fatalf("error %v, want it to say %q", err, tc.atOpenSays)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			neverForgets(t, d, true)
			waitReady(t, d)
			neverForgets(t, d, false)
			wantOutcome(t, d, &log, tc.atOpen, tc.atOpenSays)
		})
	}
}

func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	whole := damagedStore(t)
	for _, tc := range damages {
		if tc.open == unsaid {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log logLines
			o := copyOf(t, whole, &log)
			d := mustOpen(t, o)
			neverForgets(t, d, false)
			tc.do(t, o)
			if tc.open == rebuilt {
				wait(t, "the damage is noticed", func() bool { return strings.Contains(log.String(), "the index is damaged") })
			}
			neverForgets(t, d, true)
			if tc.open == rebuilt {
				wait(t, "it is mended", func() bool { return strings.Contains(log.String(), "the index is built") })
			}
			waitReady(t, d)
			neverForgets(t, d, false)
			wantOutcome(t, d, &log, tc.open, tc.openSays)
		})
	}
}

// wantOutcome checks that an open store has come through damage as it should.
func wantOutcome(t *testing.T, d *Durable, log *logLines, outcome, says string) {
	t.Helper()
	switch outcome {
	case degraded:
		wait(t, "the health says so", func() bool { return d.Health().Damaged })
		h := d.Health()
		if !h.Readable || !strings.Contains(h.Reason, says) {
			t.Fatalf("health %+v, want it to say %q", h, says)
		}
		findings := map[string]bool{}
		for line := range strings.Lines(log.String()) {
			_, finding, found := strings.Cut(line, "the journal is damaged;")
			if found && findings[finding] {
				t.Fatalf("said twice: %s", line)
			}
			if found {
				findings[finding] = true
			}
		}
		if len(findings) == 0 {
			t.Fatalf("the log says nothing:\n%s", log)
		}
	default:
		if h := d.Health(); h.Damaged || !h.Readable || h.Reason != "" {
			t.Fatalf("health %+v", h)
		}
	}
	text := log.String()
	if built := strings.Contains(text, "the index is built"); built != (outcome == rebuilt) ||
		outcome == rebuilt && !strings.Contains(text, says) {
		t.Fatalf("want: %s, saying %q; the log:\n%s", outcome, says, text)
	}
	if strings.Contains(text, "1206000") {
		t.Fatalf("a phone in the log:\n%s", text)
	}
	if outcome == rebuilt {
		if err := d.Verify(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
}
