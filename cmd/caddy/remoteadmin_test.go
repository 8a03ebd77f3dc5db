package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// identity is a client certificate of an operator, made for one test.
func identity(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestRemoteAdmin adds opt-outs by Caddy's remote admin endpoint, and wants the history
// to name who the certificate says, whatever a header says.
func TestRemoteAdmin(t *testing.T) {
	t.Parallel()
	dir, home := t.TempDir(), t.TempDir()
	local, remote := freeAddr(t), freeAddr(t)
	named, nameless := identity(t, "jane of compliance"), identity(t, "")
	key := func(c tls.Certificate) string { return base64.StdEncoding.EncodeToString(c.Certificate[0]) }
	config, err := json.Marshal(map[string]any{
		"admin": map[string]any{
			"listen": local,
			"config": map[string]any{"persist": false},
			"identity": map[string]any{
				"identifiers": []string{"127.0.0.1"},
				"issuers":     []any{map[string]any{"module": "internal"}},
			},
			"remote": map[string]any{
				"listen": remote,
				"access_control": []any{map[string]any{
					"public_keys": []string{key(named), key(nameless)},
					"permissions": []any{map[string]any{"paths": []string{"/sms_optout/"}, "methods": []string{"GET", "POST"}}},
				}},
			},
		},
		"apps": map[string]any{
			"pki":        map[string]any{"certificate_authorities": map[string]any{"local": map[string]any{"install_trust": false}}},
			"sms_optout": map[string]any{"store": map[string]any{"store": "badger", "path": filepath.Join(dir, "optouts")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "caddy.json")
	if err := os.WriteFile(name, config, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, home, name, remote)
	awaitCertificate(t, p, named)

	sum := sha256.Sum256(nameless.Certificate[0])
	for _, tt := range []struct {
		about, phone, actor string
		certificate         tls.Certificate
	}{
		{"a certificate with a name", "12065550101", "jane of compliance", named},
		{"a certificate without one", "12065550102", "certificate sha256:" + hex.EncodeToString(sum[:]), nameless},
	} {
		client := remoteClient(tt.certificate)
		order := fmt.Sprintf(`{"phone":%q,"realm":"myrealm","sender":"13105550000"}`, tt.phone)
		if status, body := remoteAsk(t, client, remote, "optouts", order); status/100 != 2 {
			t.Fatalf("%s: add: %d %s\n%s", tt.about, status, body, p.out)
		}
		_, body := remoteAsk(t, client, remote, "history", fmt.Sprintf(`{"phone":%q}`, tt.phone))
		if !strings.Contains(body, fmt.Sprintf("%q", tt.actor)) || strings.Contains(body, "mallory") {
			t.Errorf("%s: the history does not name %s:\n%s", tt.about, tt.actor, body)
		}
	}

	stranger := remoteClient(identity(t, "jane of compliance"))
	if status, body := remoteAsk(t, stranger, remote, "history", `{"phone":"12065550101"}`); status != http.StatusForbidden && status != 0 {
		t.Errorf("a certificate of the same name that is not listed: %d %s", status, body)
	}
}

// awaitCertificate waits until Caddy has made the certificate of its own side.
func awaitCertificate(t *testing.T, p *process, own tls.Certificate) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := tls.Dial("tcp", p.addr, tlsConfig(own))
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the remote admin endpoint does not speak TLS: %v\n%s", err, p.out)
		}
		<-time.After(5 * time.Millisecond) // between two looks
	}
}

// tlsConfig shows a certificate. Caddy's own is of an authority made for the test.
func tlsConfig(own tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true, ServerName: "127.0.0.1"}
}

// remoteClient shows a certificate.
func remoteClient(own tls.Certificate) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   tlsConfig(own),
	}}
}

// remoteAsk posts a question or an order under a false name. Status 0: the connection
// was refused.
func remoteAsk(t *testing.T, client *http.Client, addr, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+addr+"/sms_optout/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Sms-Optout-Actor", "mallory")
	resp, err := client.Do(req)
	if err != nil {
		t.Log(err)
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
