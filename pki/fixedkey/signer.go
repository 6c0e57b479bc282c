package fixedkey

import (
	"crypto"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"sync"

	"filippo.io/bigmod"
	"github.com/emmansun/gmsm/ecdh"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
)

// scalarSize is the length in bytes of a number modulo n, big-endian.
const scalarSize = 32

// ErrRandomness says that a signature was asked for without a source of randomness.
var ErrRandomness = errors.New("a signature needs a source of randomness")

// Signer signs with one key that lies in memory (GB/T 32918.2-2016, 6.1). It is immutable
// and safe for concurrent use.
//
// What is secret is computed by libraries in constant time: the point kG by gmsm's ecdh,
// numbers modulo n by bigmod. What is faster than in gmsm's own signature is around that:
// (1 + d)^-1 and the keyed hash of the nonces are prepared once for the key, s needs one
// multiplication, and the answer needs no DER. See docs/adr/0033.
type Signer struct {
	public  *pki.PublicKey
	modulus *bigmod.Modulus
	inverse *bigmod.Nat // (1 + d)^-1 mod n, as secret as d
	nonces  sync.Pool   // of hash.Hash: HMAC-SM3 under a secret that is made from d
	sums    sync.Pool   // of *heaps
}

var _ crypto.Signer = (*Signer)(nil)

// NewSigner takes a private key: 32 big-endian bytes of a number from 1 to n − 2. The bytes
// are not kept.
func NewSigner(d []byte) (*Signer, error) {
	private, err := sm2.NewPrivateKey(d)
	if err != nil {
		return nil, fmt.Errorf("taking a private key: %w", err)
	}
	public, err := pki.NewPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	s := &Signer{public: public, sums: sync.Pool{New: func() any { return new(heaps) }}}
	n := pki.Order()
	if s.modulus, err = bigmod.NewModulus(n.Bytes()); err != nil {
		return nil, fmt.Errorf("taking the order of the curve: %w", err)
	}
	if s.inverse, err = bigmod.NewNat().SetBytes(d, s.modulus); err != nil {
		return nil, fmt.Errorf("taking a private key: %w", err)
	}
	s.inverse.Add(bigmod.NewNat().SetUint(1).ExpandFor(s.modulus), s.modulus)
	s.inverse.Exp(s.inverse, n.Sub(n, big.NewInt(2)).Bytes(), s.modulus) // n is prime
	secret := hmac.New(sm3.New, d)
	secret.Write([]byte("elicence fixedkey nonces"))
	key := secret.Sum(nil)
	s.nonces.New = func() any { return hmac.New(sm3.New, key) }
	return s, nil
}

// String tells nothing of the key.
func (s *Signer) String() string { return "signer(" + s.public.Point().String() + ")" }

// GoString is [Signer.String].
func (s *Signer) GoString() string { return s.String() }

// Public implements [crypto.Signer]: an *ecdsa.PublicKey.
func (s *Signer) Public() crypto.PublicKey { return s.public.ECDSA() }

// Sign implements [crypto.Signer] as the library's private key does: the digest is e =
// SM3(ZA ‖ M) and the answer is DER. Options other than crypto.Hash(0) are refused.
func (s *Signer) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if len(digest) != sm3.Size || opts != crypto.Hash(0) {
		return nil, errors.New("what is signed is a digest by SM3 of 32 bytes, and nothing else")
	}
	sig, err := s.SignDigest(random, [sm3.Size]byte(digest))
	if err != nil {
		return nil, err
	}
	return sig.DER(), nil
}

// SignDigest signs e = SM3(ZA ‖ M), as [pki.PublicKey.Digest] computes it. The signature is
// not verified.
func (s *Signer) SignDigest(random io.Reader, e [sm3.Size]byte) (pki.Signature, error) {
	made, err := s.sign(random, e)
	return made.sig, err
}

// signature is one that was made, and the point R = kG that it was made with.
type signature struct {
	sig  pki.Signature
	x, y [scalarSize]byte // big-endian
}

func (s *Signer) sign(random io.Reader, e [sm3.Size]byte) (signature, error) {
	if random == nil {
		return signature{}, ErrRandomness
	}
	var fresh [32]byte
	if _, err := io.ReadFull(random, fresh[:]); err != nil {
		return signature{}, fmt.Errorf("drawing randomness: %w", err)
	}
	for try := uint32(0); ; try++ {
		k := s.nonce(fresh, e, try)
		made, ok := s.signWith(k[:], e)
		clear(k[:])
		if ok {
			return made, nil
		}
	}
}

// nonce draws 32 bytes for k: HMAC-SM3 under a secret of the key over fresh randomness, the
// digest and the number of the try. Without the key nobody can tell them from random ones;
// where the randomness fails or repeats they differ for different digests all the same.
func (s *Signer) nonce(fresh [32]byte, e [sm3.Size]byte, try uint32) [scalarSize]byte {
	mac := s.nonces.Get().(hash.Hash)
	var text [32 + sm3.Size + 4]byte
	copy(text[:], fresh[:])
	copy(text[32:], e[:])
	binary.BigEndian.PutUint32(text[32+sm3.Size:], try)
	mac.Write(text[:])
	var k [scalarSize]byte
	mac.Sum(k[:0])
	mac.Reset()
	s.nonces.Put(mac)
	return k
}

// signWith signs with the nonce k. It is false where k is 0 or not below n − 1, and where
// the standard draws another: r = 0, r + k = n, s = 0 (6.1, A3, A5, A6). A k that is not
// taken is not reduced either, so that those that are taken are all as likely. That one was
// refused tells of it no more than this, and nothing of the one that is taken.
func (s *Signer) signWith(k []byte, e [sm3.Size]byte) (signature, bool) {
	private, err := ecdh.P256().NewPrivateKey(k)
	if err != nil {
		return signature{}, false
	}
	point := private.PublicKey().Bytes() // 4 ‖ x ‖ y
	var made signature
	copy(made.x[:], point[1:33])
	copy(made.y[:], point[33:])
	// r is public.
	r := addModN(reduceModN(limbs(e)), reduceModN(limbs(made.x)))
	if r == ([4]uint64{}) {
		return signature{}, false
	}
	putLimbs(made.sig[:32], r)
	// s = (1 + d)^-1·(k − r·d) = (1 + d)^-1·(k + r) − r
	ofR, err := bigmod.NewNat().SetBytes(made.sig[:32], s.modulus)
	if err != nil {
		panic("fixedkey: a reduced number is not below n: " + err.Error())
	}
	ofS, err := bigmod.NewNat().SetBytes(k, s.modulus)
	if err != nil {
		return signature{}, false
	}
	ofS.Add(ofR, s.modulus)
	if ofS.IsZero() == 1 {
		return signature{}, false
	}
	ofS.Mul(s.inverse, s.modulus)
	ofS.Sub(ofR, s.modulus)
	if ofS.IsZero() == 1 {
		return signature{}, false
	}
	copy(made.sig[32:], ofS.Bytes(s.modulus))
	return made, true
}
