package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
)

// UserID is the default SM2 user ID (GM/T 0009-2023): the only one used here.
const UserID = "1234567812345678"

// Key is a signing key: the private half behind a crypto.Signer, the public
// half parsed once.
type Key struct {
	signer crypto.Signer
	public *PublicKey
	check  func(e [32]byte, sig Signature) bool // the self-check of Sign
	// checkAll is the self-check of SignAll; nil: check, one by one.
	checkAll func(digests [][32]byte, sigs []Signature) bool
}

// NewKey wraps a signer whose public half is an SM2 key. The signer's Sign is
// always called with e = SM3(ZA ‖ M) as its digest, crypto.Hash(0) as its
// options and the system's randomness, and must answer with a DER signature.
func NewKey(signer crypto.Signer) (*Key, error) {
	ec, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signing key is a %T, not an SM2 key", signer.Public())
	}
	public, err := NewPublicKey(ec)
	if err != nil {
		return nil, err
	}
	return &Key{signer: signer, public: public, check: public.VerifyDigest}, nil
}

// CheckedBy returns the same key with another self-check in [Key.Sign]: check reports
// whether sig is a signature of this key over e = SM3(ZA ‖ M). Package fixedkey has one
// for keys that sign much.
func (k *Key) CheckedBy(check func(e [32]byte, sig Signature) bool) *Key {
	return &Key{signer: k.signer, public: k.public, check: check}
}

// AllCheckedBy returns the same key with another self-check in [Key.SignAll]: check reports
// whether every one of sigs is a signature of this key over the digest beside it.
func (k *Key) AllCheckedBy(check func(digests [][32]byte, sigs []Signature) bool) *Key {
	return &Key{signer: k.signer, public: k.public, check: k.check, checkAll: check}
}

// Public returns the public half.
func (k *Key) Public() *PublicKey { return k.public }

// ErrSelfCheck says that a signature just made does not verify: a fault of the
// machine or of the device that holds the key. Nothing may be released.
var ErrSelfCheck = errors.New("a signature just made does not verify")

// Sign signs msg (SM2 with SM3, default user ID) and verifies the result before
// it returns it. A failing check is [ErrSelfCheck].
func (k *Key) Sign(msg []byte) (Signature, error) {
	sig, e, err := k.sign(msg)
	if err != nil {
		return Signature{}, err
	}
	if !k.check(e, sig) {
		return Signature{}, ErrSelfCheck
	}
	return sig, nil
}

// SignAll is [Key.Sign] for many messages. All are verified before one is returned; a
// failing check tells nothing of which.
func (k *Key) SignAll(msgs [][]byte) ([]Signature, error) {
	sigs, digests := make([]Signature, len(msgs)), make([][32]byte, len(msgs))
	for i, msg := range msgs {
		var err error
		if sigs[i], digests[i], err = k.sign(msg); err != nil {
			return nil, err
		}
	}
	if k.checkAll != nil {
		if !k.checkAll(digests, sigs) {
			return nil, ErrSelfCheck
		}
		return sigs, nil
	}
	for i := range sigs {
		if !k.check(digests[i], sigs[i]) {
			return nil, ErrSelfCheck
		}
	}
	return sigs, nil
}

// SignUnchecked is [Key.Sign] without the verification, for callers that verify
// the whole object they have just built by other means before they release it.
func (k *Key) SignUnchecked(msg []byte) (Signature, error) {
	sig, _, err := k.sign(msg)
	return sig, err
}

func (k *Key) sign(msg []byte) (Signature, [32]byte, error) {
	e := k.public.Digest(msg)
	der, err := k.signer.Sign(rand.Reader, e[:], crypto.Hash(0))
	if err != nil {
		return Signature{}, e, fmt.Errorf("signing: %w", err)
	}
	sig, err := ParseSignatureDER(der)
	if err != nil {
		return Signature{}, e, fmt.Errorf("reading what the key answered: %w", err)
	}
	return sig, e, nil
}
