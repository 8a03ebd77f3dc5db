package whatcounts

import "github.com/stopgate/stopgate/smsapi"

// Some readers take all arguments from the value of one: LoopBack 2 from args, Lucee from
// argumentCollection, both as JSON, and Django REST framework up to 3.2 a whole body from
// _content, whose kind _content_type names.

// noteContainer notes a pair that holds arguments for one of them, where it looks like it.
func (args *arguments) noteContainer(value string) {
	args.container = args.container || smsapi.LooksStructured(value)
}
