package whatcounts

import (
	"strings"

	"github.com/stopgate/stopgate/smsapi"
)

// Some readers take all arguments from the value of one: LoopBack 2 from args, Lucee from
// argumentCollection, both as JSON, and Django REST framework up to 3.2 a whole body from
// _content, if _content_type names its kind.

// noteContainer notes a pair that holds arguments for one of them, where it looks like it.
func (args *arguments) noteContainer(value string) {
	args.container = args.container || smsapi.LooksStructured(value) && (strings.IndexByte(value, ':') >= 0 || strings.Contains(value, "%3"))
}

// namesContent reports whether a name is that of Django REST framework's.
func namesContent(name string) bool {
	if len(name) > len("_content_type")*len("%00") || len(name) < len("_content_type") || name[0] != '_' && name[0] != '%' {
		return false
	}
	var buf [len("_content_type") * len("%00")]byte
	decoded, _ := smsapi.AppendUnescaped(buf[:0], name, ' ')
	return strings.EqualFold(string(decoded), "_content_type")
}
