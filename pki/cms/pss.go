package cms

import (
	"crypto"
	"crypto/rsa"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

var (
	rsaPSS = oid.Of(1, 2, 840, 113549, 1, 1, 10)
	mgf1   = oid.Of(1, 2, 840, 113549, 1, 1, 8)
)

// maxSalt bounds the salt of RSASSA-PSS, in bytes: more does not fit under a key of 4096
// bits.
const maxSalt = 512

// readPSS reads RSASSA-PSS-params (RFC 4055, 3.1) and returns the length of the salt in
// bytes. Both digests must be the message's own, which no default is (SHA-1), and there
// must be a salt.
func readPSS(parameters []byte, h crypto.Hash) (int, bool) {
	input := cryptobyte.String(parameters)
	var sequence, hash, mask, salt, trailer, generator cryptobyte.String
	var hasSalt, hasTrailer bool
	if !input.ReadASN1(&sequence, cbasn1.SEQUENCE) || !input.Empty() ||
		!sequence.ReadASN1(&hash, context(0)) || !sequence.ReadASN1(&mask, context(1)) ||
		!sequence.ReadOptionalASN1(&salt, &hasSalt, context(2)) ||
		!sequence.ReadOptionalASN1(&trailer, &hasTrailer, context(3)) || !sequence.Empty() {
		return 0, false
	}
	isHash := func(s *cryptobyte.String) bool {
		id, ok := oid.ReadAlgorithm(s)
		found, known := WesternHash(id)
		return ok && known && found == h && s.Empty()
	}
	if !isHash(&hash) || !mask.ReadASN1(&generator, cbasn1.SEQUENCE) || !mask.Empty() ||
		!oid.Expect(&generator, mgf1) || !isHash(&generator) {
		return 0, false
	}
	length, trailerField := 20, 1
	if hasSalt && (!salt.ReadASN1Integer(&length) || !salt.Empty()) ||
		hasTrailer && (!trailer.ReadASN1Integer(&trailerField) || !trailer.Empty()) {
		return 0, false
	}
	return length, length > 0 && length <= maxSalt && trailerField == 1
}

var errNotRSA = errors.New("the signer's key is not RSA")

func verifyPSS(key crypto.PublicKey, h crypto.Hash, salt int, message, signature []byte) error {
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return errNotRSA
	}
	digest := h.New()
	digest.Write(message)
	return rsa.VerifyPSS(public, h, digest.Sum(nil), signature, &rsa.PSSOptions{SaltLength: salt, Hash: h})
}
