package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
)

// UserID is the default SM2 user ID (GM/T 0009-2023): the only one used here.
const UserID = "1234567812345678"

// Key is a signing key: the private half behind a crypto.Signer, the public
// half parsed once.
type Key struct {
	signer crypto.Signer
	public *PublicKey
	check  func(e [32]byte, sig Signature) bool // the self-check of Sign
}

// digestSigner is a signer that answers without DER. Package fixedkey has one.
type digestSigner interface {
	SignDigest(random io.Reader, e [32]byte) (Signature, error)
}

// manySigner is a signer that signs many digests, and has verified all signatures before
// it answers; its error wraps [ErrSelfCheck] if one is wrong. Package fixedkey has one.
type manySigner interface {
	SignDigests(random io.Reader, digests [][32]byte) ([]Signature, error)
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
// failing check tells nothing of which. A message is read before the next one is asked for,
// and never again.
func (k *Key) SignAll(msgs iter.Seq[[]byte]) ([]Signature, error) {
	if many, ok := k.signer.(manySigner); ok {
		var digests [][32]byte
		for msg := range msgs {
			digests = append(digests, k.public.Digest(msg))
		}
		sigs, err := many.SignDigests(rand.Reader, digests)
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		return sigs, nil
	}
	var sigs []Signature
	for msg := range msgs {
		sig, err := k.Sign(msg)
		if err != nil {
			return nil, err
		}
		sigs = append(sigs, sig)
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
	if direct, ok := k.signer.(digestSigner); ok {
		sig, err := direct.SignDigest(rand.Reader, e)
		if err != nil {
			return Signature{}, e, fmt.Errorf("signing: %w", err)
		}
		return sig, e, nil
	}
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
