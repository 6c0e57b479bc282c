package ocsp_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
)

func write(tb testing.TB, dir, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestBouncyCastleAsks: requests written by BouncyCastle are answered, and
// BouncyCastle finds its own CertID, the nonce and a good signature in the answer.
func TestBouncyCastleAsks(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t, plan), t.TempDir()
	c := h.issue(t, h.one, 10)
	ca, certificate := write(t, dir, "ca.pem", h.one.Certificate.PEM()), write(t, dir, "c.pem", c.PEM())
	// The same question to every state of the certificate, made ahead and not.
	read := []string{"read", ca, certificate}
	var want []string
	answer := func(request []byte, wanted string) {
		t.Helper()
		der := h.responder.Respond(context.Background(), request).DER
		read, want = append(read, write(t, dir, strings.Repeat("x", len(want)+1)+".ors", der)), append(want, wanted)
	}
	nonce := hex.EncodeToString([]byte("0123456789abcdef"))
	requests := map[string][]byte{}
	nonces := []string{"-", nonce}
	for i, line := range tooltest.BouncyCastle(t, "ReadOCSP", append([]string{"ask", ca, certificate}, nonces...)...) {
		der, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		requests[nonces[i]] = der
	}
	for n, request := range requests {
		for _, standing := range []struct {
			says string
			ocsp.Standing
		}{
			{"good", ocsp.Standing{Recorded: true}},
			{"revoked:1", ocsp.Standing{Recorded: true, Revoked: true, Revocation: cert.Revocation{At: now, Reason: cert.KeyCompromise, InvalidAt: now.AddDate(0, -1, 0)}}},
			{"revoked:6", ocsp.Standing{Recorded: true, Revoked: true, Revocation: cert.Revocation{At: now, Reason: cert.CertificateHold}}},
			{"revoked:0", ocsp.Standing{Recorded: true, Revoked: true, Revocation: cert.Revocation{At: now}}},
			{"unknown", ocsp.Standing{}},
		} {
			h.ledger.set(h.one.Certificate, c.SerialNumber(), standing.Standing)
			if err := h.responder.Changed(context.Background(), h.one.Certificate.Key.Point(), c.SerialNumber()); err != nil {
				t.Fatal(err)
			}
			answer(request, standing.says+" "+n+" verified")
		}
	}
	if answer := h.responder.Respond(context.Background(), requests["-"]); answer.MaxAge != 0 {
		t.Error("unknown may be kept") // the state is unknown now
	}
	answer(nil, "refusal 1")
	// Tampered: good is made of revoked, and a bit of the signature is changed.
	h.ledger.set(h.one.Certificate, c.SerialNumber(), ocsp.Standing{Recorded: true})
	good := h.responder.Respond(context.Background(), requests[nonce]).DER
	stamp := []byte(now.Format("20060102150405Z"))
	tampered := bytes.Clone(good)
	tampered[bytes.Index(tampered, stamp)+3]++ // producedAt
	read, want = append(read, write(t, dir, "tampered.ors", tampered)), append(want, "good "+nonce+" refused")
	if got := tooltest.BouncyCastle(t, "ReadOCSP", read...); !slices.Equal(got, want) {
		t.Errorf("BouncyCastle reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestOpenSSLReads: OpenSSL 3.0 reads every field. It has no way to be told the SM2 ID
// for a response, so the signature is put to it as bare bytes.
func TestOpenSSLReads(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t, plan), t.TempDir()
	c := h.issue(t, h.two, 10) // its issuer signs itself
	ca := write(t, dir, "ca.pem", h.two.Certificate.PEM())
	for _, tt := range []struct {
		hash     oid.ID
		standing ocsp.Standing
		want     []string
	}{
		{oid.SHA1, ocsp.Standing{Recorded: true}, []string{"Hash Algorithm: sha1", "Cert Status: good", "Next Update: Mar  1 20:00:00 2026 GMT", "041030313233343536373839616263646566"}},
		{oid.SHA256, ocsp.Standing{Recorded: true, Revoked: true, Revocation: cert.Revocation{At: now, Reason: cert.Superseded, InvalidAt: now.AddDate(0, -1, 0)}},
			[]string{"Invalidity Date", "Feb  1 08:00:00 2026 GMT", "Hash Algorithm: sha256", "Cert Status: revoked", "Revocation Time: Mar  1 08:00:00 2026 GMT", "Revocation Reason: superseded (0x4)"}},
		{oid.SM3, ocsp.Standing{}, []string{"Hash Algorithm: sm3", "Cert Status: unknown"}},
	} {
		h.ledger.set(h.two.Certificate, c.SerialNumber(), tt.standing)
		der := h.responder.Respond(context.Background(), request(t, []byte("0123456789abcdef"), certID(t, tt.hash, h.two.Certificate, c.SerialNumber()))).DER
		file := write(t, dir, "response", der)
		text := tooltest.Run(t, "openssl", "ocsp", "-respin", file, "-noverify", "-resp_text")
		for _, line := range append(tt.want, "OCSP Response Status: successful", "Serial Number: 4000000000000000000000000000000A", "SM2-with-SM3") {
			if !strings.Contains(text, line) {
				t.Errorf("OpenSSL's text lacks %q:\n%s", line, text)
			}
		}
		// BasicOCSPResponse begins behind the OID of its type and the header of the
		// OCTET STRING.
		i := bytes.Index(der, []byte(oid.OCSPBasic)) + len(oid.OCSPBasic)
		header := 2
		if der[i+1] > 0x80 {
			header += int(der[i+1] & 0x7f)
		}
		tooltest.SM2Verify(t, ca, file, i+header)
	}
}
