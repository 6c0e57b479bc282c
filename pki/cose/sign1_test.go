package cose_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	gocose "github.com/veraison/go-cose"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// other lets the general COSE library sign and verify with our key.
type other struct{ key *pki.Key }

func (other) Algorithm() gocose.Algorithm { return pki.AlgSM2SM3 }

func (o other) Sign(_ io.Reader, content []byte) ([]byte, error) {
	sig, err := o.key.Sign(content)
	return sig[:], err
}

func (o other) Verify(content, signature []byte) error {
	sig, err := pki.ParseSignature(signature)
	if err != nil || !o.key.Public().Verify(content, sig) {
		return gocose.ErrVerification
	}
	return nil
}

// TestCrossed: the general library accepts what we write and we accept what it
// writes, in every length of payload that changes the encoding of a length.
func TestCrossed(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	kid := key.Public().KID()
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536} {
		payload := bytes.Repeat([]byte{0x55}, n)
		ours, err := cose.Sign(pki.ObjectLicence, key, payload)
		if err != nil {
			t.Fatal(err)
		}
		var m gocose.UntaggedSign1Message
		if err := m.UnmarshalCBOR(ours); err != nil {
			t.Fatalf("%d bytes: the library cannot read ours: %v", n, err)
		}
		tagged := gocose.Sign1Message(m)
		if err := tagged.Verify([]byte(pki.ObjectLicence), other{key}); err != nil {
			t.Errorf("%d bytes: the library refuses ours: %v", n, err)
		}
		if err := tagged.Verify([]byte(pki.ObjectCodeLicence), other{key}); err == nil {
			t.Errorf("%d bytes: the library accepts ours as another object", n)
		}
		theirs, err := gocose.Sign1Untagged(nil, other{key}, gocose.Headers{Protected: gocose.ProtectedHeader{
			gocose.HeaderLabelAlgorithm: gocose.Algorithm(pki.AlgSM2SM3), gocose.HeaderLabelKeyID: kid[:],
		}}, payload, []byte(pki.ObjectLicence))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := cose.Parse(theirs)
		if err != nil {
			t.Fatalf("%d bytes: we cannot read the library's: %v", n, err)
		}
		if parsed.KID != kid || !bytes.Equal(parsed.Payload, payload) || !parsed.Verify(pki.ObjectLicence, key.Public()) {
			t.Errorf("%d bytes: we refuse the library's", n)
		}
	}
}

// TestSignAll: many are signed as one is, whatever shares memory with whatever.
func TestSignAll(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	var payloads [][]byte
	for _, n := range []int{0, 300, 70_000, 1, 65_000, 600, 65_536, 23} {
		payloads = append(payloads, bytes.Repeat([]byte{byte(n)}, n))
	}
	signed, err := cose.SignAll(pki.ObjectLicence, key, len(payloads), func(dst []byte, i int) []byte { return append(dst, payloads[i]...) })
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range signed {
		m, err := cose.Parse(b)
		if err != nil {
			t.Fatalf("form %d: %v", i, err)
		}
		if !bytes.Equal(m.Payload, payloads[i]) || !m.Verify(pki.ObjectLicence, key.Public()) {
			t.Errorf("form %d is not the payload, signed", i)
		}
	}
}

func TestPurposeIsBound(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	b, err := cose.Sign(pki.ObjectCodeLicence, key, []byte("p"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := cose.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []pki.Object{pki.ObjectLicence, pki.ObjectCodeHolder, pki.ObjectTrust, ""} {
		if m.Verify(object, key.Public()) {
			t.Errorf("a code's signature is accepted for %q", object)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const (
		protected = "51a2013a00010000044801020304050607" + "08"
		sig       = "5840"
	)
	signature := sig + strings.Repeat("11", 64)
	good := "84" + protected + "a0" + "4170" + signature
	if _, err := cose.Parse(unhex(t, good)); err != nil {
		t.Fatalf("the good form is refused: %v", err)
	}
	for name, bad := range map[string]string{
		"empty":                      "",
		"tagged":                     "d2" + good,
		"three items":                "83" + protected + "a0" + "4170",
		"five items":                 "85" + protected + "a0" + "4170" + signature + "00",
		"indefinite array":           "9f" + protected + "a0" + "4170" + signature + "ff",
		"algorithm ES256":            "84" + "4fa20126" + "04480102030405060708" + "a0" + "4170" + signature,
		"headers in another order":   "84" + "51a2044801020304050607080" + "13a00010000" + "a0" + "4170" + signature,
		"kid of nine bytes":          "84" + "52a2013a000100000449010203040506070809" + "a0" + "4170" + signature,
		"kid unprotected":            "84" + "47a1013a00010000" + "a104480102030405060708" + "4170" + signature,
		"third header":               "84" + "53a3013a0001000004480102030405060708" + "0500" + "a0" + "4170" + signature,
		"unprotected not empty":      "84" + protected + "a10500" + "4170" + signature,
		"unprotected indefinite":     "84" + protected + "bfff" + "4170" + signature,
		"payload null":               "84" + protected + "a0" + "f6" + signature,
		"payload text":               "84" + protected + "a0" + "6170" + signature,
		"payload with a long length": "84" + protected + "a0" + "580170" + signature,
		"payload with a longer one":  "84" + protected + "a0" + "59000170" + signature,
		"payload beyond the end":     "84" + protected + "a0" + "5affffffff70" + signature,
		"payload of 64-bit length":   "84" + protected + "a0" + "5b000000000000000170" + signature,
		"signature of 63 bytes":      "84" + protected + "a0" + "4170" + "583f" + strings.Repeat("11", 63),
		"signature in DER":           "84" + protected + "a0" + "4170" + "5846" + strings.Repeat("11", 70),
		"trailing byte":              good + "00",
		"cut off":                    good[:len(good)-2],
		"algorithm in a longer form": "84" + "55a2013b000000000001000004480102030405060708" + "a0" + "4170" + signature,
	} {
		if m, err := cose.Parse(unhex(t, bad)); !errors.Is(err, cose.ErrMalformed) {
			t.Errorf("%s: Parse = %v, %v, want ErrMalformed", name, m, err)
		}
	}
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatalf("%s: %v", s, err)
	}
	return b
}

func FuzzParse(f *testing.F) {
	key := pkitest.NewKey(f)
	for _, payload := range [][]byte{nil, []byte("p"), bytes.Repeat([]byte{1}, 300)} {
		b, err := cose.Sign(pki.ObjectLicence, key, payload)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x84, 0x40, 0xa0, 0x40, 0x40})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := cose.Parse(b)
		if err != nil {
			return
		}
		// One accepted form: writing the parts again gives the same bytes.
		var again gocose.UntaggedSign1Message
		if err := again.UnmarshalCBOR(b); err != nil {
			t.Fatalf("the library cannot read what we accept: %v", err)
		}
		out, err := again.MarshalCBOR()
		if err != nil || !bytes.Equal(out, b) {
			t.Errorf("the library writes %x for %x (%v)", out, b, err)
		}
		if !bytes.Equal(again.Payload, m.Payload) || !bytes.Equal(again.Signature, m.Signature[:]) {
			t.Error("the library reads other parts")
		}
	})
}
