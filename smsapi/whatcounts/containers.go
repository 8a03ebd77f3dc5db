package whatcounts

import (
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// Some readers take all arguments from the value of one: LoopBack 2 from args, Lucee from
// argumentCollection, sveltekit-superforms from __superform_json, PocketBase from @jsonPayload, all as JSON, Django REST
// framework up to 3.2 a whole body from _content, if _content_type names its kind, and
// ASP.NET the entries of a dictionary from [0].Key=phone and [0].Value=1. Which names others
// use nobody knows, so that JSON with a send command in it counts under any but the text's.

// noteContainer notes a pair that holds arguments for one of them, where it looks like it.
func (args *arguments) noteContainer(value string) {
	args.container = args.container || smsapi.LooksStructured(value) && (strings.IndexByte(value, ':') >= 0 || strings.Contains(value, "%3") || strings.Contains(value, "%253"))
}

// holdsSend reports whether a value is JSON, or begins like it, that holds a send command.
func holdsSend(value string) bool {
	if value == "" || strings.IndexByte(`{["%+`, value[0]) < 0 || len(value) < len(sendPrefix) {
		return false
	}
	if !smsapi.LooksStructured(value) {
		return false
	}
	decoded, _ := smsapi.AppendUnescaped(nil, value, ' ')
	text := strings.ToLower(string(decoded))
	return strings.Contains(text, sendPrefix) || escapesLetters(text)
}

// escapesLetters reports whether JSON holds letters of ASCII as escapes, "\u0073mssend…", which
// no encoder writes.
func escapesLetters(json string) bool {
	for {
		_, behind, ok := strings.Cut(json, `\u00`)
		if !ok || behind == "" {
			return false
		}
		if behind[0] >= '4' && behind[0] <= '7' {
			return true
		}
		json = behind
	}
}

// sendPrefix is how the commands begin that text somebody.
const sendPrefix = "smssendmessageto"

// namesContent reports whether a name is that of Django REST framework's.
func namesContent(name string) bool {
	if len(name) > len("_content_type")*len("%00") || len(name) < len("_content_type") || name[0] != '_' && name[0] != '%' {
		return false
	}
	var buf [len("_content_type") * len("%00")]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], name, ' ')
	return strings.EqualFold(string(decoded), "_content_type")
}

// isEntry reports whether a pair is the key of an entry of ASP.NET's dictionaries, and that
// is an argument that matters.
func isEntry(p *smsapi.Pair) bool {
	if len(p.Name) > maxOddName {
		return false
	}
	var buf [maxOddName]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], p.Name, ' ')
	n := len(decoded) - len("].key")
	return n >= 0 && strings.EqualFold(string(decoded[n:]), "].key") && (len(p.Value) > maxOddName || foldedRole(p.Value) != noRole)
}
