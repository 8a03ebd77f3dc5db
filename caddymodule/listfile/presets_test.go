package listfile

import (
	"reflect"
	"strings"
	"testing"
)

// TestPresets has excerpts of other systems' exports.
func TestPresets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o       Options
		text    string
		want    []Row
		skipped int
		fault   string
	}{
		"Twilio's message log": {
			Options{Preset: "twilio-log"},
			"From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction,Price,PriceUnit\n" +
				"+12065551212,+12016270155,Stop.,received,2026-01-31T09:30:00.000Z,2010-04-01,1,,AC1,SM1,inbound,,USD\n" +
				"+12016270155,+12065551213,Hello,failed,\"Sat, 31 Jan 2026 09:31:00 +0000\",2010-04-01,1,21610,AC1,SM2,outbound-api,,USD\n" +
				"+12016270155,+12065551214,stop,delivered,2026-01-31T09:32:00Z,2010-04-01,1,0,AC1,SM3,outbound-api,,USD\n" +
				"+12065551215,+12016270155,\"Thank you,\nbye\",received,2026-01-31T09:33:00Z,2010-04-01,1,,AC1,SM4,inbound,,USD\n" +
				"+12065551212,+12016270155,START,received,2026-01-31T09:34:00Z,2010-04-01,1,,AC1,SM5,inbound,,USD\n",
			[]Row{
				{Sender: "+12016270155", Phone: "+12065551212", At: "2026-01-31T09:30:00.000Z", Reason: "STOP", Line: 2},
				{Sender: "+12016270155", Phone: "+12065551213", At: "2026-01-31T09:31:00Z", Reason: "Twilio error 21610", Line: 3},
			}, 2, "line 7: the person asked to be messaged again",
		},
		"Twilio's bulk export": {
			Options{Preset: "twilio-log", Format: NDJSON},
			`{"from":"+12065551212","to":"+12016270155","body":"STOP","direction":"inbound","date_sent":"2026-01-31T09:30:00Z","error_code":null}` + "\n",
			[]Row{{Sender: "+12016270155", Phone: "+12065551212", At: "2026-01-31T09:30:00Z", Reason: "STOP", Line: 1}}, 0, "",
		},
		"what AWS's command prints": {
			Options{Preset: "aws", Sender: "12345"},
			"{\n  \"OptOutListArn\": \"arn\", \"Other\": [1],\n  \"OptedOutNumbers\": [\n    {\n      \"OptedOutNumber\": \"+12065551212\",\n      \"OptedOutTimestamp\": \"2026-01-31T09:30:00.123000+00:00\",\n      \"EndUserOptedOut\": true\n    },\n" +
				"    {\"OptedOutNumber\": \"+12065551213\", \"OptedOutTimestamp\": 1769851800.5, \"EndUserOptedOut\": false}\n  ]\n}\n",
			[]Row{
				{Sender: "12345", Phone: "+12065551212", At: "2026-01-31T09:30:00.123000+00:00", Reason: "opted out by the end user", Line: 4},
				{Sender: "12345", Phone: "+12065551213", At: "2026-01-31T09:30:00.5Z", Line: 9},
			}, 0, "",
		},
		"AWS as CSV": {
			Options{Preset: "aws"}, "OptedOutNumber,OptedOutTimestamp,EndUserOptedOut\n+12065551212,1769851800,True\n",
			[]Row{{Phone: "+12065551212", At: "2026-01-31T09:30:00Z", Reason: "opted out by the end user", Line: 2}}, 0, "",
		},
		"AWS line by line": {
			Options{Preset: "aws"}, `{"OptedOutNumber":"+12065551212"}` + "\n", []Row{{Phone: "+12065551212", Line: 1}}, 0, "",
		},
		"what SNS lists": {
			Options{Preset: "aws"}, `{"phoneNumbers":["+12065551212"],"nextToken":"x"}`, []Row{{Phone: "+12065551212", Line: 1}}, 0, "",
		},
		"SendGrid's suppressions": {
			Options{Preset: "sendgrid-asm"},
			`[{"email":"a@example.com","group_id":1,"group_name":"Weekly","created_at":1769851800,"phone_number":"+12065551212"},` + "\n" + `{"email":"b@example.com","group_id":1,"group_name":"Weekly","created_at":1769851800}]`,
			[]Row{{Phone: "+12065551212", At: "2026-01-31T09:30:00Z", Reason: "Weekly", Line: 1}}, 0, "line 2: the row has no phone; SendGrid knows people by e-mail",
		},
		"Infobip's blocklist": {
			Options{Preset: "infobip"},
			`{"paging":{"page":0,"size":100},"results":[` + "\n" +
				`{"accountKey":"A","createdDate":"2026-01-31T09:30:00.000+0000","destination":"12065551212","sourceType":"MO","sender":"Shop","channel":"SMS"},` + "\n" +
				`{"createdDate":"2026-01-31T09:30:00.000+0000","destination":"12065551213","sourceType":"URL_OPT_OUT","sender":"Shop","channel":"VIBER"}]}`,
			[]Row{{Sender: "Shop", Phone: "12065551212", At: "2026-01-31T09:30:00Z", Reason: "MO", Line: 2}}, 1, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, faults, skipped, _, err := readAll(c.text, c.o)
			if !reflect.DeepEqual(rows, c.want) || skipped != c.skipped || err != nil {
				t.Errorf("%+v, %d skipped, %v; want %+v, %d", rows, skipped, err, c.want, c.skipped)
			}
			if got := strings.Join(faults, "|"); !strings.HasPrefix(got, c.fault) || (got == "") != (c.fault == "") {
				t.Errorf("faults of rows: %q, want %q", got, c.fault)
			}
		})
	}
}
