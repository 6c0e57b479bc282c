package tsa

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// Imprint is what is stamped: the digest of something that never leaves its owner
// (MessageImprint of RFC 3161, 2.4.1). The algorithm is SM3 or SHA-256, the digest
// has 32 bytes.
type Imprint struct {
	Algorithm oid.ID
	Digest    [32]byte
}

// SM3 returns the imprint of content with the given SM3 digest.
func SM3(digest [sm3.Size]byte) Imprint { return Imprint{oid.SM3, digest} }

// SHA256 returns the imprint of content with the given SHA-256 digest.
func SHA256(digest [sha256.Size]byte) Imprint { return Imprint{oid.SHA256, digest} }

func (i Imprint) marshal(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.AddAlgorithm(b, i.Algorithm)
		b.AddASN1OctetString(i.Digest[:])
	})
}

// readImprint reads a MessageImprint. Its algorithm's parameters may be absent or
// NULL.
func readImprint(s *cryptobyte.String) (Imprint, error) {
	var i Imprint
	var sequence, digest cryptobyte.String
	if !s.ReadASN1(&sequence, cbasn1.SEQUENCE) {
		return i, refuse(BadDataFormat, "message imprint is not a SEQUENCE")
	}
	var ok bool
	if i.Algorithm, ok = oid.ReadAlgorithm(&sequence); !ok {
		return i, refuse(BadDataFormat, "message imprint has no hash algorithm without parameters")
	}
	if !sequence.ReadASN1(&digest, cbasn1.OCTET_STRING) || !sequence.Empty() {
		return i, refuse(BadDataFormat, "message imprint has no digest")
	}
	if i.Algorithm != oid.SM3 && i.Algorithm != oid.SHA256 {
		return i, refuse(BadAlg, fmt.Sprintf("hash algorithm %s is neither SM3 nor SHA-256", i.Algorithm))
	}
	if len(digest) != len(i.Digest) {
		return i, refuse(BadDataFormat, fmt.Sprintf("digest of %d bytes, its algorithm has 32", len(digest)))
	}
	copy(i.Digest[:], digest)
	return i, nil
}

// maxNonce bounds a nonce, in content octets of its INTEGER: 160 bits and a sign.
const maxNonce = 21

// readInteger reads an INTEGER in DER of at most maxNonce content octets and returns
// these: two's complement, big-endian, minimal.
func readInteger(s *cryptobyte.String) ([]byte, bool) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, cbasn1.INTEGER) || len(content) == 0 || len(content) > maxNonce {
		return nil, false
	}
	if len(content) > 1 && (content[0] == 0 && content[1] < 0x80 || content[0] == 0xff && content[1] >= 0x80) {
		return nil, false
	}
	return bytes.Clone(content), true
}

func addInteger(b *cryptobyte.Builder, content []byte) {
	b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(content) })
}
