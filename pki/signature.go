package pki

import (
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// SignatureSize is the length in bytes of a raw SM2 signature.
const SignatureSize = 64

// maxSignatureDER is the longest DER form: two INTEGERs of 33 bytes.
const maxSignatureDER = 2 + 2*(2+33)

// Signature is a raw SM2 signature: r then s, each 32 big-endian bytes.
type Signature [SignatureSize]byte

// ErrBadSignature says that bytes are not an SM2 signature in the one accepted
// encoding. It does not say that a well-formed signature is wrong.
var ErrBadSignature = errors.New("not a well-formed SM2 signature")

// order is n, the order of the base point of sm2p256v1.
var order, _ = new(big.Int).SetString("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123", 16)

// Order returns n, the order of the SM2 base point.
func Order() *big.Int { return new(big.Int).Set(order) }

// WellFormed reports whether 0 < r < n, 0 < s < n and r + s is not 0 mod n: the
// ranges that GB/T 32918.2-2016, 7.1 checks before any curve arithmetic.
func (sig Signature) WellFormed() bool {
	r := new(big.Int).SetBytes(sig[:32])
	s := new(big.Int).SetBytes(sig[32:])
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(order) >= 0 || s.Cmp(order) >= 0 {
		return false
	}
	return r.Add(r, s).Cmp(order) != 0
}

// DER returns the ASN.1 form SEQUENCE { r INTEGER, s INTEGER }.
func (sig Signature) DER() []byte {
	return sig.appendDER(make([]byte, 0, maxSignatureDER))
}

func (sig Signature) appendDER(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 0x30, 0)
	dst = appendInteger(dst, sig[:32])
	dst = appendInteger(dst, sig[32:])
	dst[start+1] = byte(len(dst) - start - 2)
	return dst
}

// appendInteger appends the minimal DER INTEGER of an unsigned big-endian value
// of at most 32 bytes.
func appendInteger(dst, v []byte) []byte {
	for len(v) > 1 && v[0] == 0 {
		v = v[1:]
	}
	if v[0]&0x80 != 0 {
		dst = append(dst, 0x02, byte(len(v)+1), 0)
	} else {
		dst = append(dst, 0x02, byte(len(v)))
	}
	return append(dst, v...)
}

// ParseSignatureDER decodes an ASN.1 signature. Only minimal DER of two
// integers in 0…2^256−1 is accepted; the ranges of r and s are left to
// [Signature.WellFormed]. The error wraps [ErrBadSignature].
func ParseSignatureDER(der []byte) (Signature, error) {
	var sig Signature
	var inner cryptobyte.String
	input := cryptobyte.String(der)
	r, s := new(big.Int), new(big.Int)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(r) || !inner.ReadASN1Integer(s) || !inner.Empty() {
		return sig, fmt.Errorf("decoding ASN.1: %w", ErrBadSignature)
	}
	if r.Sign() < 0 || s.Sign() < 0 || r.BitLen() > 256 || s.BitLen() > 256 {
		return sig, fmt.Errorf("r or s out of range: %w", ErrBadSignature)
	}
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig, nil
}

// ParseSignature takes 64 raw bytes.
func ParseSignature(b []byte) (Signature, error) {
	if len(b) != SignatureSize {
		return Signature{}, fmt.Errorf("raw signature of %d bytes: %w", len(b), ErrBadSignature)
	}
	return Signature(b), nil
}
