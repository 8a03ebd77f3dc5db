package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportCommand wants an export to be what is in force, in order, and to come
// back the same from another list, in both formats.
func TestExportCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		dir := t.TempDir()
		file := func(name string) string { return filepath.Join(dir, name) }
		const first = "realm,sender,phone,at,source,reason\n"
		if out := d.want(0, first, "export"); out != first {
			t.Errorf("an empty list is %q", out)
		}
		writeFile(t, file("in.csv"), "phone,realm,sender,at,source,reason\n"+
			"13105550000,myrealm,shop & co,2026-01-31T09:30:00.123456Z,api_web,\"=1+1, \"\"x\"\"\n <b>\"\n"+
			"12065551212,other,*,2026-01-30T00:00:00+01:00,,\n"+
			"12065551212,myrealm,12345,2026-01-29,\"a,b\",ж\n"+
			"+2065551212,*,*,1969-12-31T23:59:59.999999Z,,\n")
		d.want(0, "         4 recorded", "import", file("in.csv"))
		d.want(0, "recorded", "add", otherPhone, "--realm", "gone", "--sender", "1")
		d.want(0, "lifted", "lift", otherPhone, "--realm", "gone", "--sender", "1", "--reason", "x")
		want := first +
			"other,*,12065551212,2026-01-29T23:00:00.000000Z,import,\n" +
			"myrealm,12345,12065551212,2026-01-29T00:00:00.000000Z,\"a,b\",ж\n" +
			"myrealm,shop & co,13105550000,2026-01-31T09:30:00.123456Z,api_web,\"=1+1, \"\"x\"\"\n <b>\"\n" +
			"*,*,+2065551212,1969-12-31T23:59:59.999999Z,import,\n"
		d.want(0, want, "export", "-")
		d.want(0, file("out.csv")+": 4 rows\n", "export", file("out.csv"))
		d.want(0, `"rows":4}`, "export", file("out.ndjson"), "--json")
		if got := tail(t, file("out.csv")) + "\n"; got != want {
			t.Errorf("the file is\n%s\nwant\n%s", got, want)
		}
		if info, err := os.Stat(file("out.csv")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		d.want(0, `{"realm":"myrealm","sender":"12345","phone":"12065551212","at":"2026-01-29T00:00:00.000000Z","source":"a,b","reason":"ж"}`+"\n", "export", "--format", "ndjson", "--realm", "myrealm")
		if out := d.want(0, "", "export", "--realm", "myrealm", "--sender", "shop & co"); strings.Count(out, "myrealm") != 1 {
			t.Errorf("filtered:\n%s", out)
		}

		for _, name := range []string{"out.csv", "out.ndjson"} {
			other := withDoor{t, []string{"--store", file(name + ".store")}}
			other.want(0, "         4 recorded", "import", file(name))
			other.want(0, want, "export")
			other.want(0, "         4 known", "import", file(name))
			other.want(0, "OK: 4 events, 4 opt-outs in force\n", "verify")
		}

		history := d.want(0, "realm,sender,phone,at,source,reason,kind,event,recorded_at,actor,remote,request_id\n", "export", "--history")
		if strings.Count(history, "\n") != 8 || !strings.Contains(history, ",cli,x,lifted,6,") { // one has a line end in it
			t.Errorf("the history is\n%s", history)
		}
		d.want(0, `"kind":"opted_out","realm":"gone",`, "export", "--history", "--format", "ndjson", "--realm", "gone")
		writeFile(t, file("history.csv"), history)
		d.refuses("this is a history", "import", file("history.csv"))

		d.refuses("format is neither csv nor ndjson", "export", "--format", "xml")
		d.refuses("is there, and no file", "export", dir)
		d.refuses("no such file or directory", "export", file("no/out.csv"))
		d.refuses("realm is too long", "export", file("never.csv"), "--realm", strings.Repeat("x", 200))
		left, _ := filepath.Glob(file("never*"))
		parts, _ := filepath.Glob(file("*.part"))
		if len(left)+len(parts) > 0 {
			t.Errorf("an export that failed left %q %q", left, parts)
		}
	})
}
