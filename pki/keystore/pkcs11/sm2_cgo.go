//go:build cgo

package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/emmansun/gmsm/sm3"
	cryptoki "github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore"
)

// module is the part of PKCS#11 that signing with SM2 takes. crypto11 has only
// the algorithms of its own, so this goes to the module below it, which it has
// initialised and logged in to.
type module interface {
	OpenSession(slot, flags uint) (cryptoki.SessionHandle, error)
	CloseSession(cryptoki.SessionHandle) error
	FindObjectsInit(cryptoki.SessionHandle, []*cryptoki.Attribute) error
	FindObjects(cryptoki.SessionHandle, int) ([]cryptoki.ObjectHandle, bool, error)
	FindObjectsFinal(cryptoki.SessionHandle) error
	GetAttributeValue(cryptoki.SessionHandle, cryptoki.ObjectHandle, []*cryptoki.Attribute) ([]*cryptoki.Attribute, error)
	GenerateKeyPair(cryptoki.SessionHandle, []*cryptoki.Mechanism, []*cryptoki.Attribute, []*cryptoki.Attribute) (cryptoki.ObjectHandle, cryptoki.ObjectHandle, error)
	SignInit(cryptoki.SessionHandle, []*cryptoki.Mechanism, cryptoki.ObjectHandle) error
	Sign(cryptoki.SessionHandle, []byte) ([]byte, error)
}

// sm2OID is the DER of 1.2.156.10197.1.301, the value of CKA_EC_PARAMS.
var sm2OID = []byte{0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d}

// device is a token that has SM2.
type device struct {
	name       string
	slot       uint
	mechanisms Mechanisms
	module     module
	sessions   chan struct{} // bounds how many are open
}

// Device returns the token as a place for signing keys. The token must stay
// open.
func (t *Token) Device() (keystore.Maker, error) {
	if t.config.SM2 == nil {
		return nil, fmt.Errorf("%s: its file names no mechanisms for SM2", t.name())
	}
	module := cryptoki.New(t.config.Module)
	if module == nil {
		return nil, fmt.Errorf("loading %s failed", t.config.Module)
	}
	slots, err := module.GetSlotList(true)
	if err != nil {
		return nil, fmt.Errorf("listing the tokens: %w", err)
	}
	for _, slot := range slots {
		info, err := module.GetTokenInfo(slot)
		if err != nil {
			return nil, fmt.Errorf("asking token %d for its name: %w", slot, err)
		}
		if info.Label == t.config.Token {
			return newDevice(t.name(), slot, *t.config.SM2, module), nil
		}
	}
	return nil, fmt.Errorf("token %q is gone", t.config.Token)
}

func newDevice(name string, slot uint, m Mechanisms, module module) *device {
	return &device{name: name, slot: slot, mechanisms: m, module: module, sessions: make(chan struct{}, maxSessions)}
}

// Name is "pkcs11:" and the token's label.
func (d *device) Name() string { return d.name }

func (d *device) with(f func(cryptoki.SessionHandle) error) error {
	d.sessions <- struct{}{}
	defer func() { <-d.sessions }()
	session, err := d.module.OpenSession(d.slot, cryptoki.CKF_SERIAL_SESSION|cryptoki.CKF_RW_SESSION)
	if err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	return errors.Join(f(session), d.module.CloseSession(session))
}

// MakeSigner has the token make a key pair, whose CKA_ID is random and whose
// CKA_LABEL says what it is for.
func (d *device) MakeSigner(p keystore.Purpose, name string, _ func(string) bool) (keystore.Place, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return keystore.Place{}, fmt.Errorf("drawing an identifier: %w", err)
	}
	label := string(p) + "/" + name
	public := []*cryptoki.Attribute{
		cryptoki.NewAttribute(cryptoki.CKA_KEY_TYPE, d.mechanisms.KeyType), cryptoki.NewAttribute(cryptoki.CKA_EC_PARAMS, sm2OID),
		cryptoki.NewAttribute(cryptoki.CKA_ID, id), cryptoki.NewAttribute(cryptoki.CKA_LABEL, label),
		cryptoki.NewAttribute(cryptoki.CKA_TOKEN, true), cryptoki.NewAttribute(cryptoki.CKA_VERIFY, true),
	}
	private := []*cryptoki.Attribute{
		cryptoki.NewAttribute(cryptoki.CKA_KEY_TYPE, d.mechanisms.KeyType),
		cryptoki.NewAttribute(cryptoki.CKA_ID, id), cryptoki.NewAttribute(cryptoki.CKA_LABEL, label),
		cryptoki.NewAttribute(cryptoki.CKA_TOKEN, true), cryptoki.NewAttribute(cryptoki.CKA_PRIVATE, true),
		cryptoki.NewAttribute(cryptoki.CKA_SENSITIVE, true), cryptoki.NewAttribute(cryptoki.CKA_EXTRACTABLE, false),
		cryptoki.NewAttribute(cryptoki.CKA_SIGN, true),
	}
	err := d.with(func(s cryptoki.SessionHandle) error {
		_, _, err := d.module.GenerateKeyPair(s, []*cryptoki.Mechanism{cryptoki.NewMechanism(d.mechanisms.Generate, nil)}, public, private)
		return err
	})
	if err != nil {
		return keystore.Place{}, fmt.Errorf("generating a key pair: %w", err)
	}
	return keystore.Place{Ref: hex.EncodeToString(id)}, nil
}

// Signer finds a key pair by its CKA_ID. The token has asked for the PIN, so a
// place has no access secret.
func (d *device) Signer(at keystore.Place) (crypto.Signer, error) {
	id, err := hex.DecodeString(at.Ref)
	if err != nil || len(id) == 0 {
		return nil, fmt.Errorf("%q is not the CKA_ID of a key", at.Ref)
	}
	k := &signer{device: d, id: id}
	err = d.with(func(s cryptoki.SessionHandle) error {
		if _, err := k.find(s, cryptoki.CKO_PRIVATE_KEY); err != nil {
			return err
		}
		public, err := k.find(s, cryptoki.CKO_PUBLIC_KEY)
		if err != nil {
			return err
		}
		attributes, err := d.module.GetAttributeValue(s, public, []*cryptoki.Attribute{
			cryptoki.NewAttribute(cryptoki.CKA_EC_PARAMS, nil), cryptoki.NewAttribute(cryptoki.CKA_EC_POINT, nil),
		})
		if err != nil {
			return fmt.Errorf("asking for the public key: %w", err)
		}
		k.public, err = parsePublic(attributes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", at.Ref, err)
	}
	return k, nil
}

// parsePublic reads CKA_EC_PARAMS and CKA_EC_POINT: the curve's OID and a DER
// OCTET STRING with the uncompressed point.
func parsePublic(attributes []*cryptoki.Attribute) (*ecdsa.PublicKey, error) {
	var point cryptobyte.String
	if len(attributes) != 2 || !bytes.Equal(attributes[0].Value, sm2OID) {
		return nil, fmt.Errorf("the token's key is not on the SM2 curve: %w", pki.ErrBadPoint)
	}
	der := cryptobyte.String(attributes[1].Value)
	if !der.ReadASN1(&point, asn1.OCTET_STRING) || !der.Empty() || len(point) != 65 || point[0] != 4 {
		return nil, fmt.Errorf("the token's public key is not an uncompressed point: %w", pki.ErrBadPoint)
	}
	public, err := pki.ParsePoint(append([]byte{2 | point[64]&1}, point[1:33]...))
	if err != nil {
		return nil, fmt.Errorf("the token's public key: %w", err)
	}
	if !bytes.Equal(public.Uncompressed(), point) {
		return nil, fmt.Errorf("the token's public key: %w", pki.ErrBadPoint)
	}
	return public.ECDSA(), nil
}

type signer struct {
	device *device
	id     []byte
	public *ecdsa.PublicKey
}

// find returns the one object of a class with the key's CKA_ID.
func (k *signer) find(s cryptoki.SessionHandle, class uint) (cryptoki.ObjectHandle, error) {
	m := k.device.module
	err := m.FindObjectsInit(s, []*cryptoki.Attribute{
		cryptoki.NewAttribute(cryptoki.CKA_CLASS, class), cryptoki.NewAttribute(cryptoki.CKA_ID, k.id),
	})
	if err != nil {
		return 0, fmt.Errorf("looking for the key: %w", err)
	}
	found, _, err := m.FindObjects(s, 2)
	if err := errors.Join(err, m.FindObjectsFinal(s)); err != nil {
		return 0, fmt.Errorf("looking for the key: %w", err)
	}
	switch len(found) {
	case 0:
		return 0, keystore.ErrNoKey
	case 1:
		return found[0], nil
	default:
		return 0, errors.New("the token has several keys with this CKA_ID")
	}
}

// Public returns the public half.
func (k *signer) Public() crypto.PublicKey { return k.public }

// Sign has the token sign e = SM3(ZA ‖ M). The token draws its own randomness.
func (k *signer) Sign(_ io.Reader, e []byte, opts crypto.SignerOpts) ([]byte, error) {
	if len(e) != sm3.Size || opts.HashFunc() != 0 {
		return nil, fmt.Errorf("signing %d bytes with hash %v: want the %d bytes of e and no hash", len(e), opts.HashFunc(), sm3.Size)
	}
	var raw []byte
	err := k.device.with(func(s cryptoki.SessionHandle) error {
		private, err := k.find(s, cryptoki.CKO_PRIVATE_KEY)
		if err != nil {
			return err
		}
		mechanism := []*cryptoki.Mechanism{cryptoki.NewMechanism(k.device.mechanisms.Sign, nil)}
		if err := k.device.module.SignInit(s, mechanism, private); err != nil {
			return err
		}
		raw, err = k.device.module.Sign(s, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("signing with key %x in %s: %w", k.id, k.device.name, err)
	}
	sig, err := pki.ParseSignature(raw)
	if err != nil {
		return nil, fmt.Errorf("signing with key %x in %s: %w", k.id, k.device.name, err)
	}
	return sig.DER(), nil
}
