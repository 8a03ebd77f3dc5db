package whatcounts

import (
	"bytes"

	"github.com/stopgate/stopgate/smsapi"
)

// The SMS commands, from the provider's help pages.
const (
	commandStop          = "smsstopsubscribersend"
	commandSend          = "smssendmessagetophone"
	commandFanOut        = "smssendmessagetosendercode"
	commandAddPhone      = "addphonetosendercode"
	commandAddSubscriber = "addsubscribertosendercode"
)

// smsCommand is what an SMS command wants, and false for any other command.
func smsCommand(name string) (smsapi.Kind, bool) {
	switch name {
	case commandSend:
		return smsapi.Send, true
	case commandStop:
		return smsapi.Stop, true
	case commandFanOut:
		return smsapi.FanOut, true
	case commandAddPhone, commandAddSubscriber:
		return smsapi.Subscribe, true
	}
	return smsapi.Other, false
}

// smsCommands are all of them.
var smsCommands = []string{commandSend, commandStop, commandFanOut, commandAddPhone, commandAddSubscriber}

// foldsToSMSCommand reports whether some reader could see an SMS command in a
// value, as written: trimmed, in another case or width, in a list, quoted.
func foldsToSMSCommand(raw string) bool {
	return smsapi.ValueFolds(raw, smsCommands) >= 0
}

// resembles is what an unknown command would be to a backend that looks at its
// beginning, or leaves out what stands between its letters: a fan-out, or a send even
// without a sender. It is Other for the rest.
func resembles(raw string) smsapi.Kind {
	var buf [64]byte
	skeleton := smsapi.ValueSkeleton(buf[:0], raw)
	switch {
	case smsapi.Spells(raw, commandFanOut):
		return smsapi.FanOut
	case bytes.Contains(skeleton, []byte("sms")) && bytes.Contains(skeleton, []byte("send")) &&
		!bytes.HasPrefix(skeleton, []byte(commandStop)), smsapi.Spells(raw, commandSend):
		return smsapi.Send
	}
	return smsapi.Other
}

// isHarmless reports whether a command, in lower case, is known to text nobody.
// Such a command is forwarded whatever arguments it carries; any other that
// carries a phone and a sender counts as a send.
//
// The names are those that the provider documents for lists, contacts, content
// and reports, as public client libraries use them. Commands that deliver
// something (send, subandsend, launch, schedule_deployment) are left out.
func isHarmless(name string) bool {
	switch name {
	case "sub", "unsub", "delete", "update", "find", "findinlist", "detail", // contacts
		"show_lists", "getlistbyid", "getlistbyname", "createlist", "excreatelist", "updatelist", // lists
		"createsmsmessage", "createarticle", "updatearticle", "deletearticle", // content
		"customfieldcreate", "customfielddelete", "getrealmsettings", // settings
		"show_campaigns", "show_campaign_stats", "show_campaign_stats_multi",
		"rpt_campaign_list", "rpt_abstats", "show_abdefinitions", "getabdefinitionbyid": // reports
		return true
	}
	return false
}
