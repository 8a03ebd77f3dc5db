// Package smsapi reads a provider's HTTP request into a [Call] and answers in
// the provider's own shape. It knows HTTP, phones and senders; it knows nothing
// of the opt-out list and nothing of Caddy.
//
// An [API] is one provider's wire format. Package whatcounts below this one is
// the first; another is added by writing another implementation.
package smsapi
