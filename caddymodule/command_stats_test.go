package caddymodule

import "testing"

func TestStatsCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		d.want(0, "opt-outs in force  0\nnot told           0\nevents             0\njournal, index", "stats")
		d.want(0, `"in_force":0,"not_told":0,"senders":[],"oldest":null,"newest":null,`, "stats", "--json")
		d.want(0, "", "add", testPhone, "--realm", "myrealm", "--sender", testSender)
		d.want(0, "", "add", otherPhone, "--realm", "myrealm", "--sender", testSender)
		d.want(0, "", "add", otherPhone, "--realm", "other", "--sender", "*", "--yes")
		d.want(0, "opt-outs in force  3\n                1  sender * of realm other\n                2  sender 120162701555 of realm myrealm\nnot told           3\nevents             3\noldest, newest     20", "stats")
		d.want(0, `{"realm":"myrealm","sender":"120162701555","in_force":2,"not_told":2}`, "stats", "--json")
	})
}
