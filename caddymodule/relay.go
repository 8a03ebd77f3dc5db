package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/stopgate/stopgate/smsapi"
)

// Relay tells the backend of the opt-outs that the list has recorded, so that
// `fan_out safe` can let a send to all subscribers of a sender through. It tells in
// the background, each opt-out at least once, and in order for each pair.
type Relay struct {
	// The URL at which the backend takes stops, such as
	// http://localhost:9090/bin/api_web. Not the gateway's own. Placeholders are
	// allowed.
	URL string `json:"url"`

	// The realms whose opt-outs are told, each with the password that the backend
	// has for it.
	Realms []RelayRealm `json:"realm,omitempty"`

	// Texts: a FAILURE of the backend whose reason contains one of them, in whatever
	// letter case, counts as told. For backends that fail a stop of a phone that
	// they do not know.
	ToldIf []string `json:"told_if,omitempty"`

	// How many opt-outs are told at a time. Default: 8.
	Concurrency int `json:"concurrency,omitempty"`

	// How many opt-outs are told in a second. Default: 100.
	Rate float64 `json:"rate,omitempty"`

	// How long one may take, from the dialling to the end of the backend's answer.
	// Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// The API in which the backend is told. Default: whatcounts.
	APIRaw json.RawMessage `json:"api,omitempty" caddy:"namespace=sms_optout.apis inline_key=api"`

	api      smsapi.Relayer
	endpoint *url.URL
	realms   []string // canonical, as Realms
	accounts []string // as they were written
}

// RelayRealm is a realm at the backend.
type RelayRealm struct {
	// The account's name. It is compared without letter case and outer white space;
	// the backend gets it as it is written here.
	Name string `json:"name"`

	// The password that the backend has for it. Use a placeholder, {env.*} or
	// {file.*}: a password that stands in the configuration itself is shown by
	// Caddy's admin API and kept in its autosave.
	Password string `json:"password"`
}

const (
	defaultRelayConcurrency = 8
	maxRelayConcurrency     = 256
	defaultRelayRate        = 100
	maxRelayRate            = 100_000
	defaultRelayTimeout     = 10 * time.Second
	maxRelayTimeout         = 5 * time.Minute
)

// provision fills the defaults and checks everything that can be checked without
// the backend.
func (r *Relay) provision(ctx caddy.Context, a *App, repl *caddy.Replacer) error {
	if r.Concurrency == 0 {
		r.Concurrency = defaultRelayConcurrency
	}
	if r.Concurrency < 0 || r.Concurrency > maxRelayConcurrency {
		return fmt.Errorf("concurrency: %d is not allowed; use 1 to %d", r.Concurrency, maxRelayConcurrency)
	}
	if r.Rate == 0 {
		r.Rate = defaultRelayRate
	}
	if !(r.Rate > 0 && r.Rate <= maxRelayRate) {
		return fmt.Errorf("rate: %g is not allowed; use more than 0 and at most %d in a second", r.Rate, maxRelayRate)
	}
	if r.Timeout == 0 {
		r.Timeout = caddy.Duration(defaultRelayTimeout)
	}
	if r.Timeout < 0 || time.Duration(r.Timeout) > maxRelayTimeout {
		return fmt.Errorf("timeout: %s is not allowed; use at most %s", time.Duration(r.Timeout), maxRelayTimeout)
	}
	for _, text := range r.ToldIf {
		if strings.TrimSpace(text) == "" {
			return errors.New("told_if: the text is empty, so that every failure would count as told; use a part of the backend's reason")
		}
	}
	if err := r.provisionURL(repl); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if err := r.provisionAPI(ctx, a); err != nil {
		return fmt.Errorf("api: %w", err)
	}
	return r.provisionRealms(a, repl)
}

// provisionURL finds out where the backend is. Its errors do not show the URL: what
// is wrong with it may be a password.
func (r *Relay) provisionURL(repl *caddy.Replacer) error {
	text, err := repl.ReplaceOrErr(r.URL, true, true)
	if err != nil {
		return err
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("it cannot be parsed")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("use http://<host>/<path> or https://<host>/<path>, the address at which the backend takes stops")
	case u.User != nil:
		return errors.New("it holds a user or a password; the password belongs to 'realm <name> <password>'")
	case u.Fragment != "":
		return errors.New("it has a fragment, which no backend gets to see")
	}
	r.endpoint = u
	return nil
}

func (r *Relay) provisionAPI(ctx caddy.Context, a *App) error {
	var provider APIProvider = WhatCounts{}
	if r.APIRaw != nil {
		mod, err := ctx.LoadModule(r, "APIRaw")
		if err != nil {
			return err
		}
		var ok bool
		if provider, ok = mod.(APIProvider); !ok {
			return fmt.Errorf("module %T reads no SMS API", mod)
		}
	}
	api, ok := provider.NewAPI(a.region).(smsapi.Relayer)
	if !ok {
		return fmt.Errorf("module %T has no request to tell a backend of an opt-out", provider)
	}
	r.api = api
	return nil
}

func (r *Relay) provisionRealms(a *App, repl *caddy.Replacer) error {
	if len(r.Realms) == 0 {
		return errors.New("no realm is named, so that nothing would be told; add 'realm <name> <password>', with the password that the backend has for it")
	}
	r.realms, r.accounts = nil, nil
	for _, realm := range r.Realms {
		written, name, err := realmName(repl, realm.Name)
		if err != nil {
			return fmt.Errorf("realm '%s': %w", realm.Name, err)
		}
		if slices.Contains(r.realms, name) {
			return fmt.Errorf("realm '%s' is given twice (realms are compared without letter case)", realm.Name)
		}
		if _, err := realm.password(repl); err != nil {
			return fmt.Errorf("realm '%s': password: %w", realm.Name, err)
		}
		if !strings.Contains(realm.Password, "{") {
			a.logger.Warn("the relay's password stands in the configuration itself, where Caddy's admin API and its autosave show it; use {env.*} or {file.*}",
				zap.String("realm", name))
		}
		if !a.accounts.knows(name) {
			a.logger.Warn("the relay has a realm that the list has none of: its stops are refused here, so that only what is imported or added by hand is told",
				zap.String("realm", name))
		}
		r.realms = append(r.realms, name)
		r.accounts = append(r.accounts, strings.TrimSpace(written))
	}
	for name := range a.accounts.byRealm {
		if !slices.Contains(r.realms, name) {
			a.logger.Warn("the relay has no password for a realm; the backend is not told of its opt-outs, and its fan-outs stay blocked once there is one",
				zap.String("realm", name))
		}
	}
	return nil
}

// password reads the password now: a file may have changed.
func (r RelayRealm) password(repl *caddy.Replacer) (string, error) {
	if !strings.Contains(r.Password, "{") {
		if r.Password == "" {
			return "", errors.New("it is empty")
		}
		return r.Password, nil
	}
	password, err := repl.ReplaceOrErr(r.Password, true, true)
	if err != nil {
		// The replacer's error shows the placeholder, but where a password holds a
		// brace, that is a part of it.
		return "", errors.New("its placeholder has no value: is the variable set for the user that runs Caddy, or the file there and readable? a '{' in a password itself is written '\\{'")
	}
	return password, nil
}
