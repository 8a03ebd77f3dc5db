package caddymodule

import (
	"strings"
	"testing"
	"time"
)

func TestListCommand(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, d withDoor) {
		d.want(0, "", "list")
		d.want(0, "", "add", testPhone, "--realm", "myrealm", "--sender", testSender)
		d.want(0, "", "add", otherPhone, "--realm", "other", "--sender", "12345")
		d.want(0, "", "add", otherPhone, "--realm", "myrealm", "--sender", "*", "--yes")
		d.want(0, "", "lift", testPhone, "--realm", "myrealm", "--sender", testSender, "--reason", "x")
		d.want(0, "12065551212", "history", testPhone, "--json")
		for _, c := range []struct {
			lines int
			args  []string
		}{
			{2, nil},
			{1, []string{"--realm", "myrealm"}},
			{1, []string{"--sender", "*"}},
			{0, []string{"--realm", "myrealm", "--sender", "12345"}},
			{2, []string{"--since", "2020-01-01"}},
			{0, []string{"--since", time.Now().Add(time.Hour).Format(time.RFC3339)}},
		} {
			for _, args := range [][]string{c.args, append(c.args[:len(c.args):len(c.args)], "--json")} {
				if out := d.want(0, "", append([]string{"list"}, args...)...); strings.Count(out, "\n") != c.lines {
					t.Errorf("%q: want %d lines:\n%s", args, c.lines, out)
				}
			}
		}
		d.want(0, "13105550000      other  12345  ", "list")
		d.want(0, `{"realm":"other","sender":"12345","phone":"13105550000","at":"`, "list", "--json", "--realm", "other")
		d.refuses("since is not a time", "list", "--since", "yesterday")
		d.refuses("unknown command", "list", "x")
	})
}
