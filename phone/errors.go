package phone

import "errors"

// The errors of this package. Their texts are for a sender's developer and
// complete a sentence that begins with the name of the field ("phone is empty").
// They hold nothing of what was given, and no colon.
var (
	// ErrEmpty means nothing but blanks.
	ErrEmpty = errors.New("is empty")
	// ErrNotPhone is ParseNumber's only error.
	ErrNotPhone = errors.New("is not a phone number")
	// ErrNotDigits is a stop's phone with anything but ASCII digits.
	ErrNotDigits = errors.New("must be digits only, without plus, spaces or punctuation")
	// ErrTooLong is a number of more than MaxDigits digits; a sender of more than MaxSender
	// bytes, a field of more than MaxField or a written phone of more than maxWritten; a list
	// of more than MaxList numbers, or maxAbroad for all countries; and a field that asks for
	// more readings than maxEffort or maxNestedEffort.
	ErrTooLong = errors.New("is too long")
	// ErrImpossible is a number of digits that no phone of its country has.
	ErrImpossible = errors.New("has a length that is not possible for a phone number of its country")
	// ErrUnreadable is a send's field that two readers could take differently.
	ErrUnreadable = errors.New("cannot be read without doubt, write digits only")
	// ErrNotSender is a stop's sender that no message can come from.
	ErrNotSender = errors.New("is neither a number nor an alphanumeric sender")
	// ErrRegion is a default region that no calling code belongs to.
	ErrRegion = errors.New("is not a two-letter region code with phone numbers of its own, such as US or GB")
)
