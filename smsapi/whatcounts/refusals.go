package whatcounts

import (
	"net/http"

	"github.com/stopgate/stopgate/smsapi"
)

// The refusals. Ambiguity is the request's fault and a 400, or a 405 or 415 where HTTP has a
// word of its own for it; an argument that is
// missing or says nothing is the command's own failure and, like the provider's,
// a 200. No reason holds a colon: clients split the answer at it.

// The ways in which one argument can be read as two things, for each argument of which that
// can be said.
var (
	allRoles    = []role{command, realm, password, recipient, sender}
	strictRoles = []role{realm, recipient, sender} // whose values are read strictly

	refusedRepeated = ambiguous("repeated", " has two different values, so send it once", allRoles...)
	refusedSpelling = ambiguous("spelling", " is written in a way that only some servers take for this name, so write it exactly like that, without brackets, blanks or capitals", allRoles...)
	refusedSplit    = ambiguous("semicolon", " stands beside a raw semicolon, which some servers take for a separator, so write %3B inside a value and & between arguments", allRoles...)
	refusedHidden   = ambiguous("fragment", " stands beside a raw #, where some servers end the query, so write %23 inside a value", allRoles...)
	refusedEscape   = ambiguous("escape", " holds a % that no two hexadecimal digits follow, or half a character in escapes, so percent-encode the value once, with a library", strictRoles...)
	refusedTwice    = ambiguous("encoded_twice", " is percent-encoded twice, so encode it once", strictRoles...)
	refusedBytes    = ambiguous("delimiter", " holds characters that some servers take for the end of the value, so send the bare value", strictRoles...)
	refusedCookie   = ambiguous("cookie", " comes with a cookie of the same name, which some servers read in its place, so send none", command, realm, recipient, sender)
	refusedHeader   = ambiguous("header", " comes with a header of the same name, which some servers read in its place, so leave the header out", command, realm, recipient, sender)
)

func ambiguous(rule, what string, of ...role) (refusals [roles]*smsapi.Refusal) {
	for _, r := range of {
		refusals[r] = &smsapi.Refusal{
			Status: http.StatusBadRequest,
			Code:   rule + "_" + roleCodes[r],
			Reason: "The argument " + roleNames[r] + what,
		}
	}
	return refusals
}

var (
	refusedCommand = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "command_unclear",
		Reason: "The command is written in a way that only some servers take for an SMS command, so write it exactly as documented",
	}
	refusedNested = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "nested_arguments",
		Reason: "A value holds percent-encoded arguments of an SMS command, so separate arguments with a plain &",
	}
	refusedContainer = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "arguments_in_one",
		Reason: "The arguments args, argumentCollection, __superform_json, @jsonPayload and _content are read as a list of arguments by some servers, so send each by its own name",
	}
	refusedWords = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "arguments_as_words",
		Reason: "The arguments can be read as the words of a command line, so send name=value pairs with a plain & between them, by GET or POST",
	}
	refusedPathArgument = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "path_argument",
		Reason: "The path holds arguments, so send them in the query or the body",
	}
	refusedLongName = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "name_too_long",
		Reason: "An argument has a name of more than 256 bytes, or the names are so many or so written that they take too long to check, so percent-encode the &, ; and = of values once",
	}
	refusedTooMany = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "too_many_arguments",
		Reason: "The request has more than 1000 arguments, of which many servers read only the first 1000",
	}
	refusedReadings = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "too_many_readings",
		Reason: "The phones and senders of the request can be read in more ways than can be checked, so send to fewer at once",
	}
	refusedCharset = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "charset_argument",
		Reason: "The argument _charset_ names another encoding than UTF-8, so send UTF-8 and leave it out",
	}
	refusedForeign = &smsapi.Refusal{
		Status: http.StatusUnsupportedMediaType,
		Code:   "body_type",
		Reason: "The Content-Type names another encoding than UTF-8, so send UTF-8, or nothing but ASCII in the arguments that matter",
	}
	refusedRealm = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "realm_unreadable",
		Reason: "The realm holds characters that no account name has, or is longer than 128 bytes",
	}
	refusedControl = &smsapi.Refusal{
		Status: http.StatusBadRequest,
		Code:   "control_argument",
		Reason: "The name of an argument or the command holds a control character, so send UTF-8 without any",
	}
	refusedStopMethod = &smsapi.Refusal{
		Status: http.StatusMethodNotAllowed,
		Code:   "stop_method",
		Reason: "A stop is sent by GET or POST",
		Allow:  "GET, POST",
	}
)

// The commands' own failures.
var (
	failedNoCommand = failure("command_missing", "The request names no command, so add the argument c or cmd")
	failedNoRealm   = failure("realm_missing", "The request names no realm, so add the argument r or realm")
	failedNoPhone   = failure("phone_missing", "The request names no phone, so add the argument phone")
	failedNoSender  = failure("sender_missing", "The request names no sender, so add the argument sender_code")
	failedPhone     = failure("phone_unreadable", "The phone is not a number that can be messaged, so write its digits with the country code, such as 12065551212")
	failedStopPhone = failure("phone_not_digits", "The phone must be digits only and a possible number, such as 12065551212")
	failedCountry   = failure("phone_of_country", "The argument country names another country than this gateway takes for granted, so write the phone of a stop with its country code")
	failedSender    = failure("sender_unreadable", "The sender code is neither a number nor a name of letters and digits")
)

func failure(code, reason string) *smsapi.Refusal {
	return &smsapi.Refusal{Status: http.StatusOK, Code: code, Reason: reason}
}
