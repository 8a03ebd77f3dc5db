package caddymodule

import "testing"

func TestLiftCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		pair := []string{testPhone, "--realm", "myrealm", "--sender", testSender}
		lift := func(more ...string) []string { return append(append([]string{"lift"}, pair...), more...) }
		d.refuses("the pair has not opted out", lift("--reason", "x")...)
		d.want(0, "recorded", append([]string{"add"}, pair...)...)
		d.refuses("reason is missing", lift()...)
		d.refuses("reason is missing", lift("--reason", " ")...)
		d.refuses("the pair has not opted out", "lift", testPhone, "--realm", "myrealm", "--sender", "*", "--reason", "x", "--yes")
		d.refuses("add --yes", "lift", testPhone, "--realm", "myrealm", "--sender", "*", "--reason", "x")
		d.want(0, "lifted: 12065551212 and sender 120162701555 of realm myrealm, event 2\n", lift("--reason", "asked for it")...)
		d.want(0, "yes: ", append([]string{"check"}, pair...)...)
		d.want(0, "", append([]string{"add"}, pair...)...)
		d.want(0, `"kind":"lifted"`, lift("--reason", "again", "--json")...)
	})
}
