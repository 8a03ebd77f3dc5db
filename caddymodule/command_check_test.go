package caddymodule

import "testing"

func TestCheckCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		d.want(0, "yes: "+testSender+" of myrealm may message "+testPhone, "check", "+1 (206) 555-1212", "--realm", "MyRealm", "--sender", testSender)
		d.want(0, `{"may":true,"realm":"myrealm","sender":"","phone":"12065551212"}`, "check", testPhone, "--realm", "myrealm", "--json")
		d.want(0, "recorded", "add", testPhone, "--realm", "myrealm", "--sender", testSender, "--reason", "a letter", "--at", "2026-01-31T09:30:00Z")
		for _, line := range []string{
			"no: " + testSender + " of myrealm may not message " + testPhone + "\n",
			"opt-out   of 12065551212 from sender 120162701555 of realm myrealm\n",
			"said at   2026-01-31T09:30:00.000000Z\n", ", event 1\n", "source    cli\n", "reason    a letter\n",
		} {
			d.want(10, line, "check", "206-555-1212", "--realm", "myrealm", "--sender", testSender)
		}
		d.want(10, `"scope":"pair"`, "check", testPhone, "--realm", "myrealm", "--json")
		d.want(0, "yes: 99999 of myrealm", "check", testPhone, "--realm", "myrealm", "--sender", "99999")
		d.refuses("realm is missing", "check", testPhone)
		d.refuses("phone cannot be read", "check", "Ann", "--realm", "myrealm")
		d.refuses("sender '*' stands for all", "check", testPhone, "--realm", "myrealm", "--sender", "*")

		d.want(0, "recorded", "add", testPhone, "--realm", "*", "--sender", "*", "--yes")
		d.want(10, "from every sender of every realm\n", "check", testPhone, "--realm", "other")
	})
}
