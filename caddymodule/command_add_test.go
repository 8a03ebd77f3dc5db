package caddymodule

import (
	"os/user"
	"testing"
)

func TestAddCommand(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Skipf("the system does not say who runs the test, whom the history would name: %v", err)
	}
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		pair := []string{testPhone, "--realm", "myrealm", "--sender", testSender}
		with := func(more ...string) []string { return append(append([]string{"add"}, pair...), more...) }
		d.refuses("at is not a time", with("--at", "tomorrow")...)
		d.refuses("reason has 1025 bytes", with("--reason", string(make([]byte, 1025)))...)
		d.refuses("sender is missing", "add", testPhone, "--realm", "myrealm")
		d.refuses("this opts the phone out of every sender of realm myrealm; add --yes", "add", testPhone, "--realm", "myrealm", "--sender", "*")
		d.refuses("this opts the phone out of sender 1 of every realm; add --yes", "add", testPhone, "--realm", "*", "--sender", "1")
		d.want(0, "nothing is recorded\n", "history", testPhone)

		d.want(0, "recorded: 12065551212 and sender 120162701555 of realm myrealm, event 1\n", with()...)
		d.want(0, "had opted out already; noted again: 12065551212", with()...)
		d.want(0, `"event":3,"kind":"opted_out_again"`, with("--json")...)
		d.want(0, "recorded", "add", testPhone, "--realm", "myrealm", "--sender", "*", "--yes")
		d.want(0, `"source":"cli","reason":"","actor":"`+me.Username+`"`, "history", testPhone, "--json")
	})
}
