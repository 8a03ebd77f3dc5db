package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stopgate/stopgate/optoutstore"
	"github.com/stopgate/stopgate/optoutstore/storetest"
)

// mixed is a file with some of everything.
const mixed = `realm,sender,phone,at,source,reason,name
MyRealm,120162701555,12065551212,2026-01-31T09:30:00.123456Z,api_web,"said ""stop""",Ann
myrealm,+1 201 627 01555,2065551213,,,,
myrealm,120162701555,+1 (206) 555-1212,2026-02-01,,,again
myrealm,*,12065551214,,,,
*,*,12065551215,,,,
myrealm,120162701555,not a phone,,,,
myrealm,120162701555,1206555,,,,
myrealm,120162701555,12065551216,yesterday,,,
,120162701555,12065551216,,,,
myrealm,120162701555
myrealm,120162701555,12065551217,,` + "gr\xfcn" + `,,
`

func TestImportCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		dir := t.TempDir()
		file, rejects := filepath.Join(dir, "mixed.csv"), filepath.Join(dir, "rejects.csv")
		writeFile(t, file, strings.Replace(mixed, "+1 201 627 01555", "+120162701555", 1))

		imported := func(says string, more ...string) string {
			t.Helper()
			r := d.run(append([]string{"import", file, "--rejects", rejects}, more...)...)
			if r.status != 1 || r.err == nil || !strings.Contains(r.err.Error(), "mixed.csv: 6 rows were rejected") {
				t.Errorf("status %d, %v", r.status, r.err)
			}
			if !strings.Contains(r.out, says) {
				t.Errorf("it prints\n%s\nwant %q", r.out, says)
			}
			return r.out
		}
		imported(": 11 rows\n         4 would be recorded\n         1 known already, or lifted later\n         6 rejected\n  line 7: phone cannot be read", "--dry-run")
		d.want(0, "nothing is recorded", "history", testPhone)
		tried := imported(`{"rows":11,"imported":4,"known":1,"rejected":6,"skipped":0,"dry_run":true,"columns_not_read":["name"],"rejects":[{"line":7,`, "--dry-run", "--json")
		done := imported(`{"rows":11,"imported":4,`, "--json")
		if strings.Replace(tried, "true", "false", 1) != done {
			t.Errorf("the dry run says\n%s, the import\n%s", tried, done)
		}
		imported(`{"rows":11,"imported":0,"known":5,`, "--json")
		imported(`{"rows":11,"imported":0,"known":5,`, "--json", "--dry-run")

		d.want(10, "said at   2026-01-31T09:30:00.123456Z\n", "check", testPhone, "--realm", "myrealm", "--sender", testSender)
		d.want(10, `reason    said "stop"`, "check", testPhone, "--realm", "myrealm", "--sender", testSender)
		d.want(10, "source    import\n", "check", "12065551213", "--realm", "myrealm", "--sender", testSender)
		d.want(10, "every sender of every realm", "check", "12065551215", "--realm", "other")
		d.want(0, "yes", "check", "12065551217", "--realm", "myrealm")

		want := `line,rejected,realm,sender,phone,at,source,reason
7,"phone cannot be read without doubt, write digits only",myrealm,120162701555,not a phone,,,
8,phone has a length that is not possible for a phone number of its country,myrealm,120162701555,1206555,,,
9,"at is not a time such as 2026-01-31T09:30:00Z, or a day such as 2026-01-31 (in UTC)",myrealm,120162701555,12065551216,yesterday,,
10,realm is missing,,120162701555,12065551216,,,
11,the row has another number of fields than the header's 7,,,,,,
12,source is not UTF-8,,,,,,
`
		if got := tail(t, rejects) + "\n"; got != want {
			t.Errorf("the rejects are\n%s\nwant\n%s", got, want)
		}
		// Mended, they can be imported as they are.
		writeFile(t, rejects, strings.NewReplacer("not a phone", "12065551218", "yesterday", "2026-01-30").Replace("line,rejected,realm,sender,phone,at,source,reason\n7,x,myrealm,120162701555,not a phone,,,\n9,x,myrealm,120162701555,12065551216,yesterday,,\n"))
		d.want(0, "         2 recorded\n", "import", rejects)

		r := runCommand(t, strings.NewReader("# mine\n(206) 555-1219\n"), append([]string{"import", "-", "--from", "plain", "--realm", "myrealm", "--sender", "1", "--source", "old list"}, d.flags...)...)
		if r.status != 0 || !strings.Contains(r.out, "-: 1 rows\n         1 recorded\n") {
			t.Errorf("a phone a line: %d, %v, %s", r.status, r.err, r.out)
		}
		d.want(10, "source    old list\n", "check", "12065551219", "--realm", "myrealm")
	})
}

// TestImportLifted wants a lift to be newer than what an old file says, and older
// than what a new one does.
func TestImportLifted(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		file := filepath.Join(t.TempDir(), "f.csv")
		row := func(at string) { writeFile(t, file, "realm,sender,phone,at\nmyrealm,1,12065551212,"+at+"\n") }
		row("2026-01-01")
		d.want(0, "         1 recorded", "import", file)
		d.want(0, "lifted", "lift", testPhone, "--realm", "myrealm", "--sender", "1", "--reason", "x")
		d.want(0, "         1 known already", "import", file, "--dry-run")
		d.want(0, "         1 known already", "import", file)
		d.want(0, "yes", "check", testPhone, "--realm", "myrealm")
		row("")
		d.want(0, "         1 would be recorded", "import", file, "--dry-run")
		d.want(0, "         1 recorded", "import", file)
		d.want(10, "no", "check", testPhone, "--realm", "myrealm")
	})
}

// TestImportBad has what can be wrong with a file and with the flags: a clear error
// with the line, exit status 1, and nothing done.
func TestImportBad(t *testing.T) {
	dir := t.TempDir()
	const header, good = "realm,sender,phone,reason\n", "myrealm,12345,12065551212,\n"
	path := func(name, text string) string {
		p := filepath.Join(dir, name)
		writeFile(t, p, text)
		return p
	}
	fine := path("fine.csv", header+good)
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		d.tb = t
		for _, c := range []struct {
			says string
			args []string
		}{
			{"no such file", []string{filepath.Join(dir, "nothing.csv")}},
			{"is a directory", []string{dir}},
			{"the file is empty; nothing was recorded", []string{path("empty.csv", "")}},
			{"compressed with gzip; unpack it: gunzip", []string{path("f.csv.gz", "\x1f\x8b\x08\x00\x00")}},
			{"save it as CSV in UTF-8", []string{path("f.xlsx", "PK\x03\x04")}},
			{"is UTF-16", []string{path("utf16.csv", "\xff\xfer\x00")}},
			{"line 1: the header lacks realm and sender", []string{path("lacks.csv", "phone\n12065551212\n")}},
			{"line 1: the header lacks realm and sender and phone", []string{path("none.csv", good)}},
			{"line 1: this is a history", []string{path("history.csv", "realm,sender,phone,kind\n")}},
			{"line 3: the file ends amid a row; is it whole?; nothing was recorded", []string{path("cut.csv", header+good+"myrealm,123")}},
			{"line 3: the file ends amid a row", []string{path("quote.csv", header+good+`myrealm,1,12065551212,"sa`)}},
			{"line 3: a quotation mark", []string{path("inside.csv", header+good+`my"realm,1,12065551212,`+"\n")}},
			{"line 3: the row is longer than 65536 bytes", []string{path("long.csv", header+good+`myrealm,1,2,"`+strings.Repeat("x\n", 70000)+"\"\n")}},
			{"line 2: the file ends amid a row", []string{path("cut.ndjson", `{"realm":"myrealm","sender":"1","phone":"12065551212"}`+"\n"+`{"realm":"my`)}},
			{"there is no format 'xml'", []string{fine, "--format", "xml"}},
			{"there is no preset 'excel'; use one of aws,", []string{fine, "--from", "excel"}},
			{"add --yes if it is meant", []string{fine, "--sender", "*"}},
			{"--rejects: open", []string{fine, "--rejects", filepath.Join(dir, "no", "rejects.csv")}},
			{"--rejects names the file that is imported", []string{fine, "--rejects", fine}},
			{"1 rows were rejected", []string{path("realm.csv", header+strings.Repeat("x", 129)+",1,12065551212,\n")}},
			{"1 rows were rejected", []string{path("reason.csv", header+"myrealm,1,12065551212,"+strings.Repeat("x", 1025)+"\n")}},
			{"--source has 33 bytes, at most 32 are kept", []string{fine, "--source", strings.Repeat("x", 33)}},
			{"--source is not UTF-8", []string{fine, "--source", "\xff"}},
			{"--realm is too long", []string{fine, "--realm", strings.Repeat("x", 129)}},
			{"--sender is neither a number", []string{fine, "--sender", "!!", "--dry-run"}},
			{"out of their senders of every realm; add --yes", []string{fine, "--realm", "*"}},
			{"1 rows were rejected", []string{path("nul.csv", header+"myrealm,1,12065551212,\x01\n")}},
			{"accepts 1 arg(s)", []string{fine, fine}},
		} {
			d.refuses(c.says, append([]string{"import"}, c.args...)...)
		}
		d.want(0, "", "list")
		if out := d.want(0, "", "list"); out != "" {
			t.Errorf("something was done:\n%s", out)
		}
		if got := tail(t, fine); got != strings.TrimSpace(header+good) {
			t.Errorf("the file has changed: %q", got)
		}
		// From a pipe, a server has done what is in front of the fault, and it is said.
		done := "         1 recorded"
		if d.flags[0] == "--store" {
			done = "         0 recorded" // nothing before all is read
		}
		r := runCommand(t, strings.NewReader(header+good+"myrealm,123"), append([]string{"import", "-"}, d.flags...)...)
		if r.status != 1 || r.err == nil || !strings.Contains(r.err.Error(), "line 3: the file ends amid a row") || !strings.Contains(r.out, done) {
			t.Errorf("from a pipe: %d, %v, %s", r.status, r.err, r.out)
		}
	})
}

// TestImportDryWithoutStore wants a dry run to report what the import does that
// makes the store.
func TestImportDryWithoutStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "optouts")
	file := filepath.Join(t.TempDir(), "f.csv")
	writeFile(t, file, "realm,sender,phone\nmyrealm,1,12065551212\nmyrealm,1,+1 206 555 1212\nmyrealm,1,x\n")
	d := withDoor{t, []string{"--store", dir, "--json"}}
	var reports [2]string
	for i, more := range [][]string{{"--dry-run"}, nil} {
		r := d.run(append([]string{"import", file}, more...)...)
		if r.status != 1 || r.err == nil || !strings.Contains(r.err.Error(), "1 rows were rejected") {
			t.Errorf("%q: %d, %v", more, r.status, r.err)
		}
		reports[i] = strings.Replace(r.out, `"dry_run":true`, `"dry_run":false`, 1)
		if _, err := os.Stat(dir); os.IsNotExist(err) != (i == 0) {
			t.Errorf("%q: the store: %v", more, err)
		}
	}
	if reports[0] != reports[1] || !strings.HasPrefix(reports[0], `{"rows":3,"imported":1,"known":1,"rejected":1,`) {
		t.Errorf("a dry run reports\n%swhere\n%swas done", reports[0], reports[1])
	}
}

// TestImportFullDisk lets the disk fill up in the middle. What was recorded is
// whole, the report is right, and running it again does the rest.
func TestImportFullDisk(t *testing.T) {
	name, store := newTestStore(t)
	g := startAdmin(t, nil, options{store: "test " + name})
	d := withDoor{t, []string{"--address", g.admin}}
	file := filepath.Join(t.TempDir(), "f.csv")
	var b strings.Builder
	b.WriteString("realm,sender,phone\n")
	for i := range 3500 {
		fmt.Fprintf(&b, "myrealm,1,1206%07d\n", 2000000+i)
	}
	writeFile(t, file, b.String())

	full := 0
	store.Set(storetest.Fault{Err: optoutstore.ErrNoSpace}, storetest.MethodImport)
	r := d.run("import", file)
	if r.status != 1 || r.err == nil || !strings.Contains(r.err.Error(), "short of space") || r.out != "" {
		t.Errorf("full from the start: %d, %v, %s", r.status, r.err, r.out)
	}
	store.Clear()
	before := store.Calls(storetest.MethodImport)
	stop := make(chan struct{})
	go func() { // fills the disk once two chunks are in
		defer close(stop)
		for store.Calls(storetest.MethodImport) < before+2 {
		}
		store.Set(storetest.Fault{Err: optoutstore.ErrNoSpace}, storetest.MethodImport)
	}()
	r = d.run("import", file, "--json")
	<-stop
	if r.status == 0 {
		full = 3500 // the disk was filled too late
	} else if r.err == nil || !strings.Contains(r.err.Error(), "short of space") || !strings.Contains(r.err.Error(), "running it again does the rest") ||
		strings.Contains(r.err.Error(), "rows were read before") { // the report has the figures
		t.Errorf("full amid: %d, %v, %s", r.status, r.err, r.out)
	} else if _, err := fmt.Sscanf(r.out, `{"rows":%d,`, &full); err != nil || full%1000 != 0 || full == 0 {
		t.Errorf("full amid: %v, %s", err, r.out)
	}
	store.Clear()
	d.want(0, fmt.Sprintf(`"imported":%d,"known":%d,`, 3500-full, full), "import", file, "--json")
}

// TestImportInterrupted wants an interrupted import to say what was done.
func TestImportInterrupted(t *testing.T) {
	name, store := newTestStore(t)
	g := startAdmin(t, nil, options{store: "test " + name})
	release := store.Block(storetest.MethodImport)
	defer release()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	go func() {
		defer out.Close()
		out.WriteString("realm,sender,phone\n")
		for i := range 1000 {
			fmt.Fprintf(out, "myrealm,1,1206%07d\n", 2000000+i)
		}
		eventually(t, "the chunk arrives", func() bool { return store.Waiting(storetest.MethodImport) == 1 })
		interrupt(t)
		release()
	}()
	r := runCommand(t, in, "import", "-", "--address", g.admin, "--json")
	if r.status != 1 || r.err == nil || !strings.Contains(r.err.Error(), "interrupted; what is reported above was done") {
		t.Errorf("%d, %v", r.status, r.err)
	}
	if !strings.HasPrefix(r.out, `{"rows":1000,"imported":1000,`) {
		t.Errorf("it reports %s", r.out)
	}
}

// TestImportRests wants an import to leave the list alone after each chunk for as
// long as the chunk took.
func TestImportRests(t *testing.T) {
	name, store := newTestStore(t)
	g := startAdmin(t, nil, options{store: "test " + name})
	const rows = "realm,sender,phone\nmyrealm,1,12065551212\n"
	release := store.Block(storetest.MethodImport)
	defer release()
	var released time.Time
	go func() {
		eventually(t, "the chunk arrives", func() bool { return store.Waiting(storetest.MethodImport) == 1 })
		<-time.After(100 * time.Millisecond) // is how long the chunk takes
		released = time.Now()
		release()
	}()
	r := g.ask("POST", "/sms_optout/import", rows, "Content-Type", "text/csv")
	if rested := time.Since(released); r.Status != 200 || rested < 100*time.Millisecond {
		t.Errorf("%d %s, after a rest of %v", r.Status, r.Body, rested)
	}
}
