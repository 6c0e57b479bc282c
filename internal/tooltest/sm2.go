package tooltest

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// SM2Verify has OpenSSL verify the signature of a CRL or a basic OCSP response in DER
// with the key of a certificate, as bare bytes: openssl crl and openssl ocsp cannot be
// told the SM2 ID. The structure with the signed part, the algorithm and the signature
// begins at an offset of the file. As a control the signature must be refused under
// another ID.
func SM2Verify(tb testing.TB, certificate, file string, offset int) {
	tb.Helper()
	dir := tb.TempDir()
	whole, signed, sig, key := filepath.Join(dir, "whole"), filepath.Join(dir, "signed"), filepath.Join(dir, "sig"), filepath.Join(dir, "key")
	content, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(whole, content[offset:], 0o600); err != nil {
		tb.Fatal(err)
	}
	// Depth 1 of the structure: the signed part, the algorithm, the signature.
	listing := Run(tb, "openssl", "asn1parse", "-inform", "DER", "-in", whole)
	parts := regexp.MustCompile(`(?m)^ *(\d+):d=1 .*(?:cons: SEQUENCE|prim: BIT STRING)`).FindAllStringSubmatch(listing, -1)
	if len(parts) < 3 {
		tb.Fatalf("no signed structure: %s", listing)
	}
	Run(tb, "openssl", "asn1parse", "-inform", "DER", "-in", whole, "-strparse", parts[0][1], "-noout", "-out", signed)
	Run(tb, "openssl", "asn1parse", "-inform", "DER", "-in", whole, "-strparse", parts[2][1], "-noout", "-out", sig)
	if err := os.WriteFile(key, []byte(Run(tb, "openssl", "x509", "-in", certificate, "-noout", "-pubkey")), 0o600); err != nil {
		tb.Fatal(err)
	}
	verify := []string{"pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pubin", "-inkey", key, "-in", signed, "-sigfile", sig, "-pkeyopt"}
	Run(tb, "openssl", append(verify, "distid:1234567812345678")...)
	if out, err := Try(tb, "openssl", append(verify, "distid:someone else")...); err == nil {
		tb.Errorf("OpenSSL accepts the signature under another ID: %s", out)
	}
}
