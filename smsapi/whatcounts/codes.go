package whatcounts

import "github.com/stopgate/stopgate/smsapi"

// RefusalCodes implements [smsapi.RefusalCoder].
func (a *API) RefusalCodes() []string {
	codes := smsapi.Codes(refusedCommand, refusedNested, refusedContainer, refusedWords, refusedPathArgument, refusedLongName, refusedTooMany, refusedReadings, refusedCharset, refusedForeign,
		refusedRealm, refusedControl, refusedStopMethod,
		failedNoCommand, failedNoRealm, failedNoPhone, failedNoSender, failedPhone, failedStopPhone, failedCountry, failedSender)
	for _, rule := range [][roles]*smsapi.Refusal{
		refusedRepeated, refusedSpelling, refusedSplit, refusedHidden, refusedEscape, refusedTwice, refusedBytes, refusedCookie, refusedHeader,
	} {
		codes = append(codes, smsapi.Codes(rule[command:]...)...)
	}
	return codes
}

// Interface guards
var _ smsapi.RefusalCoder = (*API)(nil)
