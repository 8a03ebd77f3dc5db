package listfile

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

// readAll reads a file: rows, and errors with their lines.
func readAll(text string, o Options) (rows []Row, faults []string, skipped int, unread []string, err error) {
	l, err := NewReader(strings.NewReader(text), o)
	if err != nil {
		return nil, nil, 0, nil, err
	}
	for {
		row, err := l.Next()
		if err == io.EOF {
			return rows, faults, skipped, l.Unread(), nil
		}
		if _, ok := errors.AsType[*RowError](err); ok {
			if errors.Is(err, ErrNotOptOut) {
				skipped++
			} else {
				faults = append(faults, err.Error())
			}
			continue
		}
		if err != nil {
			return rows, faults, skipped, nil, err
		}
		rows = append(rows, row)
	}
}

const header = "realm,sender,phone,at,source,reason\n"

// TestRead has files as people and programs write them.
func TestRead(t *testing.T) {
	t.Parallel()
	a := Row{Realm: "myrealm", Sender: "12345", Phone: "12065551212", Line: 2}
	full := Row{"myrealm", "12345", "12065551212", "2026-01-31T09:30:00.000001Z", "api_web", `said "stop", twice`, 2}
	at := func(r Row, line int) Row { r.Line = line; return r }
	for name, c := range map[string]struct {
		o    Options
		text string
		want []Row
	}{
		"all columns":             {Options{}, header + `myrealm,12345,12065551212,2026-01-31T09:30:00.000001Z,api_web,"said ""stop"", twice"` + "\n", []Row{full}},
		"another order":           {Options{}, "phone,realm,sender\n12065551212,myrealm,12345\n", []Row{a}},
		"capitals and blanks":     {Options{}, "Phone, Realm ,SENDER\n 12065551212 ,myrealm , 12345\n", []Row{a}},
		"columns of its own":      {Options{}, "name,phone,realm,sender\nAnn,12065551212,myrealm,12345\n", []Row{a}},
		"a byte order mark":       {Options{}, "\ufeffphone,realm,sender\r\n12065551212,myrealm,12345\r\n", []Row{a}},
		"semicolons":              {Options{}, "realm;sender;phone;reason\r\nmyrealm;12345;12065551212;a, b\r\n", []Row{{Realm: "myrealm", Sender: "12345", Phone: "12065551212", Reason: "a, b", Line: 2}}},
		"tabs":                    {Options{}, "realm\tsender\tphone\nmyrealm\t12345\t12065551212\n", []Row{a}},
		"quotes around all":       {Options{}, "\"realm\";\"sender\";\"phone\"\n\"myrealm\";\"12345\";\"12065551212\"\n", []Row{a}},
		"blank lines":             {Options{}, header + "\nmyrealm,12345,12065551212,,,\n\n", []Row{at(a, 3)}},
		"filled columns":          {Options{Realm: "myrealm", Sender: "12345", Source: "old"}, "phone\n12065551212\n", []Row{{Realm: "myrealm", Sender: "12345", Phone: "12065551212", Source: "old", Line: 2}}},
		"filled fields":           {Options{Realm: "other", Sender: "1"}, "phone,realm,sender\n12065551212,,\n", []Row{{Realm: "other", Sender: "1", Phone: "12065551212", Line: 2}}},
		"the file before a fill":  {Options{Realm: "other", Sender: "1"}, "phone,realm,sender\n12065551212,myrealm,12345\n", []Row{a}},
		"a header alone":          {Options{}, header, nil},
		"lines in a reason":       {Options{}, header + "myrealm,12345,12065551212,,,\"a\nb\"\nmyrealm,12345,12065551212,,,\n", []Row{{Realm: "myrealm", Sender: "12345", Phone: "12065551212", Reason: "a\nb", Line: 2}, at(a, 4)}},
		"no line end":             {Options{}, header + "myrealm,12345,12065551212,,,", []Row{a}},
		"NDJSON":                  {Options{Format: NDJSON}, `{"realm":"myrealm","sender":"12345","phone":"12065551212"}` + "\n", []Row{at(a, 1)}},
		"NDJSON, numbers":         {Options{Format: NDJSON}, `{"realm":"myrealm","sender":12345,"phone":12065551212,"at":null,"x":{"y":[1]}}` + "\r\n", []Row{at(a, 1)}},
		"NDJSON, no line end":     {Options{Format: NDJSON}, "\n" + `{"realm":"myrealm","sender":"12345","phone":"12065551212"}`, []Row{at(a, 2)}},
		"NDJSON, an array":        {Options{Format: NDJSON}, "[\n {\"realm\":\"myrealm\",\"sender\":\"12345\",\n\"phone\":\"12065551212\"}\n]\n", []Row{a}},
		"a phone a line":          {Options{Preset: "plain", Realm: "myrealm", Sender: "12345"}, "# old ones\n12065551212 # Ann\n", []Row{a}},
		"a phone a line, no end":  {Options{Preset: "plain", Realm: "myrealm", Sender: "12345"}, "\n12065551212 #", []Row{a}},
		"plain, with punctuation": {Options{Preset: "plain"}, "+1 (206) 555-1212\n", []Row{{Phone: "+1 (206) 555-1212", Line: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, faults, _, _, err := readAll(c.text, c.o)
			if !reflect.DeepEqual(rows, c.want) || faults != nil || err != nil {
				t.Errorf("%q: %+v, faults %q, %v; want %+v", c.text, rows, faults, err, c.want)
			}
		})
	}
}

// TestReadFaults has files that are wrong, as a whole or in a row. Rows in front of
// the fault are whole.
func TestReadFaults(t *testing.T) {
	t.Parallel()
	const good = "myrealm,12345,12065551212,,,\n"
	const object = `{"realm":"myrealm","sender":"12345","phone":"12065551212"}`
	for name, c := range map[string]struct {
		o     Options
		text  string
		rows  int
		fault string // of a row
		err   string // of the file
	}{
		"nothing":                      {Options{}, "", 0, "", "the file is empty"},
		"blanks":                       {Options{}, "\ufeff \r\n\n", 0, "", "the file is empty"},
		"gzip":                         {Options{}, "\x1f\x8b\x08\x00", 0, "", "compressed with gzip; unpack it"},
		"a spreadsheet":                {Options{}, "PK\x03\x04", 0, "", "save it as CSV"},
		"UTF-16":                       {Options{}, "\xff\xfer\x00e\x00", 0, "", "is UTF-16"},
		"a program":                    {Options{}, "\x7fELF\x00", 0, "", "not text"},
		"no such preset":               {Options{Preset: "x"}, good, 0, "", "use one of aws, infobip, plain, sendgrid-asm, twilio-log"},
		"no such format":               {Options{Format: "xml"}, good, 0, "", "use csv or ndjson"},
		"no header":                    {Options{}, good, 0, "", "line 1: the header lacks realm and sender and phone;"},
		"a mistyped column":            {Options{}, "realm,sender,fone\nmyrealm,1,2\n", 0, "", "line 1: the header lacks phone;"},
		"a column twice":               {Options{}, "realm,sender,phone,Phone\n", 0, "", "line 1: the header has the column phone twice"},
		"a header in another code":     {Options{}, "realm,sender,phone,gr\xfcnd\n", 0, "", "line 1: the header is not UTF-8"},
		"a history":                    {Options{}, "realm,sender,phone,kind\n", 0, "", "line 1: this is a history"},
		"a field too few":              {Options{}, header + good + "myrealm,1\n" + good, 2, "line 3: the row has another number of fields than the header's 6", ""},
		"a field too many":             {Options{}, header + "myrealm,1,2,,,,\n" + good, 1, "line 2: the row has another number", ""},
		"another code":                 {Options{}, header + "myrealm,1,2,,,gr\xfcn\n" + good, 1, "line 2: reason is not UTF-8", ""},
		"a zero byte":                  {Options{}, header + strings.Repeat(good, 99) + "my\x00realm,1,2,,,\n", 99, "line 101: realm holds a byte", ""},
		"a quote inside":               {Options{}, header + good + `my"realm,1,2,,,` + "\n", 1, "", "line 3: a quotation mark stands"},
		"cut off between fields":       {Options{}, header + good + "myrealm,12345", 1, "", "line 3: the file ends amid a row"},
		"cut off in quotes":            {Options{}, header + good + `myrealm,12345,12065551212,,,"rea`, 1, "", "line 3: the file ends amid a row"},
		"cut off in a phone":           {Options{}, "realm,sender,phone\nmyrealm,12345,1206555", 0, "line 2: the file ends here without a line end", ""},
		"a quote that is never closed": {Options{}, header + good + `myrealm,1,2,,,"x` + strings.Repeat("y\n", MaxRow), 1, "", "line 3: the row is longer than 65536 bytes"},
		"a line without end":           {Options{}, header + good + strings.Repeat("y", 2*MaxRow), 1, "", "line 3: the row is longer than 65536 bytes"},
		"a header without end":         {Options{}, strings.Repeat("y", 2*MaxRow), 0, "", "line 1: the row is longer"},
		"NDJSON that is CSV":           {Options{Format: NDJSON}, header + object + "\n", 1, "line 1: the row is not a JSON object", ""},
		"NDJSON cut off":               {Options{Format: NDJSON}, object + "\n" + object[:20], 1, "", "line 2: the file ends amid a row"},
		"two objects on a line":        {Options{Format: NDJSON}, object + object + "\n", 0, "line 1: there is more on the line", ""},
		"a member twice":               {Options{Format: NDJSON}, `{"phone":"1","Phone":"2"}` + "\n", 0, "line 1: the row has the member phone twice", ""},
		"NDJSON in another code":       {Options{Format: NDJSON}, "{\"realm\":\"\xfc\"}\n", 0, "line 1: the row is not UTF-8", ""},
		"a zero character":             {Options{Format: NDJSON}, `{"realm":"\u0000"}` + "\n", 0, "line 1: the row holds a character", ""},
		"NDJSON of a history":          {Options{Format: NDJSON}, `{"phone":"1","kind":"lifted"}` + "\n", 0, "line 1: this is a history", ""},
		"a long line of NDJSON":        {Options{Format: NDJSON}, object + "\n{" + strings.Repeat(" ", 2*MaxRow), 1, "", "line 2: the row is longer"},
		"an array cut off":             {Options{Format: NDJSON}, "[" + object + ",\n{", 1, "", "line 2: the file ends amid a row"},
		"an array of nonsense":         {Options{Format: NDJSON}, "[" + object + ",\n!", 1, "", "line 2: the document is not JSON"},
		"a long element":               {Options{Format: NDJSON}, "[" + object + ",{\"x\":\"" + strings.Repeat("y", 8*MaxRow) + "\"}]", 1, "", "line 1: the row is longer"},
		"plain, cut off":               {Options{Preset: "plain"}, "12065551212\n1206555", 1, "line 2: the file ends here without a line end", ""},
		"plain, in another code":       {Options{Preset: "plain"}, "\xfc\n12065551212\n", 1, "line 1: is not UTF-8", ""},
		"plain, a long line":           {Options{Preset: "plain"}, strings.Repeat("1", 2*MaxRow), 0, "", "line 1: the row is longer"},
		"a document without a list":    {Options{Preset: "aws"}, `{"x":1,"NextToken":"OptedOutNumbers","y":"` + `"OptedOutNumbers"` + `"}`, 0, "", "line 1: the document is not JSON"},
		"a list that is none":          {Options{Preset: "aws"}, `{"OptedOutNumbers":5}`, 0, "", "line 1: the list in the document is no list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, faults, _, _, err := readAll(c.text, c.o)
			if len(rows) != c.rows {
				t.Errorf("%d rows, want %d", len(rows), c.rows)
			}
			if got := strings.Join(faults, "|"); !strings.HasPrefix(got, c.fault) || (got == "") != (c.fault == "") {
				t.Errorf("faults of rows: %q, want %q", got, c.fault)
			}
			if got := fmt.Sprint(err); c.err == "" && err != nil || !strings.Contains(got, c.err) {
				t.Errorf("the file's error: %v, want %q", err, c.err)
			}
		})
	}
}

// TestUnread wants the columns that are not read to be told.
func TestUnread(t *testing.T) {
	t.Parallel()
	_, _, _, unread, err := readAll("realm,sender,phone,resaon,Name\n", Options{})
	if want := []string{"resaon", "Name"}; !reflect.DeepEqual(unread, want) || err != nil {
		t.Errorf("%q, %v; want %q", unread, err, want)
	}
	_, _, _, unread, err = readAll(`{"phone":"1","resaon":1}`+"\n"+`{"resaon":2}`+"\n", Options{Format: NDJSON})
	if want := []string{"resaon"}; !reflect.DeepEqual(unread, want) || err != nil {
		t.Errorf("%q, %v; want %q", unread, err, want)
	}
}
