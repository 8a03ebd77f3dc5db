package smsapi

// RefusalCoder is an API that can name in advance the codes of the refusals that it
// makes, besides those of this package. Metrics then have them from the beginning:
// a counter that only appears with its first refusal does not increase by it, and
// who asks Prometheus for the increase is told that there was none.
type RefusalCoder interface {
	API
	RefusalCodes() []string
}

// RefusalCodes are the codes of the refusals that this package makes for any API.
func RefusalCodes() []string {
	return Codes(refusedTunnel, refusedUpgrade, refusedTarget, refusedMove, refusedEarly, refusedHost, refusedGuardedUpgrade, refusedConnection,
		refusedLongTarget, refusedLongCookies, refusedLength,
		tooLarge, brokenBody, refusedCharsetHeader, refusedQueryBytes, refusedType, refusedCoding, refusedTrailer, RefusedLook)
}

// Codes are the codes of refusals.
func Codes(refusals ...*Refusal) []string {
	codes := make([]string, 0, len(refusals))
	for _, r := range refusals {
		if r != nil {
			codes = append(codes, r.Code)
		}
	}
	return codes
}
