package caddymodule

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupCommand makes a backup by each door, restores it elsewhere, and wants
// the same answers.
func TestBackupCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		dir := t.TempDir()
		file := filepath.Join(dir, "b.tar")
		d.want(0, "", "add", testPhone, "--realm", "myrealm", "--sender", testSender, "--reason", "a letter")
		d.want(0, "", "add", otherPhone, "--realm", "*", "--sender", "*", "--yes")
		d.want(0, "", "lift", otherPhone, "--realm", "*", "--sender", "*", "--reason", "x", "--yes")
		d.want(0, file+": 3 events of store ", "backup", file)
		d.want(0, `"events":3,"hash":"`, "backup", file, "--json")
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		piped := d.run("backup", "-")

		here := withDoor{t, nil}
		restored := filepath.Join(dir, "restored")
		here.want(0, restored+": 3 events of store ", "restore", file, "--store", restored)
		r := runCommand(t, strings.NewReader(piped.out), "restore", "-", "--store", filepath.Join(dir, "piped"), "--json")
		if r.status != 0 || !strings.Contains(r.out, `"events":3,"hash":"`) {
			t.Errorf("from a pipe: %d, %v, %s", r.status, r.err, r.out)
		}
		for _, store := range []string{restored, filepath.Join(dir, "piped")} {
			other := withDoor{t, []string{"--store", store}}
			for _, verb := range [][]string{{"export"}, {"export", "--history"}, {"history", testPhone}, {"history", otherPhone, "--json"}, {"verify"}} {
				if want, got := d.run(verb...), other.run(verb...); got != want {
					t.Errorf("%q: the restored list says\n%+v\nthe first\n%+v", verb, got, want)
				}
			}
		}
	})
}

// TestRestoreBad has backups and directories that are wrong. Nothing is left.
func TestRestoreBad(t *testing.T) {
	g := startAdmin(t, nil, options{})
	d := withDoor{t, []string{"--address", g.admin}}
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	d.want(0, "", "add", testPhone, "--realm", "myrealm", "--sender", testSender)
	d.want(0, "", "backup", path("good.tar"))
	good, err := os.ReadFile(path("good.tar"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path("cut.tar"), string(good[:len(good)/2]))
	writeFile(t, path("changed.tar"), string(bytes.Replace(good, []byte("myrealm"), []byte("yrrealm"), 1)))
	writeFile(t, path("empty.tar"), "")
	writeFile(t, path("list.csv"), "realm,sender,phone\n")
	writeFile(t, path("b.tar.gz"), "\x1f\x8b\x08\x00")
	if err := os.Mkdir(path("occupied"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path("occupied/file"), "x")

	here := withDoor{t, nil}
	for _, c := range []struct{ says, file, store string }{
		{"no such file", "none.tar", "new"},
		{"is a directory", "occupied", "new"},
		{"it is not a whole backup", "cut.tar", "new"},
		{"it is not a whole backup", "changed.tar", "new"},
		{"it is not a whole backup", "empty.tar", "new"},
		{"it is not a whole backup", "list.csv", "new"},
		{"it is not a whole backup", "b.tar.gz", "new"},
		{"occupied", "good.tar", "occupied"},
	} {
		here.refuses(c.says, "restore", path(c.file), "--store", path(c.store))
		if _, err := os.Stat(path("new")); err == nil {
			left, _ := os.ReadDir(path("new"))
			if len(left) > 0 {
				t.Errorf("%s left %v", c.file, left)
			}
		}
	}
	here.refuses("--store is required", "restore", path("good.tar"))
	here.refuses("the path is empty", "restore", path("good.tar"), "--store", "")
	here.refuses("optouts", "restore", path("good.tar"), "--store", filepath.Join(g.dir, "optouts"))
	d.refuses("no such file or directory", "backup", path("no/b.tar"))
	here.want(0, "1 events of store", "restore", path("good.tar"), "--store", path("new"))
}
