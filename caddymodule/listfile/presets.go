package listfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// preset is how another system writes its exports.
type preset struct {
	// columns are the names that are read, folded, and what they are called here.
	columns map[string]string
	// needs are the columns without which a CSV is another file.
	needs []string
	// lists are the members of a JSON document that hold the rows; not nil where the
	// system answers in JSON.
	lists []string
	plain bool
	// row makes a row of the columns' values.
	row func(*fields, *Row) error
}

// presets are the systems whose exports are read, by name; the empty one is our
// own files. docs/list.md says where each system documents its names.
var presets = map[string]*preset{
	"": {
		columns: map[string]string{
			"realm": "realm", "sender": "sender", "phone": "phone", "at": "at", "source": "source", "reason": "reason", "kind": "kind",
		},
		needs: []string{"realm", "sender", "phone"},
		row:   ownRow,
	},
	"plain": {plain: true, row: ownRow},
	"twilio-log": {
		columns: map[string]string{
			"from": "from", "to": "to", "body": "body", "direction": "direction", "errorcode": "error",
			"sentdate": "at", "datesent": "at",
		},
		needs: []string{"from", "to"},
		lists: []string{"messages"},
		row:   twilioRow,
	},
	"aws": {
		columns: map[string]string{"optedoutnumber": "phone", "optedouttimestamp": "at", "enduseroptedout": "user"},
		needs:   []string{"phone"},
		lists:   []string{"OptedOutNumbers", "phoneNumbers"},
		row:     awsRow,
	},
	"sendgrid-asm": {
		columns: map[string]string{"phonenumber": "phone", "phone": "phone", "createdat": "at", "created": "at", "groupname": "group", "email": "email"},
		needs:   []string{"phone"},
		lists:   []string{},
		row:     sendgridRow,
	},
	"infobip": {
		columns: map[string]string{
			"destination": "phone", "sender": "sender", "createddate": "at", "channel": "channel", "sourcetype": "type",
		},
		needs: []string{"phone"},
		lists: []string{"results"},
		row:   infobipRow,
	},
}

// PresetNames are the names of the presets.
func PresetNames() []string {
	names := slices.Sorted(maps.Keys(presets))
	return names[1:] // without the empty one
}

// column returns what a column of a file is called here.
func (p *preset) column(name string) (string, bool) {
	fold := strings.NewReplacer("_", "", " ", "", "-", "").Replace(strings.ToLower(strings.TrimSpace(name)))
	known, ok := p.columns[fold]
	return known, ok
}

// document reports whether a file that begins with { is one JSON document.
func (p *preset) document(br *bufio.Reader) bool {
	head, _ := br.Peek(br.Size()) // what there is
	return slices.ContainsFunc(p.lists, func(name string) bool { return bytes.Contains(head, []byte(`"`+name+`"`)) })
}

// demand reports whether a header has what is needed.
func (p *preset) demand(names []string, o Options) error {
	if slices.Contains(names, "kind") {
		return errHistory
	}
	var lacking []string
	for _, name := range p.needs {
		filled := name == "realm" && o.Realm != "" || name == "sender" && o.Sender != ""
		if !slices.Contains(names, name) && !filled {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	text := fmt.Sprintf("the header lacks %s", strings.Join(lacking, " and "))
	if o.Preset == "" {
		text += "; the columns are realm, sender, phone and perhaps at, source, reason, and --realm and --sender fill in theirs"
	}
	return errors.New(text)
}

var errHistory = errors.New("this is a history, with opt-outs that were lifted; import takes opt-outs in force: export them without --history")

func ownRow(f *fields, r *Row) error {
	if f.exact("kind") != "" {
		return errHistory
	}
	r.Realm, r.Sender, r.Phone, r.At = f.get("realm"), f.get("sender"), f.get("phone"), f.get("at")
	r.Source, r.Reason = f.get("source"), f.exact("reason")
	return nil
}

// The words of Twilio's default opt-out and opt-in replies. Twilio counts a reply
// that is nothing but such a word.
var (
	stopWords  = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"}
	startWords = []string{"START", "YES", "UNSTOP"}
)

// twilioUnsubscribed is the error of a message to somebody who replied STOP.
const twilioUnsubscribed = "21610"

// twilioRow reads a message: a STOP that came in, or one that Twilio refused to
// send because of one.
func twilioRow(f *fields, r *Row) error {
	r.At = moment(f.get("at"))
	if f.get("error") == twilioUnsubscribed {
		r.Phone, r.Sender, r.Reason = f.get("to"), f.get("from"), "Twilio error "+twilioUnsubscribed
		return nil
	}
	word := strings.ToUpper(strings.Trim(f.get("body"), " .!\"'\t\r\n"))
	if !strings.HasPrefix(strings.ToLower(f.get("direction")), "in") {
		return ErrNotOptOut
	}
	r.Phone, r.Sender, r.Reason = f.get("from"), f.get("to"), word
	switch {
	case slices.Contains(stopWords, word):
		return nil
	case slices.Contains(startWords, word):
		return errors.New("the person asked to be messaged again; if that came after the opt-out, lift it")
	}
	return ErrNotOptOut
}

func awsRow(f *fields, r *Row) error {
	r.Phone, r.At = f.get("phone"), moment(f.get("at"))
	if strings.EqualFold(f.get("user"), "true") {
		r.Reason = "opted out by the end user"
	}
	return nil
}

func sendgridRow(f *fields, r *Row) error {
	r.Phone, r.At, r.Reason = f.get("phone"), moment(f.get("at")), f.get("group")
	if r.Phone == "" {
		return errors.New("the row has no phone; SendGrid knows people by e-mail address, so their phones have to be joined in as the column phone_number")
	}
	return nil
}

func infobipRow(f *fields, r *Row) error {
	switch strings.ToUpper(f.get("channel")) {
	case "", "SMS", "MMS":
	default:
		return ErrNotOptOut
	}
	r.Phone, r.Sender, r.At, r.Reason = f.get("phone"), f.get("sender"), moment(f.get("at")), f.get("type")
	return nil
}

// moments are the forms of times in other systems' exports that are not RFC 3339.
var moments = []string{time.RFC1123Z, "2006-01-02T15:04:05.999999999-0700"}

// moment writes a time of another system as RFC 3339, if it is one: seconds since
// 1970, as AWS and SendGrid have them, or one of moments. Else it is left as it is.
func moment(s string) string {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil && seconds > 1e8 && seconds < 1e11 {
		return time.UnixMicro(int64(seconds * 1e6)).UTC().Format(time.RFC3339Nano)
	}
	for _, form := range moments {
		if t, err := time.Parse(form, s); err == nil {
			return t.Format(time.RFC3339Nano)
		}
	}
	return s
}
