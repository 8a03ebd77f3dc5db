package caddymodule

import (
	"strings"
	"testing"
)

func TestHistoryCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		d.want(0, "nothing is recorded\n", "history", testPhone)
		d.want(0, "", "add", testPhone, "--realm", "myrealm", "--sender", testSender, "--at", "2026-01-31", "--reason", "a letter")
		d.want(0, "", "add", testPhone, "--realm", "other", "--sender", "12345")
		d.want(0, "", "add", testPhone, "--realm", "*", "--sender", "*", "--yes")
		d.want(0, "", "lift", testPhone, "--realm", "myrealm", "--sender", testSender, "--reason", "asked for it")
		d.want(0, "", "add", otherPhone, "--realm", "myrealm", "--sender", testSender)

		text := d.want(0, "event 1: opted_out, sender 120162701555 of realm myrealm\n  said at   2026-01-31T00:00:00.000000Z\n  recorded  20", "history", testPhone)
		if i, j := strings.Index(text, "event 1:"), strings.Index(text, "event 4: lifted"); i < 0 || j < i {
			t.Errorf("not oldest first:\n%s", text)
		}
		for _, c := range []struct {
			lines int
			args  []string
		}{
			{4, nil},
			{3, []string{"--realm", "myrealm"}},
			{3, []string{"--sender", testSender}},
			{2, []string{"--realm", "other", "--sender", "12345"}},
			{1, []string{"--realm", "third"}},
		} {
			if out := d.want(0, "", append([]string{"history", "2065551212", "--json"}, c.args...)...); strings.Count(out, "\n") != c.lines {
				t.Errorf("%q: %d lines, want %d:\n%s", c.args, strings.Count(out, "\n"), c.lines, out)
			}
		}
		d.refuses("phone has a length", "history", "1206")
	})
}
