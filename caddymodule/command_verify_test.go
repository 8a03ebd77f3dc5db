package caddymodule

import (
	"os"
	"path/filepath"
	"testing"
)

func TestVerifyCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		d.want(0, "OK: 0 events, 0 opt-outs in force\n", "verify")
		d.want(0, "", "add", testPhone, "--realm", "myrealm", "--sender", testSender)
		d.want(0, "OK: 1 events, 1 opt-outs in force\n", "verify")
		d.want(0, `{"events":1,"in_force":1,"ok":true}`, "verify", "--json")
	})
}

// TestVerifyDamage changes a byte of the journal under a running server.
func TestVerifyDamage(t *testing.T) {
	g := startAdmin(t, nil, options{})
	d := withDoor{t, []string{"--address", g.admin}}
	for _, phone := range []string{"12065550101", "12065550102", "12065550103"} {
		d.want(0, "", "add", phone, "--realm", "myrealm", "--sender", testSender)
	}
	names, err := filepath.Glob(filepath.Join(g.dir, "optouts", "journal", "*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	file, err := os.OpenFile(names[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var b [1]byte
	const at = 200 // in the first record
	if _, err := file.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := file.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	d.refuses("damaged", "verify")
	b[0] ^= 1
	if _, err := file.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	d.want(0, "OK: 3 events", "verify")
}
