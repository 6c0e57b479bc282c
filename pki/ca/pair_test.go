package ca_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
	tjsm4 "github.com/tjfoc/gmsm/sm4"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// openEnvelope reads an SM2EnvelopedKey (GM/T 0009, 7.4) with the other implementation
// of SM2 and SM4 and a reader of its own.
func openEnvelope(t *testing.T, enveloped []byte, private *tjsm2.PrivateKey) (d, point []byte) {
	t.Helper()
	input := cryptobyte.String(enveloped)
	var outer, cipher, hash, text cryptobyte.String
	x, y := new(big.Int), new(big.Int)
	var encrypted []byte
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !oid.ExpectAlgorithm(&outer, oid.SM4ECB) || !outer.ReadASN1(&cipher, cbasn1.SEQUENCE) ||
		!cipher.ReadASN1Integer(x) || !cipher.ReadASN1Integer(y) || !cipher.ReadASN1(&hash, cbasn1.OCTET_STRING) || !cipher.ReadASN1(&text, cbasn1.OCTET_STRING) || !cipher.Empty() ||
		!outer.ReadASN1BitStringAsBytes(&point) || !outer.ReadASN1BitStringAsBytes(&encrypted) || !outer.Empty() {
		t.Fatalf("not an SM2EnvelopedKey: %x", enveloped)
	}
	c1 := append([]byte{4}, append(x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))...)...)
	key, err := tjsm2.Decrypt(private, append(append(c1, hash...), text...), tjsm2.C1C3C2)
	if err != nil || len(key) != 16 || len(encrypted) != 32 {
		t.Fatalf("the symmetric key: %d bytes, %v; encrypted key of %d bytes", len(key), err, len(encrypted))
	}
	block, err := tjsm4.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	d = make([]byte, 32)
	block.Decrypt(d[:16], encrypted[:16])
	block.Decrypt(d[16:], encrypted[16:])
	return d, point
}

func TestPair(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := pki.NewPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	request := ca.Request{Profile: ca.ProfilePerson, Key: public, Subject: cert.Name{Country: "CN", CommonName: "张样例"}}
	pair, err := p.CA.IssuePair(ctx, request, "test")
	if err != nil {
		t.Fatal(err)
	}
	if pair.Signing.Subject != pair.Encryption.Subject || pair.Signing.Key.Equal(pair.Encryption.Key) {
		t.Error("the pair has two names or one key")
	}
	if pair.Signing.Usage() != cert.DigitalSignature|cert.NonRepudiation || pair.Encryption.Usage() != cert.KeyEncipherment|cert.DataEncipherment|cert.KeyAgreement {
		t.Errorf("usages %v and %v", pair.Signing.Usage(), pair.Encryption.Usage())
	}
	for _, c := range []*cert.Certificate{pair.Signing, pair.Encryption} {
		if _, critical, _ := c.Extension(oid.KeyUsage); !critical {
			t.Error("key usage of a holder of two certificates is not critical")
		}
	}
	if pair.Encryption.MaySign() {
		t.Error("the encryption certificate may sign")
	}

	// The other implementation opens the envelope and finds the key of the certificate.
	other := new(tjsm2.PrivateKey)
	other.Curve, other.D = tjsm2.P256Sm2(), private.D
	other.X, other.Y = private.X, private.Y
	d, point := openEnvelope(t, pair.Enveloped, other)
	if !bytes.Equal(point, pair.Encryption.Key.Uncompressed()) {
		t.Error("the envelope names another public key than the certificate")
	}
	inside, err := sm2.NewPrivateKey(d)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := pki.NewPublicKey(&inside.PublicKey); err != nil || !key.Equal(pair.Encryption.Key) {
		t.Errorf("the private key in the envelope is not the certificate's: %v", err)
	}

	// A library that devices use reads the whole answer.
	response, err := pair.Response()
	if err != nil {
		t.Fatal(err)
	}
	read, err := smx509.ParseCSRResponse(private, response)
	if err != nil || len(read.SignCerts) != 1 || len(read.EncryptCerts) != 1 || !bytes.Equal(read.EncryptPrivateKey.D.Bytes(), new(big.Int).SetBytes(d).Bytes()) {
		t.Errorf("CSRResponse: %v", err)
	}

	if _, err := p.CA.IssuePair(ctx, request, "test"); !errors.Is(err, ca.ErrKeyInUse) {
		t.Errorf("a second pair for the key: %v", err)
	}
	if _, err := p.CA.IssuePair(ctx, ca.Request{Profile: ca.ProfileService, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "x"}}, "test"); !errors.Is(err, ca.ErrRequest) {
		t.Errorf("a pair of a profile that has none: %v", err)
	}
	if unfinished, err := p.Ledger.Unfinished(ctx); err != nil || len(unfinished) > 0 {
		t.Errorf("%d intents are left: %v", len(unfinished), err)
	}
}

// TestPairIsWhole: both certificates or neither.
func TestPairIsWhole(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	a, err := ca.New(p.CA.Certificate(), p.CAKey, ca.Environment{Ledger: &hiccup{&breaking{Ledger: p.Ledger, at: "record"}}, Site: p.CA.Site(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	issued := p.Ledger.Issued()
	if _, err := a.IssuePair(ctx, ca.Request{Profile: ca.ProfilePerson, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "张样例"}}, "test"); !errors.Is(err, errBroken) {
		t.Fatalf("IssuePair = %v", err)
	}
	if p.Ledger.Issued() != issued {
		t.Error("half a pair is recorded")
	}
	if unfinished, err := p.Ledger.Unfinished(ctx); err != nil || len(unfinished) > 0 {
		t.Errorf("%d intents are left: %v", len(unfinished), err)
	}
}
