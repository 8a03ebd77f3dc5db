// Package whatcounts is WhatCounts' HTTP API, api_web, as [smsapi] sees it: its
// names and commands, what counts as ambiguous in a request, and its answers.
//
// The reading is strict about five arguments (command, realm, password, phone and
// sender) and lax about everything else. docs/reading.md lists what server
// families make of odd requests and what is done about each.
package whatcounts
