//go:build peers

package peerbench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkSignStepCA is step-ca's sign endpoint: a one-time token and a P-256 CSR in, a
// certificate out, stored in its own embedded database. Tokens and requests are made
// before the clock starts.
func BenchmarkSignStepCA(b *testing.B) {
	s := newStepCA(b)
	requests := make([][]byte, b.N)
	for i := range requests {
		requests[i] = s.request(b, fmt.Sprintf("host-%d.example", i))
	}
	loadProgram(b, s.program, func(i int) (*http.Request, error) { return post(s.url+"/1.0/sign", "application/json", requests[i]) },
		func(status int, body []byte) error {
			if status != http.StatusCreated {
				return fmt.Errorf("step-ca answers %d: %s", status, body)
			}
			return nil
		})
}

type stepCA struct {
	program
	url         string
	provisioner *ecdsa.PrivateKey
}

func newStepCA(b *testing.B) *stepCA {
	b.Helper()
	dir := b.TempDir()
	root, rootKey := authority(b, "root", nil, nil)
	inter, interKey := authority(b, "intermediate", root, rootKey)
	writePEM(b, filepath.Join(dir, "root.crt"), "CERTIFICATE", root.Raw)
	writePEM(b, filepath.Join(dir, "ca.crt"), "CERTIFICATE", inter.Raw)
	der, err := x509.MarshalECPrivateKey(interKey)
	if err != nil {
		b.Fatal(err)
	}
	writePEM(b, filepath.Join(dir, "ca.key"), "EC PRIVATE KEY", der)
	s := &stepCA{provisioner: newP256(b)}
	s.program = peer(b, "step-ca", func(port string) []string {
		s.url = "https://127.0.0.1:" + port
		config := map[string]any{
			"root": filepath.Join(dir, "root.crt"), "crt": filepath.Join(dir, "ca.crt"), "key": filepath.Join(dir, "ca.key"),
			"address": "127.0.0.1:" + port, "dnsNames": []string{"127.0.0.1"},
			"db":        map[string]any{"type": "badgerv2", "dataSource": filepath.Join(dir, "db")},
			"authority": map[string]any{"provisioners": []any{map[string]any{"type": "JWK", "name": "bench", "key": s.jwk()}}},
		}
		text, err := json.Marshal(config)
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(dir, "ca.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			b.Fatal(err)
		}
		return []string{path}
	})
	return s
}

// jwk is the provisioner's public key.
func (s *stepCA) jwk() map[string]string {
	return map[string]string{
		"use": "sig", "kty": "EC", "kid": "bench", "crv": "P-256", "alg": "ES256",
		"x": encode(s.provisioner.X.FillBytes(make([]byte, 32))), "y": encode(s.provisioner.Y.FillBytes(make([]byte, 32))),
	}
}

// request is the body of one call: a CSR, and the token that allows it.
func (s *stepCA) request(b *testing.B, name string) []byte {
	b.Helper()
	key := newP256(b)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}, key)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	text, err := json.Marshal(map[string]any{
		"aud": s.url + "/1.0/sign", "iss": "bench", "sub": name, "sans": []string{name}, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		b.Fatal(err)
	}
	signed := encode([]byte(`{"alg":"ES256","kid":"bench","typ":"JWT"}`)) + "." + encode(text)
	digest := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, s.provisioner, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	token := signed + "." + encode(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
	body, err := json.Marshal(map[string]string{
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})), "ott": token,
	})
	if err != nil {
		b.Fatal(err)
	}
	return body
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newP256(b *testing.B) *ecdsa.PrivateKey {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

// authority makes a P-256 authority; without a parent it signs itself.
func authority(b *testing.B, name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	b.Helper()
	key := newP256(b)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		b.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	return c, key
}

func writePEM(b *testing.B, path, kind string, der []byte) {
	b.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		b.Fatal(err)
	}
}
