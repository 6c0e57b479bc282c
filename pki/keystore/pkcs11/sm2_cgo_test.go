//go:build cgo

package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	cryptoki "github.com/miekg/pkcs11"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore"
)

// vendor's numbers of the stand-in.
var vendor = Mechanisms{KeyType: 0x80000001, Generate: 0x80000002, Sign: 0x80000003}

// standIn answers as a token with SM2 does: SoftHSM has none.
type standIn struct {
	objects []object
	found   []cryptoki.ObjectHandle
	signing *sm2.PrivateKey
	answer  func([]byte) []byte // nil: as it is
}

type object struct {
	class, id []byte
	key       *sm2.PrivateKey
}

func value(attributes []*cryptoki.Attribute, kind uint) []byte {
	for _, a := range attributes {
		if a.Type == kind {
			return a.Value
		}
	}
	return nil
}

func (m *standIn) OpenSession(slot, flags uint) (cryptoki.SessionHandle, error) { return 1, nil }
func (m *standIn) CloseSession(cryptoki.SessionHandle) error                    { return nil }
func (m *standIn) FindObjectsFinal(cryptoki.SessionHandle) error                { return nil }

func (m *standIn) FindObjectsInit(_ cryptoki.SessionHandle, want []*cryptoki.Attribute) error {
	m.found = nil
	for i, o := range m.objects {
		if bytes.Equal(o.class, value(want, cryptoki.CKA_CLASS)) && bytes.Equal(o.id, value(want, cryptoki.CKA_ID)) {
			m.found = append(m.found, cryptoki.ObjectHandle(i))
		}
	}
	return nil
}

func (m *standIn) FindObjects(_ cryptoki.SessionHandle, n int) ([]cryptoki.ObjectHandle, bool, error) {
	return m.found[:min(n, len(m.found))], false, nil
}

func (m *standIn) GetAttributeValue(_ cryptoki.SessionHandle, o cryptoki.ObjectHandle, _ []*cryptoki.Attribute) ([]*cryptoki.Attribute, error) {
	public, err := pki.NewPublicKey(&m.objects[o].key.PublicKey)
	if err != nil {
		return nil, err
	}
	return []*cryptoki.Attribute{
		{Type: cryptoki.CKA_EC_PARAMS, Value: sm2OID}, {Type: cryptoki.CKA_EC_POINT, Value: append([]byte{4, 65}, public.Uncompressed()...)},
	}, nil
}

func (m *standIn) GenerateKeyPair(_ cryptoki.SessionHandle, mechanism []*cryptoki.Mechanism, public, private []*cryptoki.Attribute) (cryptoki.ObjectHandle, cryptoki.ObjectHandle, error) {
	kept := bytes.Equal(value(private, cryptoki.CKA_EXTRACTABLE), []byte{0}) && bytes.Equal(value(private, cryptoki.CKA_SENSITIVE), []byte{1})
	if mechanism[0].Mechanism != vendor.Generate || !bytes.Equal(value(public, cryptoki.CKA_EC_PARAMS), sm2OID) || !kept {
		return 0, 0, cryptoki.Error(cryptoki.CKR_TEMPLATE_INCONSISTENT)
	}
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return 0, 0, err
	}
	n := cryptoki.ObjectHandle(len(m.objects))
	for _, class := range []uint{cryptoki.CKO_PUBLIC_KEY, cryptoki.CKO_PRIVATE_KEY} {
		m.objects = append(m.objects, object{cryptoki.NewAttribute(cryptoki.CKA_CLASS, class).Value, value(private, cryptoki.CKA_ID), key})
	}
	return n, n + 1, nil
}

func (m *standIn) SignInit(_ cryptoki.SessionHandle, mechanism []*cryptoki.Mechanism, o cryptoki.ObjectHandle) error {
	if mechanism[0].Mechanism != vendor.Sign {
		return cryptoki.Error(cryptoki.CKR_MECHANISM_INVALID)
	}
	m.signing = m.objects[o].key
	return nil
}

func (m *standIn) Sign(_ cryptoki.SessionHandle, e []byte) ([]byte, error) {
	der, err := m.signing.Sign(rand.Reader, e, crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	sig, err := pki.ParseSignatureDER(der)
	if err != nil {
		return nil, err
	}
	if m.answer != nil {
		return m.answer(sig[:]), nil
	}
	return sig[:], nil
}

func TestKeysLiveInTheToken(t *testing.T) {
	t.Parallel()
	m := new(standIn)
	d := newDevice("pkcs11:stand-in", 0, vendor, m)
	config := keystore.Config{GMOnly: true, Devices: []keystore.Device{d}}
	dir := filepath.Join(t.TempDir(), "keys")
	unlock := keystore.Unlock{File: filepath.Join(t.TempDir(), "kek")}
	if err := keystore.NewKeyFile(unlock.File); err != nil {
		t.Fatal(err)
	}
	s, err := config.Create(dir, unlock)
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.GenerateSigner(keystore.PurposeCA, "root")
	if err != nil {
		t.Fatal(err)
	}
	again, err := config.Open(dir, unlock)
	if err != nil {
		t.Fatal(err)
	}
	same, err := again.Signer(keystore.PurposeCA, "root")
	if err != nil {
		t.Fatal(err)
	}
	sig, err := same.Sign([]byte("m"))
	if err != nil || !key.Public().Verify([]byte("m"), sig) {
		t.Errorf("signing in the token: %v", err)
	}
	a, err := keystore.Assess(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Keys[len(a.Keys)-1]; got.Place != keystore.InToken || len(got.Where) != len("pkcs11:stand-in ")+32 {
		t.Errorf("the key is assessed as %+v", got)
	}

	for name, answer := range map[string]func([]byte) []byte{
		"another signature": func(sig []byte) []byte { sig[63] ^= 1; return sig },
		"cut off":           func(sig []byte) []byte { return sig[:63] },
		"nothing":           func([]byte) []byte { return nil },
	} {
		m.answer = answer
		if _, err := same.Sign([]byte("m")); err == nil {
			t.Errorf("%s: taken as a signature", name)
		}
	}
	m.answer = nil

	// The token loses the key, then has another one at its place.
	lost := m.objects
	m.objects = nil
	if _, err := again.Signer(keystore.PurposeCA, "root"); !errors.Is(err, keystore.ErrDamaged) || errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("a key that is gone: %v, want ErrDamaged", err)
	}
	other, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range lost {
		m.objects = append(m.objects, object{o.class, o.id, other})
	}
	if _, err := again.Signer(keystore.PurposeCA, "root"); !errors.Is(err, keystore.ErrDamaged) {
		t.Errorf("another key at its place: %v, want ErrDamaged", err)
	}
	m.objects = append(lost, lost...)
	if _, err := again.Signer(keystore.PurposeCA, "root"); err == nil {
		t.Error("one of two keys is taken")
	}
}

func TestParsePublic(t *testing.T) {
	t.Parallel()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := pki.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	point := append([]byte{4, 65}, public.Uncompressed()...)
	attributes := func(params, point []byte) []*cryptoki.Attribute {
		return []*cryptoki.Attribute{{Type: cryptoki.CKA_EC_PARAMS, Value: params}, {Type: cryptoki.CKA_EC_POINT, Value: point}}
	}
	if _, err := parsePublic(attributes(sm2OID, point)); err != nil {
		t.Fatal(err)
	}
	offCurve := bytes.Clone(point)
	offCurve[66] ^= 2
	for name, a := range map[string][]*cryptoki.Attribute{
		"no attributes":   nil,
		"P-256":           attributes([]byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}, point),
		"raw point":       attributes(sm2OID, point[2:]),
		"trailing byte":   attributes(sm2OID, append(bytes.Clone(point), 0)),
		"off the curve":   attributes(sm2OID, offCurve),
		"compressed":      attributes(sm2OID, append([]byte{4, 33, 2}, point[3:35]...)),
		"no public point": attributes(sm2OID, nil),
	} {
		if _, err := parsePublic(a); !errors.Is(err, pki.ErrBadPoint) {
			t.Errorf("%s: %v, want ErrBadPoint", name, err)
		}
	}
}
