package whatcounts

import "testing"

func TestIsYAML(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"phone: 12065551212\n":                               true,
		"# a=b\n- phone:\t12065551212":                       true,
		"a=b: 1\nphone: 12065551212":                         true,
		"? x\n'sender_code':\r\n  12345":                     true,
		"r=x&message_text=Call us\nphone: 555 0000":          false,
		"r=x&message_text=Note: see\nour site":               false,
		"r=x&c=find&next=http://a.example/?phone:1":          false,
		"r=x&phone=1&message_text=Phone: 555-0000, ask: Ann": false,
		"": false,
	} {
		if got := isYAML(body, true); got != want {
			t.Errorf("%q beside a command: %v, want %v", body, got, want)
		}
		if isYAML(body, false) {
			t.Errorf("%q: it holds no command", body)
		}
	}
	for body, want := range map[string]bool{
		"r: acme\nc: smssendmessagetophone\nphone: 12065551212":                                        true,
		"c: find\nphone: 12065551212":                                                                  false,
		"c=smssendmessagetophone&message_text=Your appointment is on Mon 3:30pm: come\nPhone: 206 555": false,
	} {
		if got := isYAML(body, false); got != want {
			t.Errorf("%q: %v, want %v", body, got, want)
		}
	}
}
